"""The tools that a model may ask: what each answers, and what all of them keep."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.playbook.load import read as read_playbook
from agent.state import Window
from agent.tools.notebook import Notebook
from agent.tools.offered import offers
from agent.tools.offered.call import Caps, Result, call
from agent.tools.offered.offers import OFFERED, as_functions, offer
from agent.tools.offered.told import A_TOKEN
from lake.ask import Limits
from lake.store import Lake
from playbooks import __file__ as playbooks_file
from tests.agent.tools.rows import Row, moment, point, put, span
from tests.agent.world import START, Release, record
from traces.tracer import Tracing

WINDOW = Window(START, moment(720), 10, trouble=(moment(300), moment(720)))
OOM_ID = "kubernetes/node_oom"
OOM = read_playbook(Path(playbooks_file).parent / f"{OOM_ID}.yaml", OOM_ID)
WIDE = Caps()
ARGUMENTS: dict[str, dict[str, Any]] = {
    "read_trace": {"trace": "m7"},
    "topology": {"resource": "payment", "hops": 2},
    "playbooks": {"id": "kubernetes/node_oom"},
    "past_incidents": {"end": "+10m"},
    "sql": {"select": "SELECT span_name, count(*) AS n FROM trace_span GROUP BY ALL;"},
}
MORE: dict[str, list[Row]] = {
    "kubernetes_event": [
        {
            "time": moment(400 + n),
            "object": {"kind": "Node", "name": f"node-{n}"},
            "reason": "SystemOOM",
            "message": "System OOM encountered, victim process: java, pid: 4711",
            "event_type": "Warning",
            "severity_id": 3,
        }
        for n in range(9)
    ],
    "kubernetes_object": [
        {
            "time": moment(310),
            "object": {"kind": "Pod", "namespace": "shop", "name": f"cart-{severity}"},
            "reason": "CrashLoopBackOff" if severity > 2 else "Running",
            "severity_id": severity,
        }
        for severity in (1, 3, 4, 2)
    ],
    "application_lifecycle": [
        {
            "time": moment(310),
            "app": {"name": "cart"},
            "change": {"uid": "c1", "kind": "flag", "state": "success"},
        }
    ],
    "incident_finding": [
        {"time": moment(0), "start_time": moment(-7200), "impacted_services": ["web"]}
    ],
    "metric_point": [
        point(s, 10 + s % 3 + series * (s >= 300), f"queue {series}", f"{series}")
        for s in range(0, 720, 20)
        for series in range(9)
    ],
    "trace_span": [span("s", "server", "web", 400_000, 900, trace="m7")],
}


def said(at_s: float, message: str, severity: int = 4, service: str = "cart") -> Row:
    """A line of a log."""
    return {
        "time": moment(at_s),
        "severity_id": severity,
        "message": message,
        "workload": {"service": service},
    }


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Every kind of telemetry; payment's release has its queries wait for a lock."""
    releases = (Release("payment", "2.8.0", "2.7.9", (300.0, 390.0)),)
    with Lake.create(tmp_path_factory.mktemp("full") / "lake") as lake:
        record(lake, releases=releases, held_s=(400.0, 560.0), per_s=1.0)
        put(lake, "log_record", [said(s, f"lost {s}") for s in range(400, 500, 9)])
        for table, of_table in MORE.items():
            put(lake, table, of_table, "more")
        yield lake


@pytest.fixture(scope="module")
def tracing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracing]:
    """Spans of all tests, kept apart from what they ask about."""
    folder = tmp_path_factory.mktemp("traces")
    with Lake.create(folder / "lake") as lake, Tracing(lake, "test") as tracing:
        yield tracing


def asked(
    name: str, lake: Lake, tracing: Tracing, arguments: object = None, caps: Caps = WIDE
) -> Result:
    """One call in an investigation of its own."""
    given = ARGUMENTS.get(name, {}) if arguments is None else arguments
    assert not isinstance(OOM, list)
    return call(Notebook(lake.at(), tracing), name, given, WINDOW, caps, [OOM])


def rows(lake: Lake, tracing: Tracing, name: str, **arguments: Any) -> list[Row]:
    """What a tool answers; it must not be refused."""
    result = asked(name, lake, tracing, arguments)
    assert result.answer, result.text
    return result.answer.rows.dicts()


def test_every_file_is_offered() -> None:
    assert sorted(OFFERED) == sorted(f.stem for f in Path(offers.__file__).parent.glob("*.sql"))


