"""What a bench measures is of the answers that were given; the text and the page say the same."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from agent.analysis.calibration import Scaling
from agent.analysis.scoring import Truth
from agent.apps.bench.figures import figures
from agent.apps.bench.measured import Bench, Failure
from agent.apps.bench.page import Plot, bench_page
from agent.apps.bench.told import told

RIGHT = ("a", "b", "c", "d", "e", "f", "g", "h")


def answered(at: int, of: str = "one", blamed: str = "", **fields: Any) -> dict[str, Any]:
    """The answer to a case of a set, by default the right one, with the probability 0.8."""
    name = blamed or RIGHT[at]
    given: dict[str, Any] = {"ranking": [name, "z"], "scores": [1.0, 0.5], "probability": 0.8}
    given |= {"verdict": "incident", "confidence": 0.7, "grounded": True, "causes": []}
    given |= {"ingest_s": 1.0, "seconds": 2.0, "cpu_s": 1.5, "rank": "service"}
    return {"case": f"{of}-{at}", "set": of} | given | fields


def failed(at: int, of: str = "one") -> dict[str, Any]:
    given = {"ranking": [], "scores": [], "probability": 0.0, "grounded": False}
    return {"case": f"{of}-{at}", "set": of, "rank": "service", "error": "it died"} | given


def truths(of: str = "one", judged: Any = "ranking") -> dict[str, Truth]:
    return {f"{of}-{at}": Truth((name,), judged=judged) for at, name in enumerate(RIGHT)}


def measured(*more: dict[str, Any], of: str = "one") -> Bench:
    """Figures of a set with six answers, five of them right."""
    lines = [answered(at, of) for at in range(5)] + [answered(5, of, "wrong", probability=0.3)]
    return figures([*lines, *more], truths(of))


def test_a_case_that_failed_is_wrong_but_no_forecast() -> None:
    bench = measured(failed(6), failed(7))
    (one,) = bench.sets
    assert (one.cases, one.failed) == (8, 2)
    assert bench.rows[0].ac_1 == 5 / 8
    assert (one.brier, one.base_rate) == (measured().sets[0].brier, measured().sets[0].base_rate)
    assert bench.pooled
    assert (bench.pooled.n, bench.pooled.failed) == (6, 2)
    assert sum(one.n for one in bench.pooled.bins) == 6
    assert bench.pooled.curve[-1] == pytest.approx((1.0, 1 / 6))
    assert "calibration of 6 answers of one; 2 cases that failed gave none" in told(bench, "text")
    assert "2 cases that failed gave none" in bench_page(bench)


def test_a_false_incident_was_forecast_as_surely_as_it_was_told() -> None:
    right = {f"one-{at}": Truth((), judged="healthy") for at in range(4)}
    lines = [answered(at, verdict="healthy", confidence=0.9) for at in range(3)]
    bench = figures([*lines, answered(3, verdict="incident", confidence=0.6)], right)
    assert bench.sets[0].brier == pytest.approx((3 * 0.1**2 + 0.6**2) / 4)
    assert math.isnan(bench.sets[0].grounded), "who rightly says that nothing is wrong has no path"


def test_words_are_judged_by_the_first_cause_and_so_is_how_sure_it_was() -> None:
    cause = {"text": "full disk", "resource": "a", "probability": 0.4, "grounded": False}
    words = {"one-0": Truth((), judged="words", words=(("disk",),))}
    (one,) = figures([answered(0, causes=[cause])], words).sets
    assert (one.brier, one.grounded) == pytest.approx((0.36, 0.0))


def test_how_sure_it_is_of_a_metric_is_not_known() -> None:
    bench = figures([answered(at, rank="metric") for at in range(6)], truths())
    assert bench.pooled is None
    assert bench.sets[0].saturated == "a metric has no probability"
    assert math.isnan(bench.sets[0].brier)
    assert math.isnan(bench.sets[0].grounded)


def test_that_the_engine_solves_a_set_is_no_reason_to_leave_it_out() -> None:
    bench = figures([answered(at) for at in range(6)], truths())
    assert bench.sets[0].saturated == ""
    assert bench.pooled
    assert "No rules were asked" in bench_page(bench)


def test_what_a_rule_or_one_answer_solves_is_not_pooled() -> None:
    def by_rule(at: int) -> dict[str, Any]:
        return {"N-sigma": {"ranking": [RIGHT[at]], "scores": [1.0]}}

    lines = [answered(at, blamed="wrong", baselines=by_rule(at)) for at in range(6)]
    bench = figures(lines, truths())
    assert bench.sets[0].saturated == "N-sigma solves it"
    assert "No rules were asked" not in bench_page(bench)
    always = {f"one-{at}": Truth(("a",)) for at in range(6)}
    assert figures(lines, always).sets[0].saturated == "one answer fits all"
    calm = {f"one-{at}": Truth((), judged="healthy") for at in range(6)}
    assert figures(lines, calm).sets[0].saturated == "one answer fits all"


def test_rules_are_asked_of_the_changed_services_only() -> None:
    rule = {"ranking": ["db", "a", "b"], "scores": [9.0, 3.0, 2.0]}
    tied = {"ranking": ["a", "b", "db"], "scores": [3.0, 3.0, 2.0]}
    line = answered(
        0,
        ranked_changes=["b", "a"],
        change_scores=[1.0, 1.0],
        change_probability=0.4,
        change_grounded=False,
        baselines={"N-sigma": rule, "BARO": tied, "latest deploy": {"ranking": [], "scores": []}},
    )
    bench = figures([line], truths(judged="change"))
    by_method = {row.method: (row.ac_1, row.ac_3) for row in bench.rows}
    assert by_method == {"Inquest": (0.0, 1.0), "N-sigma": (1.0, 1.0), "BARO": (0.0, 1.0)}
    assert bench.sets[0].brier == pytest.approx(0.16)
    asked = "of the changes, the guilty one first"
    assert bench.sets[0].asked == asked
    assert f"one: {asked}" in told(bench, "text")
    assert asked in bench_page(bench)
    assert asked not in told(measured(), "text")


def test_one_set_alone_is_not_scaled_by_others() -> None:
    bench = measured()
    assert math.isnan(bench.sets[0].brier_left_out)
    assert bench.pooled
    assert not bench.pooled.curve_left_out
    assert not bench.pooled.bins_left_out
    assert "scaled by the other sets" not in told(bench, "text")
    assert "scaling fitted on the other sets" not in bench_page(bench)
    lines = [answered(at, of) for of in ("one", "two") for at in range(6)]
    both = figures(lines, truths("one") | truths("two"))
    assert "scaled by the other sets" in told(both, "text")
    assert "scaling fitted on the other sets" in bench_page(both)


def test_what_all_sets_together_teach_is_told() -> None:
    bench = measured()
    assert bench.pooled
    assert bench.pooled.teach.slope > 1.0, "it was more often right than it said"
    taught = replace(bench, pooled=replace(bench.pooled, teach=Scaling(0.966, -0.054)))
    sentence = "they teach: log odds times 0.97 minus 0.05"
    assert sentence in told(taught, "text")
    assert sentence.removeprefix("they teach: ") in bench_page(taught)


def test_the_page_says_what_the_figures_do_not_hold() -> None:
    bench = measured(*[answered(at, "two") for at in range(2)])
    assert "2 cases without a truth" in bench_page(bench)
    assert "not counted" not in bench_page(measured())


def test_a_page_without_a_truth_has_no_empty_tables() -> None:
    page = bench_page(figures([answered(0)], {}))
    assert "<table" not in page
    assert "1 case without a truth" in page


def test_a_set_that_failed_wholly_has_no_figures_but_is_shown() -> None:
    bench = figures([failed(at) for at in range(6)], truths())
    page = bench_page(bench)
    assert "nan" not in page.split("<main>")[1]
    assert "nan" not in told(bench, "text")
    assert bench.pooled is None
    assert bench.sets[0].saturated == "fewer than 5 answers"
    assert "one-0, one-1, one-2 and 3 more: it died" in page
    assert "one-5" not in page


def test_the_page_has_what_the_text_has_of_time() -> None:
    page = bench_page(measured())
    assert "<th>CPU s</th>" in page
    assert "<td>1.500</td>" in page


def test_a_dots_area_is_its_answers() -> None:
    plot = Plot()
    assert plot.radius(100, 100) == 12.0
    assert plot.radius(25, 100) == 6.0
    assert plot.radius(1, 1000) == 2.0, "else it is not seen"


def test_the_text_says_first_what_was_left_out() -> None:
    bench = replace(measured(), without=("logs", "traces"))
    assert told(bench, "text").startswith("without: logs, traces\n\n")
    alone = Bench((), (), None, (Failure("a", "it died"),), ("traces",))
    assert told(alone, "text") == "without: traces\n\nnot answered: a: it died"
