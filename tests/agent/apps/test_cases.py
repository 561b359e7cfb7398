"""The file of a batch: what it may say, and all that is wrong with it at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.apps.cases import Case, read_cases
from agent.config import Request
from agent.errors import RequestError


def written(folder: Path, *lines: object) -> Path:
    """A file with a line for each; what is no text becomes JSON."""
    file = folder / "incidents.jsonl"
    file.write_text("".join(f"{x if isinstance(x, str) else json.dumps(x)}\n" for x in lines))
    return file


def faults(folder: Path, *lines: object) -> list[str]:
    """What is said of the lines, without the file's name."""
    file = written(folder, *lines)
    with pytest.raises(RequestError) as told:
        read_cases(file)
    *said, last = str(told.value).splitlines()
    assert last == "Nothing was investigated."
    return [one.removeprefix(f"{file}:") for one in said]


def test_a_line_says_what_to_investigate_and_where(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    asked = {"id": "a-1", "at": "2026-03-01T13:00:00+01:00", "lookback_min": 30, "bundle": "case"}
    file = written(
        tmp_path, asked, "", {"id": "b", "service": "cart", "at": None, "alert": "", "lake": "/l"}
    )
    one, other = read_cases(file)
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert one == Case("a-1", Request(at=at, lookback_s=1800), tmp_path / "case", None, asked)
    assert (other.request, other.lake) == (Request(service="cart"), Path("/l"))


def test_an_alert_is_a_file_beside_the_batch_or_a_name(tmp_path: Path) -> None:
    alert = {"alerts": [{"labels": {"service": "cart"}, "startsAt": "2026-03-01T12:00:00Z"}]}
    (tmp_path / "alert.json").write_text(json.dumps(alert))
    file = written(tmp_path, {"id": "f", "alert": "alert.json"}, {"id": "n", "alert": "CartBurn"})
    from_file, by_name = read_cases(file)
    assert from_file.request == Request(at=datetime(2026, 3, 1, 12, tzinfo=UTC), service="cart")
    assert by_name.request == Request(alert="CartBurn")


def test_every_fault_of_a_file_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    said = faults(
        tmp_path,
        {"id": "fine"},
        {"id": "two", "at": "noon", "colour": "red"},
        {"id": "../up", "lookback_min": "60"},
        {"service": "cart"},
        "[1]",
        "{oh",
        {"id": "Fine"},
        {"id": "b", "bundle": "nowhere"},
        {"id": "c", "lookback_min": -3},
        {"id": "d", "lookback_min": True, "alert": "nowhere.json"},
    )
    known = "id, at, alert, service, lookback_min, bundle, lake"
    assert said == [
        f"2: 'colour' is not known; an incident has {known}",
        "2: at: 'noon' is no time with its zone; write 2026-11-21T14:05:00Z or ...+02:00.",
        '3: lookback_min is "60", expected a number',
        "3: id is '../up'; it names a folder: letters, digits and ._- only",
        "4: id is missing",
        "5: no JSON object: [1]",
        "6: no JSON: Expecting property name enclosed in double quotes at column 2",
        "7: id is 'Fine', and so it is in line 1",
        "8: bundle is 'nowhere', and there is no such folder",
        "9: lookback_min: A lookback of -180 s is no window; it is more than 0 s and at most 31 "
        "days.",
        "10: lookback_min is true, expected a number",
        f"10: alert: There is no file {tmp_path}/nowhere.json to read an alert from.",
    ]


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "a", "lookback_min": NaN}',
        '{"id": "a", "lookback_min": 1e999}',
        '{"id": "."}',
        r'{"id": "a", "service": "\ud800"}',
    ]
    + [f'{{"id": "a", "lookback_min": 1{"0" * zeros}}}' for zeros in (400, 5000)]
    + ['{"id": "a", "at": "2026-03-01T12:00:00"}', "[" * 100_000, '{"id": "a\\n"}', '{"id": ""}'],
    ids=lambda line: line[:40],
)
def test_a_value_beyond_reason_is_a_fault_and_no_traceback(line: str, tmp_path: Path) -> None:
    (said,) = faults(tmp_path, line)
    assert said.startswith("1: ")


def test_a_file_without_incidents_is_no_batch(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no incident"):
        read_cases(written(tmp_path, "", "  "))
    with pytest.raises(RequestError, match=r"cannot be read: No such file"):
        read_cases(tmp_path / "missing.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "caf\xe9"}\n')
    with pytest.raises(RequestError, match="byte 11 is not UTF-8"):
        read_cases(tmp_path / "latin.jsonl")