def test_all_definitions_together_are_short_and_whole() -> None:
    functions = as_functions()
    assert len(json.dumps(functions, ensure_ascii=False)) / 4 < 1200
    assert [one["function"]["name"] for one in functions] == list(OFFERED)
    topology = as_functions(["topology"])[0]["function"]["parameters"]
    assert topology == {
        "type": "object",
        "properties": {
            "resource": {"type": "string"},
            "direction": {
                "type": "string",
                "enum": ["up", "down", "both"],
                "description": "down: what it needs",
            },
            "hops": {"type": "integer", "minimum": 1, "maximum": 3},
        },
        "required": ["resource"],
    }


@pytest.mark.parametrize("name", OFFERED)
def test_an_answer_is_evidence_that_is_the_same_whoever_asks_again(
    name: str, full: Lake, tracing: Tracing
) -> None:
    result = asked(name, full, tracing)
    assert result.answer, result.text
    evidence = result.answer.evidence
    assert evidence.rows > 0
    assert re.fullmatch(rf"{name}:[0-9a-f]{{8}}", evidence.id)
    assert "$" not in evidence.question
    assert full.at(evidence.snapshots, threads=1).ask(evidence.sql).digest == evidence.digest


def test_a_question_has_one_id_whoever_asks_it(full: Lake, tracing: Tracing) -> None:
    one, same, other = (
        asked("find_traces", full, tracing, {"start": start, "end": "+5m"}).answer
        for start in ("+0m", "onset", "+1m")
    )
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.evidence == same.evidence
    assert one.id != other.id


@pytest.mark.parametrize("name", OFFERED)
def test_a_tool_uses_nothing_that_differs_from_run_to_run(name: str) -> None:
    text = offer(name).sql.lower()
    assert not re.search(r"\b(now|random|any_value|first|last|avg|stddev|approx_\w+)\s*\(", text)
    assert re.search(r"\norder by .+\nlimit \d+\Z", text) or not text


@pytest.mark.parametrize("tokens", [60, 600])
@pytest.mark.parametrize("name", ["kubernetes", "compare_metrics"])
def test_a_text_keeps_its_budget_and_cuts_no_row(
    name: str, tokens: int, full: Lake, tracing: Tracing
) -> None:
    whole = asked(name, full, tracing, caps=Caps(tokens=100_000)).text.splitlines()
    cut = asked(name, full, tracing, caps=Caps(tokens=tokens)).text
    lines = cut.splitlines()
    assert len(cut) <= tokens * A_TOKEN
    assert set(lines[:-1]) <= {*whole, lines[0]}
    assert lines[-1] in whole or re.match(r"\+\d+ more rows|\w+:\w+: \d+ rows too wide", lines[-1])


def test_the_calls_that_got_worst_come_first(full: Lake, tracing: Tracing) -> None:
    answer = rows(full, tracing, "edges")
    assert (answer[0]["caller"], answer[0]["callee"]) == ("payment", "postgresql/shop")
    assert answer[0]["failed_pct"] > answer[0]["failed_pct_before"]
    only = rows(full, tracing, "edges", service="CATALOG")
    assert {row["callee"] for row in only} == {"catalog"}


def test_a_metric_that_jumps_has_the_largest_z(lake: Lake, tracing: Tracing) -> None:
    put(
        lake,
        "metric_point",
        [point(s, 10 + s % 3 + (s >= 300) * 50, "queue", "q") for s in range(0, 720, 10)]
        + [point(s, 10 + s % 3, "heap", "h") for s in range(0, 720, 10)],
    )
    answer = rows(lake, tracing, "compare_metrics")
    assert [row["metric"] for row in answer] == ["queue", "heap"]
    assert answer[0]["z"] > 10 > abs(answer[1]["z"])
    assert [row["metric"] for row in rows(lake, tracing, "compare_metrics", metric="HEA")] == [
        "heap"
    ]


def test_templates_are_told_by_how_they_turned(lake: Lake, tracing: Tracing) -> None:
    lines = [said(s, f"served {s}", 1) for s in range(0, 720, 5)]
    lines += [said(s, f"no route to host {s}") for s in range(300, 720, 20)]
    lines += [said(s, f"warmed up {s}", 1) for s in range(0, 300, 5)]
    put(lake, "log_record", lines)
    turns = {row["template"]: row["turn"] for row in rows(lake, tracing, "log_templates")}
    assert turns == {"no route to host <num>": "new", "warmed up <num>": "gone"}


def test_lines_are_found_by_text_level_and_service(lake: Lake, tracing: Tracing) -> None:
    put(
        lake,
        "log_record",
        [
            said(310, "connection refused by 10.0.0.1"),
            said(320, "connection refused by 10.0.0.2", service="web"),
            said(330, "Connection opened", 1),
            said(10, "connection refused early"),
        ],
    )
    found = rows(lake, tracing, "search_logs", text="CONNECTION", level="error", service="Cart")
    assert [(row["template"], row["lines"]) for row in found] == [("connection refused by <ip>", 1)]
    text = asked("search_logs", lake, tracing, {"service": "cart"}).text
    assert "10.0.0.1" not in text
    assert found[0]["example"] == "connection refused by 10.0.0.1"


