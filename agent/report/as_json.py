"""A Report as JSON and back: the source of truth that every other dress derives from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from agent.report.words import natural, plural, shorten
from agent.state import SCHEMA_VERSION, Report
from lake.errors import InquestError

_reports = TypeAdapter(Report)
_PAIR = re.compile(r'\[\n\s+(".*"),\n\s+(\S+)\n\s+\]')


class ReportError(InquestError):
    """The text is not a report that this version reads."""


def dump(report: Report) -> str:
    """`report` as indented JSON; keys in the schema's order, evidence in the order of its ids.

    A number that JSON cannot write (NaN, infinity) becomes null; a chart point stays on one line.
    """
    plain = json.loads(_reports.dump_json(report, by_alias=True))
    plain["evidence"] = {
        key: plain["evidence"][key] for key in sorted(plain["evidence"], key=natural)
    }
    return _PAIR.sub(r"[\1, \2]", json.dumps(plain, indent=2, ensure_ascii=False)) + "\n"


def load(source: str | Path) -> Report:
    """The report in a file (a Path) or in a text (a str).

    Raises ReportError, one sentence with the file, the place and what was expected there.
    """
    name = str(source) if isinstance(source, Path) else "the report"
    text = _read(source) if isinstance(source, Path) else source
    _check_version(text, name)
    try:
        report = _reports.validate_json(text, strict=True)
    except ValidationError as error:
        raise ReportError(_sentence(name, error)) from None
    for place in _naive(report, ""):
        raise ReportError(
            f"{name}: {place} has no time zone, expected UTC like 2026-01-31T14:06:10Z."
        )
    return report


def schema() -> dict[str, Any]:
    """The JSON Schema of a report, as committed in `report.schema.json`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:inquest:report:{SCHEMA_VERSION}",
        **_reports.json_schema(by_alias=True),
    }


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ReportError(
            f"{path}: cannot be read ({error.strerror}), expected a report.json."
        ) from None
    except UnicodeDecodeError as error:
        raise ReportError(
            f"{path}: byte {error.start} is not UTF-8, expected a report.json."
        ) from None


def _check_version(text: str, name: str) -> None:
    """A report of another version is told so, before its unknown fields are."""
    try:
        plain = from_json(text)
    except (ValueError, TypeError) as error:
        raise ReportError(f"{name}: not JSON ({error}), expected a report.json.") from None
    version = plain.get("schema_version") if isinstance(plain, dict) else None
    if version is not None and version != SCHEMA_VERSION:
        found = shorten(repr(version), 40)
        raise ReportError(f"{name}: schema_version is {found}, expected {SCHEMA_VERSION!r}.")


def _sentence(name: str, error: ValidationError) -> str:
    first, *others = error.errors(include_url=False)
    more = f" ({plural(len(others), 'more fault')})" if others else ""
    return f"{name}: {_fault(first)}{more}."


def _fault(fault: ErrorDetails) -> str:
    place = ".".join(str(step) for step in fault["loc"]) or "the whole"
    if fault["type"] == "missing":
        return f"{place} is missing"
    if fault["type"] == "unexpected_keyword_argument":
        return f"{place} is not a field of the schema, expected only those of report.schema.json"
    expected = fault["msg"].replace("Input should be", "expected").rstrip(".")
    return f"{place} is {shorten(repr(fault['input'])[:200], 60)}, {expected}"


def _naive(value: object, place: str) -> Iterator[str]:
    """Where times lack a zone: JSON Schema's date-time forbids that, pydantic lets it by."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            yield place
    elif isinstance(value, tuple):
        for index, part in enumerate(value):
            yield from _naive(part, f"{place}.{index}")
    elif is_dataclass(value):
        for part in fields(value):
            yield from _naive(getattr(value, part.name), f"{place}.{part.name}".lstrip("."))
