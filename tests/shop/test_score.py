"""A report is judged by what its truth says, and by nothing else."""

from __future__ import annotations

from typing import Any

from tests.shop.score import judge, table


def change(kind: str, service: str, version: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "service": service, "version": version, **more}


GUILTY = change("deploy", "cart", "4.1.0")
INNOCENT = change("config", "cart", "4.0.3")
OTHER = change("deploy", "shipping", "1.9.4")


def truth(*causes: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "some_kind",
        "calm": not causes,
        "causes": list(causes),
        "innocent_changes": [INNOCENT, OTHER],
    }


def cause(*names: str, made: dict[str, Any] | None = None) -> dict[str, Any]:
    resources = [{"kind": "service", "name": name} for name in names]
    return {"resources": resources, "change": made}


def told(name: str, *, grounded: bool = True) -> dict[str, Any]:
    return {"resource": {"name": name}, "grounded": grounded, "probability": 0.8}


def report(verdict: str, *causes: dict[str, Any], **verdicts: str) -> dict[str, Any]:
    made = {"guilty": GUILTY, "innocent": INNOCENT, "other": OTHER}
    changes = [{**made[name], "verdict": said} for name, said in verdicts.items()]
    return {"verdict": verdict, "causes": list(causes), "changes": changes}


def test_any_of_the_right_resources_is_right_and_a_stores_database_does_not_matter() -> None:
    expected = truth(cause("postgresql/shop", "shop-db-1"))
    for name in ("postgresql", "postgresql/shop", "shop-db-1"):
        assert judge("1", report("cause_found", told(name)), expected).right
    assert not judge("1", report("cause_found", told("checkout")), expected).right
    assert not judge("1", report("inconclusive"), expected).right


def test_calm_is_left_alone_unless_somebody_is_blamed() -> None:
    for verdict, right in (("no_incident", True), ("inconclusive", True), ("cause_found", False)):
        score = judge("1", report(verdict, told("cart")), truth())
        assert (score.right, score.grounded, score.guilty) == (right, None, None)


def test_an_innocent_configuration_of_the_guilty_service_is_told_apart() -> None:
    expected = truth(cause("cart", made=GUILTY))
    said = report("cause_found", told("cart"), guilty="implicated", innocent="cleared")
    score = judge("1", said, expected)
    assert (score.guilty, score.innocent, score.cleared) == (True, True, (1, 2))
    wrong = judge("1", report("cause_found", told("cart"), innocent="implicated"), expected)
    assert (wrong.guilty, wrong.innocent, wrong.cleared) == (False, False, (0, 2))


def test_of_two_causes_one_is_enough_to_be_right_and_both_are_counted() -> None:
    expected = truth(cause("cart", made=GUILTY), cause("redis"))
    one = judge("1", report("cause_found", told("redis/0")), expected)
    assert (one.right, one.every) == (True, False)
    both = judge("1", report("cause_found", told("cart"), told("redis/0")), expected)
    assert (both.right, both.every) == (True, True)


def test_grounded_counts_only_where_the_cause_is_right() -> None:
    expected = truth(cause("cart"))
    assert judge("1", report("cause_found", told("cart")), expected).grounded
    assert judge("1", report("cause_found", told("web")), expected).grounded is None
    shaky = report("cause_found", told("cart", grounded=False))
    assert judge("1", shaky, expected).grounded is False


def test_an_investigation_that_failed_is_scored_as_one() -> None:
    failed = {"verdict": "failed", "error": "Traceback"}
    for expected in (truth(cause("cart")), truth()):
        score = judge("1", failed, expected)
        assert (score.right, score.innocent) == (False, False)
    lines = list(table([judge("1", failed, truth())]))
    assert "calm left alone: 0/1" in lines
    assert "no innocent change implicated: 0/1" in lines


def test_the_sums_count_what_applies() -> None:
    right = judge("1", report("cause_found", told("cart")), truth(cause("cart")))
    calm = judge("2", report("no_incident"), truth())
    lines = list(table([right, calm]))
    assert "first cause right: 1/1" in lines
    assert "calm left alone: 1/1" in lines
    assert "no innocent change implicated: 2/2" in lines