@pytest.mark.parametrize(
    "value",
    [
        "DATE '2026-01-01'", "TIME '12:00:00'", "INTERVAL 3 DAY", "'ab'::BLOB", "'101'::BIT",
        "MAP {'a': 1}", "[DATE '2026-01-01']", "{'a': DATE '2026-01-01'}", "'infinity'::TIMESTAMP",
        "TIMESTAMP '290000-01-01'", "170141183460469231731687303715884105727::HUGEINT",
        "uuid '00000000-0000-0000-0000-000000000001'", "'nan'::DOUBLE", "'{\"a\": {\"b\": [1]}}'",
    ],
)  # fmt: skip
def test_a_value_of_any_type_is_told_or_refused(value: str, lake: Lake, tracing: Tracing) -> None:
    result = asked("sql", lake, tracing, {"select": f"SELECT {value} AS v, 1 AS n"})
    assert result.text
    assert result.refused == (result.answer is None)


def test_what_inquest_says_is_told_only_where_inquest_is_asked_about(
    lake: Lake, tracing: Tracing
) -> None:
    put(lake, "log_record", [said(310, "the model was away", service="inquest")])
    assert rows(lake, tracing, "search_logs") == []
    ours = Notebook(lake.at(), tracing, ours=True)
    found = call(ours, "search_logs", {}, WINDOW, WIDE, [])
    assert "the model was away" in found.text


def test_slow_and_failed_requests_lead_to_their_traces(lake: Lake, tracing: Tracing) -> None:
    put(
        lake,
        "trace_span",
        [
            span("a", "server", "web", 400_000, 900, trace="slow"),
            span("b", "client", "web", 400_010, 800, "a", {"service": "cart"}, trace="slow"),
            span("c", "server", "cart", 400_020, 700, "b", trace="slow"),
            span("d", "server", "web", 410_000, 5, trace="failed", failed=True),
        ],
    )
    assert [row["trace"] for row in rows(lake, tracing, "find_traces")] == ["slow", "failed"]
    failed = rows(lake, tracing, "find_traces", ill="failed")
    assert [row["trace"] for row in failed] == ["failed"]
    of_cart = rows(lake, tracing, "find_traces", service="cart")
    assert [row["service"] for row in of_cart] == ["cart"]
    tree = rows(lake, tracing, "read_trace", trace="slow")
    assert [(row["depth"], row["kind"], row["at_ms"]) for row in tree] == [
        (0, "server", 0.0),
        (1, "client", 10.0),
        (2, "server", 20.0),
    ]


def test_a_trace_that_runs_in_a_circle_or_is_there_twice_is_read(
    lake: Lake, tracing: Tracing
) -> None:
    circle = [span("x", "server", "web", 0, 5, "y"), span("y", "server", "web", 0, 5, "x")]
    deep = [span("0", "server", "web", 0, 9)]
    deep += [span(f"{n}", "internal", "web", n, 5, f"{n - 1}") for n in range(1, 90)]
    put(lake, "trace_span", [*circle, *deep, *deep])
    tree = rows(lake, tracing, "read_trace", trace="t")
    assert [row["depth"] for row in tree] == list(range(len(tree)))
    assert len(tree) == 49


def test_changes_are_told_whether_announced_or_only_seen(full: Lake, tracing: Tracing) -> None:
    answer = rows(full, tracing, "changes", service="payment", start="-10m")
    kinds = {(row["kind"], row["version"]) for row in answer if row["version"] == "2.8.0"}
    assert kinds == {("deploy", "2.8.0"), ("version", "2.8.0")}
    assert {row["kind"] for row in rows(full, tracing, "changes", kind="flag")} == {"flag"}


def test_an_objects_new_image_scale_and_spec_are_changes(lake: Lake, tracing: Tracing) -> None:
    steps = [("cart:1", 2, "a"), ("cart:2", 2, "b"), ("cart:2", 5, "c"), ("cart:2", 5, "d")]
    put(
        lake,
        "kubernetes_object",
        [
            {
                "time": moment(300 + 10 * n),
                "object": {"kind": "Deployment", "namespace": "shop", "name": "cart"},
                "images": [image],
                "replicas": {"desired": desired},
                "spec_digest": spec,
            }
            for n, (image, desired, spec) in enumerate(steps)
        ],
    )
    answer = rows(lake, tracing, "changes")
    assert [(row["kind"], row["version"], row["previous"]) for row in answer] == [
        ("spec", "d", "c"),
        ("scale", "5", "2"),
        ("image", "cart:2", "cart:1"),
    ]


