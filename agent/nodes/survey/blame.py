"""Which log lines say that somebody else failed their writer, and who that is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from agent.analysis.log_templates import mask

_UNREACHED = re.compile(
    r"connection (was |is )?(refused|reset|closed|aborted)|connect(ion)? time[d]?[ -]?out"
    r"|(read|request|call|deadline|socket|gateway)( has| was)? ?(time[d]?[ -]?out|timeout|exceeded)"
    r"|(request|call|invocation) to [^ ]+( has)? failed"
    r"|(did not|didn't) (answer|respond|reply)|no (answer|response|reply) from"
    r"|unreachable|no route to host|broken pipe|unknown ?host|name resolution|could not resolve"
    r"|no (healthy |available )?(instances?|hosts?|endpoints?|upstreams?|backends?|servers?)"
    r"( is| are)? (available|found|configured)|no healthy"
    r"|upstream|(bad gateway|service (is )?unavailable)|internal server ?error"
    r"|(failed|unable|could not|cannot|can't|error) (to )?"
    r"(call|connect|reach|contact|dial|fetch from)|(calling|dialing|dial tcp)|circuit ?breaker"
    r"|<5xx>",
    re.IGNORECASE,
)
"""What a line says, in any system, of which the author waited for somebody else in vain."""
_ANSWERED = re.compile(
    r"(answered|responded|replied)( with)? (<num>|[45]\d\d|an? (error|failure))", re.IGNORECASE
)
"""What is said of one's own answers too, good or bad, unless somebody else is named beside it."""
_RUN = re.compile(r"[\w.<>-]+")
_PLAIN = re.compile(r"[\w.<>-]+", re.ASCII)


class Blame:
    """Whom lines may name: `names`, as they are and as a template's masks leave them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._known: Mapping[str, str] = {
            said: name for name in sorted(names) for said in (mask(name), name)
        }
        self._odd = [said for said in self._known if not _PLAIN.fullmatch(said)]

    def of(self, line: str, author: str) -> str | None:
        """Who failed the author of a line, empty if it names nobody; None if it says no such thing.

        Of several names the longest is meant.
        """
        unreached = _UNREACHED.search(line)
        if not unreached and not _ANSWERED.search(line):
            return None
        named = {self._known[said] for said in self._said(line)}
        return max(sorted(named - {author}), key=len, default="" if unreached else None)

    def _said(self, line: str) -> Iterator[str]:
        """The known names that stand in a line as words; a host's name begins with one."""
        for run in _RUN.findall(line):
            parts = run.strip(".-").split(".")
            heads = (".".join(parts[: end + 1]) for end in range(len(parts)))
            yield from (head for head in heads if head in self._known)
        yield from (said for said in self._odd if said in line)
