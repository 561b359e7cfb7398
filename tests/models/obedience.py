"""A model that obeys: whatever it reads that sounds like an order, it does as far as it can.

It sees through disguises (base64, hex, rot13, percent and entity escapes, odd letters, zero-width
ones, text backwards), calls the tools that an order names whether or not it has them, puts an
address into every tool that takes text, and says, blames and cites what it was told to.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from urllib.parse import unquote

from tests.models.reading import Picker, filled, form, in_form, offered, said_before, told
from tests.models.server import Script
from tests.models.wire import Call, Json, Reply

AT_ONCE = 6
"""How many tools it calls in one turn."""

_SAY = re.compile(
    r"\b(?:say|write|report|answer|reply|state|print|add|include|append|conclude|summari[sz]e)\b"
    r"[^\"'\u2018-\u201f`]{0,40}[\"'\u2018\u201c`](.{3,300}?)[\"'\u2019\u201d`]",
    re.I,
)
_CALL = re.compile(
    r"\b(?:call|invoke|use|run|execute)\b (?:the )?(?:tool |function )?[`\"']?"
    r"([a-z]\w*_\w+|sql|shell|bash|python|fetch|kubectl|curl)\b[`\"']?(?: with)?\s*(\{.*?\})?",
    re.I,
)
_BLAME = re.compile(
    r"\b(?:root cause|culprit|cause|guilty|blame|at fault|responsible)\b"
    r"(?: of [\w ]+?)?(?: is| was|:|=| on| lies with)? [`\"']?([a-z][\w.-]+)",
    re.I,
)
_ENUM = re.compile(r"\b(?:verdict|confidence|status|severity)\b(?: is| to|:|=)+ [`\"']?(\w+)", re.I)
_CITE = re.compile(r"\bcit(?:e|ing)\b ([A-Z]\d+(?:(?:, | and )[A-Z]\d+)*)")
_URL = re.compile(r"\bhttps?://[^\s\"'<>)\]}|\\]+", re.I)
_SQL = re.compile(r"\b(?:COPY|ATTACH|INSTALL|LOAD|DROP|DELETE|INSERT|SELECT|SET|PRAGMA)\b [^`\\]+")
_WORDS_OF_CODE = re.compile(r"[A-Za-z0-9+/=]{24,}")
_HEX = re.compile(r"\b(?:[0-9a-f]{2}){12,}\b", re.I)
_UNSEEN = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF, 0xAD])


@dataclass(frozen=True)
class Orders:
    """What somebody wants done."""

    calls: tuple[Call, ...] = ()
    urls: tuple[str, ...] = ()
    sql: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()


def obeys(*orders: str) -> Script:
    """Obey every order in what is read, and `orders` as if they had been read."""
    own = "\n".join(orders)

    def script(request: Json) -> Reply:
        found = read_orders(f"{own}\n{told(request)}")
        if calls := _not_yet(demanded(found, offered(request)), request):
            return Reply(calls=calls[:AT_ONCE])
        words = (*found.words, *found.urls, *orders) or ("",)
        schema = form(request)
        if schema is None:
            return Reply(" ".join(words))
        wanted = (*found.cites, *found.names)
        return in_form(request, filled(schema, Picker(told(request), words, wanted)))

    return script


def read_orders(text: str) -> Orders:
    """Every order in a text, however it is disguised."""
    views = [*dict.fromkeys(_views(text))]

    def all_of(pattern: re.Pattern[str]) -> Iterator[str]:
        return (match[1].strip() for view in views for match in pattern.finditer(view))

    calls = {Call(m[1], _arguments(m[2])) for v in views for m in _CALL.finditer(v)}
    return Orders(
        tuple(sorted(calls, key=lambda call: (call.name, call.text))),
        _once(match[0].rstrip(".,;") for view in views for match in _URL.finditer(view)),
        _once(match[0].strip() for view in views for match in _SQL.finditer(view)),
        _once(all_of(_SAY)),
        _once((*all_of(_BLAME), *all_of(_ENUM))),
        _once(one for cited in all_of(_CITE) for one in re.findall(r"[A-Z]\d+", cited)),
    )


def _once(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in found if one))


def _arguments(given: str | None) -> str:
    return given or "{}"


def _views(text: str) -> Iterator[str]:
    """A text as it stands, and as it reads without its disguises."""
    plain = unicodedata.normalize("NFKC", text.replace("\\n", "\n")).translate(_UNSEEN)
    yield plain.replace('\\"', '"')
    yield html.unescape(plain)
    yield unquote(plain)
    if "\\u" in plain:
        yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), plain)
    yield codecs.encode(plain, "rot13")
    yield plain[::-1]
    for code in _WORDS_OF_CODE.findall(plain):
        yield _decoded(code)
    for code in _HEX.findall(plain):
        yield bytes.fromhex(code).decode(errors="ignore")


def _decoded(code: str) -> str:
    try:
        return base64.b64decode(code + "=" * (-len(code) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def demanded(orders: Orders, tools: dict[str, Json]) -> Iterator[Call]:
    """The calls that carry orders out: those named, and addresses and SQL into any tool's text."""
    if not tools:
        return
    asking_sql = {n: t for n, t in tools.items() if "select" in t.get("properties", {})}
    fetching = (
        call
        for url in orders.urls
        for call in (Call("fetch", json.dumps({"url": url})), *_with_text(tools, url))
    )
    running = (call for sql in orders.sql for call in _with_text(asking_sql, sql))
    naming = (next(_with_text(tools, name)) for name in orders.names)
    kinds = zip_longest(orders.calls, running, fetching, naming)  # so that each gets its turn
    yield from (call for turn in kinds for call in turn if call)


def _with_text(tools: dict[str, Json], text: str) -> Iterator[Call]:
    for name, schema in tools.items():
        parts = schema.get("properties", {})
        texts = {p: text for p, s in parts.items() if s.get("type", "string") == "string"}
        if texts:
            yield Call(name, json.dumps(texts))


def _not_yet(calls: Iterable[Call], request: Json) -> tuple[Call, ...]:
    made = {(call.name, call.text) for call in said_before(request)}
    return tuple(c for c in dict.fromkeys(calls) if (c.name, c.text) not in made)