def test_the_timeline_has_all_sorts_in_order(full: Lake, tracing: Tracing) -> None:
    answer = rows(full, tracing, "timeline")
    assert [row["time"] for row in answer] == sorted(row["time"] for row in answer)
    assert {row["sort"] for row in answer} == {"change", "alert", "warning", "error"}


def test_neighbours_are_above_and_below(full: Lake, tracing: Tracing) -> None:
    def of(resource: str, **more: Any) -> set[tuple[int, str, str]]:
        found = rows(full, tracing, "topology", resource=resource, **more)
        return {(row["steps"], row["source"], row["target"]) for row in found}

    assert of("Payment", direction="down") == {(1, "payment", "postgresql/shop")}
    assert of("payment", direction="up", hops=2) == {
        (1, "checkout", "payment"),
        (2, "web", "checkout"),
    }


def test_failing_objects_come_before_those_that_are_well(full: Lake, tracing: Tracing) -> None:
    states = [row["state"] for row in rows(full, tracing, "kubernetes", kind="pods")]
    assert states == sorted(states)
    assert set(states) == {"failing", "warning", "well"}


def test_playbooks_are_listed_by_symptom_and_run_by_id(full: Lake, tracing: Tracing) -> None:
    listed = asked("playbooks", full, tracing, {"about": "node memory"})
    assert "kubernetes/node_oom: A node ran out of memory" in listed.text
    assert listed.answer is None
    found = rows(full, tracing, "playbooks", id=OOM_ID)
    assert [row["name"] for row in found] == [f"node-{n}" for n in range(9)]
    wrong = asked("playbooks", full, tracing, {"id": "kubernetes/oom"})
    assert wrong.refused
    assert OOM_ID in wrong.text


def test_what_is_found_nowhere_says_whether_there_is_anything_to_find_it_in(
    lake: Lake, tracing: Tracing
) -> None:
    put(lake, "log_record", [said(10, "early")])
    assert asked("search_logs", lake, tracing).text.endswith("No rows.")
    assert "holds nothing of that sort" in asked("compare_metrics", lake, tracing).text


def test_every_question_to_the_lake_is_charged_and_a_spent_budget_ends_it(
    full: Lake, tracing: Tracing
) -> None:
    charged: list[None] = []
    caps = Caps(spend=lambda: charged.append(None))
    asked("timeline", full, tracing, caps=caps)
    asked("timeline", full, tracing, {"start": "?"}, caps)
    assert len(charged) == 1

    def spent() -> None:
        raise RuntimeError("spent")

    with pytest.raises(RuntimeError, match="spent"):
        asked("timeline", full, tracing, caps=Caps(spend=spent))


def test_a_select_is_stopped_at_its_deadline_and_cannot_read_what_is_held(
    lake: Lake, tracing: Tracing
) -> None:
    put(lake, "log_record", [said(10, "early")])
    long = "SELECT count(*) AS n FROM range(9999999) a, range(9999999) b WHERE a.range < b.range"
    slow = asked("sql", lake, tracing, {"select": long}, Caps(limits=Limits(seconds=0.1)))
    assert slow.refused
    assert "longer than 0.1 s" in slow.text
    view = lake.at()
    view.hold("mine", "SELECT 1 AS a")
    held = call(Notebook(view, tracing), "sql", {"select": "SELECT a FROM mine"}, WINDOW)
    assert held.refused
    assert "no table mine" in held.text


@pytest.mark.parametrize(
    "select",
    [
        "DROP TABLE log_record",
        "SELECT 1; SELECT 2",
        "SELECT 1) TO 'x'; --",
        "COPY (SELECT 1) TO 'x'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT $start",
        "FROM log_record) UNION (SELECT",
        "",
    ],
)
def test_what_is_no_single_select_is_refused(select: str, lake: Lake, tracing: Tracing) -> None:
    put(lake, "log_record", [said(10, "early")])
    before = lake.snapshots()
    result = asked("sql", lake, tracing, {"select": select})
    assert result.refused
    assert lake.snapshots() == before


INJECTIONS = ["'; DROP TABLE log_record; --", "' OR 1=1 --", "$text", "\\'; --", "/*", "'' || 'x"]


@pytest.mark.parametrize("text", INJECTIONS)
def test_what_is_searched_for_is_a_literal(text: str, lake: Lake, tracing: Tracing) -> None:
    put(lake, "log_record", [said(310, "all is well"), said(320, f"said {text} once")])
    found = rows(lake, tracing, "search_logs", text=text)
    assert sum(row["lines"] for row in found) == 1
