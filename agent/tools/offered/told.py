"""An answer as a model is told it: few rows in few characters, and no text that could command.

What telemetry says is a name, or a template in quotes: masked, redacted, without control characters
and markup, with links that no reader takes for links.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agent.analysis.log_templates import mask
from agent.quotes import named
from agent.redaction import redact
from agent.tools.notebook import Answer

A_TOKEN = 2.5
"""Characters that count as a token: tables of numbers have fewer than prose (2.3 by o200k_base)."""

CELL = 200
"""The most characters of a cell."""

_READ = 4_000  # characters of a cell that are looked at
_MARKUP = str.maketrans("<>[]`|", "\u2039\u203a()'\u00a6")
_OURS = re.compile("\u2039(num|id|ip|time|str|query|[45]xx)\u203a")
_REDACTED = re.compile(r"\(redacted:(\w+)\)")
_WWW = re.compile(r"(?i)\bwww\.")
_INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\ufe00-\ufe0f\U000e0000-\U000e0fff]")
_SPACES = re.compile(r"\s+")
_QUOTED_NAME = re.compile(r"""(?<!\w)(["'])([A-Za-z_][\w.:/@+-]{0,63})\1(?!\w)""")
_WORD = re.compile(r"[\w.:/@+-]{1,64}")
_PLAIN = 1_000_000  # integers below it are written out
_DIGITS = 3
_DEEPEST = 8  # structs in structs


def told(
    answer: Answer,
    day: date,
    tokens: int,
    *,
    strict: bool = False,
    hidden: Collection[str] = (),
    note: str = "",
) -> str:
    """The answer's id, question, columns and as many whole rows as `tokens` have room for.

    Times of `day` have no date. `strict` leaves out all text but names: a digest stands for it.
    """
    evidence, rows = answer.evidence, answer.rows.dicts()
    head = f"{evidence.id}: {inert(evidence.question, 300)}"
    if note:
        head += f"\n{note}"
    if not rows:
        none = "" if evidence.snapshots else " The lake holds nothing of that sort."
        return fitting([f"{head}\nNo rows.{none}"], [], 0, evidence.id, tokens)
    shown = [name for name in answer.rows.columns if name not in hidden and _says(rows, name)]
    columns = "\t".join(inert(name, 64) for name in shown)
    lines = ("\t".join(cell(name, row[name], day, strict=strict) for name in shown) for row in rows)
    return fitting([head, columns], lines, len(rows), evidence.id, tokens)


def fitting(head: list[str], lines: Iterable[str], number: int, source: str, tokens: int) -> str:
    """The head and as many whole ones of `number` lines as there is room for; and how many more."""
    room, shown = int(tokens * A_TOKEN), ["\n".join(head)]
    ending = f"+{number} more rows in {source}: ask for less at once."
    if number and len(shown[0]) + len(ending) + 1 > room:
        return f"{source}: {number} rows too wide to show: ask for fewer columns."[:room]
    left = room - len(shown[0])
    for at, line in enumerate(lines):
        rest = len(ending) + 1 if at + 1 < number else 0
        if len(line) + 1 + rest > left:
            shown.append(f"+{number - at} more rows in {source}: ask for less at once.")
            break
        shown.append(line)
        left -= len(line) + 1
    return "\n".join(shown)[:room]


def cell(name: str, value: Any, day: date, *, strict: bool = False) -> str:
    """One value: numbers to three digits, times of the day without it, text as `spoken`."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return "·" * min(value, 48) if name == "depth" else _integer(value)
        case float() | Decimal():
            return _number(float(value))
        case datetime():
            return f"{value:%H:%M:%S}" if value.date() == day else f"{value:%Y-%m-%d %H:%M:%S}"
        case str() if not value.startswith("{"):
            return spoken(value, strict=strict)
        case list() if all(isinstance(one, int | float | Decimal) for one in value):
            return " ".join(cell("", one, day) for one in value)[:CELL]
        case str() | list() | dict():
            return _paired(value, day, strict=strict)
    return spoken(str(value), strict=strict)


def _paired(value: Any, day: date, *, strict: bool) -> str:
    """A struct, a list of such, or JSON, as `name=value`."""
    pairs = (
        f"{spoken(key, strict=strict)}={cell('', one, day, strict=strict)}"
        for key, one in _leaves(_read_json(value))
    )
    return _as_many(pairs, " ", CELL)


def spoken(text: str, *, strict: bool = False) -> str:
    """A text of telemetry: a name as it is, all else as its template in quotes or by its digest."""
    clean = inert(text, CELL)
    if strict and not _WORD.fullmatch(clean):
        return f"text:{hashlib.sha256(text.encode()).hexdigest()[:6]}" if clean else ""
    if clean == named(clean):
        return clean
    return named(inert(templated(redact(text[:_READ])), CELL)) if clean else ""


def templated(text: str) -> str:
    """The template of a text, in which a name in quotation marks stands as a name."""
    return mask(_QUOTED_NAME.sub(r"\2", text))


def inert(text: str, most: int) -> str:
    """The text redacted, on one line, without control characters, markup or links, cut at `most`.

    A mark of redaction and the marks of templates stay as they are.
    """
    visible = "".join(
        " " if _is_control(c) else c for c in _INVISIBLE.sub("", redact(text[:_READ]))
    )
    flat = _SPACES.sub(" ", visible).strip().translate(_MARKUP)
    flat = _OURS.sub(r"<\1>", flat)
    flat = _REDACTED.sub(r"[redacted:\1]", flat)
    flat = _WWW.sub("www .", flat.replace("://", ": //"))
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


def _is_control(character: str) -> bool:
    return unicodedata.category(character)[0] == "C"


def _read_json(value: Any) -> Any:
    """What a text in braces says as JSON, if it is JSON and not too long to look at."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value[: _READ + 1])
    except (ValueError, RecursionError):
        return {"text": f"({value[1:_READ]}"}


def _leaves(value: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The values of a struct or list that are not empty, each by the last word of its name."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(one, str(name).rpartition(".")[2] or str(name), depth + 1)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, key, depth + 1)
    elif value not in (None, ""):
        yield key or "item", value


def _as_many(texts: Iterable[str], between: str, most: int) -> str:
    """As many whole texts as fit in `most` characters; … stands for the others."""
    kept = ""
    for text in texts:
        longer = f"{kept}{between}{text}" if kept else text
        if len(longer) > most:
            return f"{kept}…"
        kept = longer
    return kept


def _says(rows: list[dict[str, Any]], name: str) -> bool:
    return any(row[name] not in (None, "", []) for row in rows)


def _integer(value: int) -> str:
    return str(value) if abs(value) < _PLAIN else f"{value:.{_DIGITS}g}"


def _number(value: float) -> str:
    if not math.isfinite(value) or not 1 <= abs(value) < _PLAIN:
        return f"{value:.{_DIGITS}g}"
    return f"{float(f'{value:.{_DIGITS}g}'):.10g}"
