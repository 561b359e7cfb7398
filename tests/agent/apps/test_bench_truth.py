"""A case's truth: every form that recordings tell it in is understood; what is broken is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.analysis.scoring import Truth, place
from agent.apps.bench.pack import Case, read_pack
from agent.apps.bench.truth import read_truths
from agent.errors import RequestError

SHOP = Path(__file__).parents[2] / "shop"


def told(folder: Path, truth: Any) -> Truth | None:
    """What is read of a truth that lies beside a case."""
    home = folder / "set" / "one"
    home.mkdir(parents=True)
    (home / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
    return read_truths(folder, [Case("one", "set", "service", home.parent, {})]).get("one")


def resources(*names: str) -> dict[str, Any]:
    return {"resources": [{"kind": "service", "name": name} for name in names], "change": None}


@pytest.mark.parametrize(
    ("incident", "right"),
    [
        ("incidents/bad_release", ("payment",)),
        ("incidents/config_timeout", ("checkout",)),
        ("incidents/release_and_config", ("cart",)),
        ("recorded/certificate_expiry", ("api.acquirer.example", "payment")),
    ],
)
def test_a_recording_of_the_shop_names_who_is_right_to_be_blamed(
    incident: str, right: tuple[str, ...]
) -> None:
    folder = SHOP / incident
    (truth,) = read_truths(folder.parent, [a_case(folder)]).values()
    assert (truth.right, truth.judged) == (right, "ranking")
    assert truth.fault == folder.name


@pytest.mark.parametrize("incident", ["incidents/flapping_alert", "recorded/calm_releases"])
def test_a_calm_recording_of_the_shop_is_to_be_found_healthy(incident: str) -> None:
    folder = SHOP / incident
    (truth,) = read_truths(folder.parent, [a_case(folder)]).values()
    assert truth.judged == "healthy"


def test_a_lock_that_somebody_held_is_told_by_the_session_and_the_table() -> None:
    folder = SHOP / "incidents" / "lock_held"
    (truth,) = read_truths(folder.parent, [a_case(folder)]).values()
    held = "session 8646 of ana_reyes (psql) holds a lock on stock that inventory waits for"
    waits = "inventory waits for a lock on stock"
    assert place(truth, {"causes": [{"text": held, "resource": "postgresql/shop"}]}) == 1.0
    assert place(truth, {"causes": [{"text": waits, "resource": "inventory"}]}) > 1.0


def test_no_recording_of_the_shop_is_without_a_truth() -> None:
    for folder in (SHOP / "incidents", SHOP / "recorded"):
        cases = read_pack(folder)
        assert read_truths(folder, cases).keys() == {case.id for case in cases}


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        ({"causes": [resources("redis")]}, Truth(("redis",))),
        (
            {"name": "two_faults", "causes": [resources("payment", "checkout"), resources("cart")]},
            Truth(("payment", "checkout", "cart"), "two_faults"),
        ),
        ({"causes": ["cart", {"service": "web"}]}, Truth(("cart", "web"))),
        ({"culprit": {"kind": "Job", "name": "mover"}}, Truth(("mover",))),
        ({"guilty_change": "ads", "fault_class": "cpu"}, Truth(("ads",), "cpu", "change")),
        ({"mode": "healthy"}, Truth((), "healthy", "healthy")),
        ({"verdict": "no_incident", "name": "calm_peak"}, Truth((), "calm_peak", "healthy")),
        (
            {"mode": "rca", "must_mention": [["a", "b"], ["c"]], "must_not_mention": ["d"]},
            Truth((), "rca", "words", (("a", "b"), ("c",)), ("d",)),
        ),
        ({"mode": "ocsf_pair", "expected": []}, None),
    ],
)
def test_each_form_of_a_truth_is_read(
    truth: dict[str, Any], expected: Truth | None, tmp_path: Path
) -> None:
    assert told(tmp_path, truth) == expected


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        ([1, 2], "no JSON object"),
        ({"mode": "rca", "must_mention": [1]}, "a group of must_mention is 1; it is a list of"),
        ({"mode": "rca", "must_mention": "cart"}, "a group of must_mention is 'cart'; it is a li"),
        ({"mode": "rca", "must_mention": [["a"]], "must_not_mention": "b"}, "must_not_mention is"),
        ({"guilty_change": ["x"]}, "guilty_change is ['x']; it is a text"),
        ({"guilty_change": "x", "fault_class": 3}, "fault_class is 3; it is a text"),
        ({"culprit": "x", "kind": {}, "name": 3}, "name is 3; it is a text"),
    ],
)
def test_a_broken_truth_is_told_with_its_file(truth: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError) as error:
        told(tmp_path, truth)
    assert f"set/one/truth.json: {said}" in str(error.value)


def test_every_broken_truth_of_a_folder_is_told_at_once(tmp_path: Path) -> None:
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"culprit": "web"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "truth.json").write_text(text, encoding="utf-8")
    cases = [Case(name, "set", "service", tmp_path, {}) for name in "abc"]
    with pytest.raises(RequestError) as error:
        read_truths(tmp_path, cases)
    first, second, last = str(error.value).splitlines()
    assert first.startswith(f"{tmp_path}/a/truth.json: no JSON: ")
    assert second == f"{tmp_path}/b/truth.json: no JSON object."
    assert last == "Nothing was judged."


def labelled(folder: Path, labels: bytes) -> dict[str, Truth]:
    (folder / "cases.jsonl").write_text('{"case": "a"}', encoding="utf-8")
    (folder / "labels.jsonl").write_bytes(labels)
    return read_truths(folder, [])


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ('{"case": "a", "truth": "cart"}', "truth is 'cart'; it is a list of texts"),
        ('{"case": "a", "truth": [1]}', "truth is [1]; it is a list of texts"),
        ('{"case": "a", "truth": []}', "it has no 'truth', a list of texts"),
        ('{"case": 3, "truth": ["cart"]}', "case is 3; it is a text"),
        ('{"case": "a", "truth": ["cart"], "fault": 3}', "fault is 3; it is a text"),
        ("[1]", "no JSON object"),
        ("[" * 100_000, "no label: "),
        (
            '{"case": "a", "truth": ["web"]}\n{"case": "a", "truth": ["cart"]}',
            "a is in line 2 already",
        ),
    ],
)
def test_a_broken_label_is_told_with_its_line(label: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError) as error:
        labelled(tmp_path, f"\n{label}\n".encode())
    number = 1 + len(label.splitlines())
    assert f"labels.jsonl:{number}: {said}" in str(error.value)


def test_labels_may_begin_with_a_byte_order_mark_but_are_utf_8(tmp_path: Path) -> None:
    label = '{"case": "a", "truth": ["cart"]}'
    assert labelled(tmp_path, label.encode("utf-8-sig")) == {"a": Truth(("cart",))}
    with pytest.raises(RequestError, match="byte 1 is not UTF-8"):
        labelled(tmp_path, label.encode("utf-16-le").replace(b"{", b"{\xff"))


def a_case(folder: Path) -> Case:
    return next(case for case in read_pack(folder.parent) if case.id == folder.name)
