"""The incidents of a batch: a file with one JSON object a line, each made into a request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from agent.apps.investigate import read_request
from agent.config import Request
from agent.errors import RequestError

_TEXT, _NUMBER = (str,), (int, float)
_KEYS: dict[str, tuple[type, ...]] = {
    "id": _TEXT,
    "at": _TEXT,
    "alert": _TEXT,
    "service": _TEXT,
    "lookback_min": _NUMBER,
    "bundle": _TEXT,
    "lake": _TEXT,
}
_KINDS: dict[tuple[type, ...], str] = {_TEXT: "a text", _NUMBER: "a number"}
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Case:
    """One incident to investigate: in which lake or bundle, and what was `asked`, word by word."""

    id: str
    request: Request
    bundle: Path | None = None
    lake: Path | None = None
    asked: dict[str, Any] = field(default_factory=dict)


def read_cases(file: Path) -> list[Case]:
    """Read the incidents of a file; the paths in it are relative to its folder.

    Raises RequestError with every fault of the file, one a line, as `file:line: fault`.
    """
    cases: list[Case] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, line in _lines(file):
        checked = _check(line, file.parent)
        if isinstance(checked, Case):
            first = seen.setdefault(checked.id.lower(), number)
            if first == number:
                cases.append(checked)
                continue
            checked = [f"id is {checked.id!r}, and so it is in line {first}"]
        faults += [f"{file}:{number}: {fault}" for fault in checked]
    if faults:
        raise RequestError("\n".join([*faults, "Nothing was investigated."]))
    return cases


def _lines(file: Path) -> list[tuple[int, str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RequestError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise RequestError(f"{file}: byte {error.start} is not UTF-8.") from None
    lines = [one for one in enumerate(text.split("\n"), 1) if one[1].strip()]
    if not lines:
        raise RequestError(f"{file} holds no incident; one JSON object a line asks about one.")
    return lines


def _check(line: str, folder: Path) -> Case | list[str]:
    """Give the incident of a line, or its faults; what is null or empty counts as left out."""
    try:
        asked = json.loads(line)
        json.dumps(asked, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except json.JSONDecodeError as error:
        return [f"no JSON: {error.msg} at column {error.colno}"]
    except (ValueError, RecursionError) as error:
        return [f"no JSON that can be read: {error}"]
    if not isinstance(asked, dict):
        return [f"no JSON object: {_short(asked)}"]
    given = {key: value for key, value in asked.items() if value not in (None, "")}
    if faults := [*_key_faults(given), *_value_faults(given, folder)]:
        return faults
    places = {key: folder / given[key] for key in ("bundle", "lake") if key in given}
    return Case(given["id"], _request(given, folder), asked=given, **places)


def _key_faults(given: dict[str, Any]) -> Iterator[str]:
    for key in sorted(given.keys() - _KEYS.keys()):
        yield f"{key!r} is not known; an incident has {', '.join(_KEYS)}"
    for key, kinds in _KEYS.items():
        if key in given and type(given[key]) not in kinds:
            yield f"{key} is {_short(given[key])}, expected {_KINDS[kinds]}"
    if "id" not in given:
        yield "id is missing"


def _value_faults(given: dict[str, Any], folder: Path) -> Iterator[str]:
    """Find the values, each of the right type, that mean nothing."""
    typed = {key: value for key, value in given.items() if type(value) in _KEYS.get(key, ())}
    if "id" in typed and not _FILE_NAME.fullmatch(typed["id"]):
        yield f"id is {typed['id']!r}; it names a folder: letters, digits and ._- only"
    if "bundle" in typed and not (folder / typed["bundle"]).is_dir():
        yield f"bundle is {typed['bundle']!r}, and there is no such folder"
    for key in sorted(typed.keys() & {"at", "alert", "lookback_min"}):
        try:
            _request({key: typed[key]}, folder)
        except typer.BadParameter as error:
            yield f"{key}: {error.message}"
        except (RequestError, OSError, OverflowError) as error:
            yield f"{key}: {error}"


def _request(given: dict[str, Any], folder: Path) -> Request:
    alert = given.get("alert")
    if alert and ((folder / alert).is_file() or alert.endswith(".json")):
        alert = str(folder / alert)
    return read_request(
        given.get("at"), alert, given.get("service"), float(given.get("lookback_min", 60))
    )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
