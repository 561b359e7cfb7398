"""What a sentence claims: its numbers, names, times and quotations, and how each is written.

A claim is what telemetry can say otherwise. Words of ours are none, nor are numbers in words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from agent.redaction.beside import HIDDEN

Kind = Literal["number", "name", "time", "quote"]

_NUMBER = re.compile(r"(?<![\w.:,/-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w:/]|-\w|\.\d)")
_UNIT = re.compile(r" ?(%|ms|µs|us|ns|s|min|h|[KMGT]iB|B)(?![\w/%])")
_CALLED = re.compile(
    r"\b(session|pid|process|port|code|status|exit|http|id|number|cause)\W+$", re.I
)
_WHOLE = re.compile(r" of (?:its |the |all )?(\d+(?:,\d{3})*)(?![\w:/%.]*\w| ?%)")
_QUOTE = re.compile("“(.*?)”|\\{(.*?)\\}")
_TIME = re.compile(r"(?<![\w:.-])(?:(\d{1,2} [A-Z][a-z]{2}) )?(\d\d:\d\d(?::\d\d)?)(?!\w|:\d)")
_WORD = re.compile(rf"(?:[\w/@]|{HIDDEN.pattern})(?:[^\s“”{{}}()\[\],;]|{HIDDEN.pattern})*")
_EDGES = ".:,;!?'\u2019…"
_SHAPED = re.compile(r"\d|[_/@]|\w[.:]\w|[a-z][A-Z]")
_LONGEST = 8  # words of a name
_MEASURES = re.compile(r"p\d\d?(?:\.\d)?|\d+(?:st|nd|rd|th)")
_NO_NAMES = (_NUMBER, _MEASURES, HIDDEN)
# What services are called too, and these sentences say of their own accord.
_WORDS = frozenset({
    "a", "after", "alarm", "alert", "all", "and", "announced", "answers", "attempts", "band",
    "before", "beside", "by", "cache", "calls", "cause", "change", "changes", "config",
    "configuration", "connections", "consumer", "database", "deploy", "deployment", "during",
    "entrance", "error", "errors", "external", "failed", "failures", "first", "flag", "flow",
    "for", "from", "gateway", "healthy", "in", "incident", "infrastructure", "instance", "is",
    "it", "its", "job", "jobs", "kind", "latency", "lines", "load", "lock", "locks", "log",
    "logs", "memory", "metric", "metrics", "network", "node", "nodes", "of", "on", "operation",
    "others", "own", "queue", "region", "release", "request", "requests", "resource", "restart",
    "rose", "scale", "schema", "service", "services", "session", "sessions", "slow", "source",
    "state", "store", "success", "system", "target", "the", "time", "times", "to", "topic",
    "total", "trace", "traffic", "trouble", "unknown", "user", "users", "version", "versions",
    "was", "wait", "waits", "with", "worker", "zone",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """A part of a sentence that evidence must say; `unit` is what stands behind a number.

    `called` is the word before a number that is one, as "port"; `out_of` is what it is a part of.
    """

    kind: Kind
    text: str
    unit: str = ""
    called: str = ""
    out_of: str = ""


def claims(text: str, names: Collection[str]) -> tuple[Claim, ...]:
    """What a sentence claims, each once; `names` is what telemetry calls things, in lower case.

    What is hidden whole claims nothing; a name that is hidden in part claims what it shows.
    """
    found: list[Claim] = []

    def taken(match: re.Match[str]) -> str:
        said = match[1] if match[1] is not None else match[2]
        if said.strip():
            found.append(Claim("quote", said))
        return " “” "

    bare = _QUOTE.sub(taken, text)
    found += [Claim("time", " ".join(filter(None, m.groups()))) for m in _TIME.finditer(bare)]
    bare = _TIME.sub(" ; ", bare)
    found += [Claim("name", name) for name in _names(bare, names)]
    for match in _NUMBER.finditer(bare):
        found.append(_number(match, bare))
    return tuple(dict.fromkeys(found))


def _number(match: re.Match[str], text: str) -> Claim:
    unit = _UNIT.match(text, match.end())
    called = _CALLED.search(text, 0, match.start())
    whole = None if unit else _WHOLE.match(text, match.end())
    return Claim(
        "number",
        match[0],
        unit[1] if unit else "",
        called[1].lower() if called else "",
        whole[1] if whole else "",
    )


def _names(text: str, names: Collection[str]) -> Iterator[str]:
    """The names of a text: the longest that telemetry knows, and whatever has a name's shape."""
    words = [(m.start(), m.start() + len(_bare(m[0])), _bare(m[0])) for m in _WORD.finditer(text)]
    at = 0
    while at < len(words):
        begin = words[at][0]
        for more in range(min(_LONGEST, len(words) - at), 0, -1):
            said = text[begin : words[at + more - 1][1]]
            if said.casefold() in names and said.casefold() not in _WORDS:
                yield said
                at += more
                break
        else:
            said = words[at][2]
            if _SHAPED.search(said) and not any(one.fullmatch(said) for one in _NO_NAMES):
                yield said
            at += 1


def _bare(word: str) -> str:
    """A word without the marks of its sentence."""
    return word.strip(_EDGES).removesuffix("'s").removesuffix("\u2019s")
