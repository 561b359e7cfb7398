"""The words, numbers and moments that every dress of a report shares.

Text that came from telemetry passes `line` or `block` first: what would move a cursor, ring a bell
or reverse the reading direction is taken out; escaping for a format is that format's own work.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import get_args
from urllib.parse import urlsplit

from agent.state import (
    Anomaly,
    Attribute,
    Cause,
    Change,
    ChangeVerdict,
    Hop,
    Indicator,
    NextStep,
    Proposal,
    Report,
    Resource,
    TimelineEntry,
    Verdict,
)

KICKERS: dict[Verdict, str] = {
    "cause_found": "Root cause found",
    "no_incident": "Nothing is wrong",
    "inconclusive": "No cause could be named",
    "stopped_by_budget": "Stopped before an answer",
}
TONES: dict[Verdict, str] = {
    "cause_found": "bad",
    "no_incident": "good",
    "inconclusive": "unsure",
    "stopped_by_budget": "unsure",
}
CONTROLS = {
    "order": "order in time",
    "reach": "reach in the topology",
    "own_signals": "its own signals",
    "relevance": "what it is about",
    "old_against_new": "old version beside new",
    "spared": "with it, without the other",
    "before_against_after": "before against after",
    "peers": "unaffected peers",
    "recovery": "recovery once reverted",
    "same_hour_last_week": "same hour last week",
    "track_record": "how earlier ones fared",
}
GAPS = {
    "no_data": "no data",
    "thin_data": "thin data",
    "not_yet_arrived": "not yet arrived",
    "no_history": "no history",
    "not_looked_at": "not looked at",
    "quarantined": "quarantined",
    "budget": "budget",
}
BAD: dict[Indicator, str] = {"errors": "failed", "latency": "slow"}
COMMON = "What the bad requests have in common"
DEPARTED = "What departs most from its calm time"
PROPOSED = "What the model proposed"
MOST_DEPARTED = 10
MOST_NATS = 30.0
CITING = frozenset({"evidence", "evidence_for", "evidence_against"})
_TERMINAL = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # an operating system command and its end
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # a control sequence: colours, cursor, erasing
    r"|\x1b[ -/]*[0-~]?"  # any other escape
)
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_TIME_STEPS = ((0.1, 1.0, "s"), (1e-4, 1e-3, "ms"), (0.0, 1e-6, "µs"))
_BYTE_STEPS = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (0.0, "B"))
_COUNT_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (0.0, ""))


def block(text: object) -> str:
    """`text` without terminal sequences and invisible controls; line breaks and tabs stay."""
    plain = _TERMINAL.sub("", str(text).replace("\r\n", "\n").replace("\r", "\n"))
    return _UNSEEN.sub("", plain)


def line(text: object) -> str:
    """`block` on one line: runs of white space become one space."""
    return " ".join(block(text).split())


def shorten(text: object, most: int) -> str:
    """`line` cut to `most` characters, an ellipsis saying so."""
    whole = line(text)
    return whole if len(whole) <= most else whole[: most - 1].rstrip() + "…"


def sentences(*texts: str) -> str:
    """Texts one after another, each ended by a full stop if by nothing else."""
    shown = [one for one in map(line, texts) if one]
    return " ".join(one if one[-1] in ".!?…:" else f"{one}." for one in shown)


def number(value: float) -> str:
    """Three significant digits or so, as people write them: `0.14`, `11.4`, `2,310`."""
    if not math.isfinite(value):
        return "-"
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{value:.3g}"
    if value == int(value):
        return f"{int(value):,}"
    shown = f"{value:,.{_decimals(size)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _decimals(size: float) -> int:
    if size >= 1:
        return 0 if size >= 100 else 1 if size >= 10 else 2
    return 1 - math.floor(math.log10(size))


def scale(unit: str, peak: float) -> tuple[float, str]:
    """What to divide values of `unit` by, and the unit to show, so that `peak` reads well.

    Units are UCUM's, as OpenTelemetry writes them: `s`, `By`, `%`, `1`, `{request}`.
    """
    size = abs(peak)
    if unit in _TIME_UNITS:
        seconds = _TIME_UNITS[unit]
        step = next(s for s in _TIME_STEPS if size * seconds >= s[0])
        return step[1] / seconds, step[2]
    if unit in {"By", "B", "bytes"}:
        floor, name = next(s for s in _BYTE_STEPS if size >= s[0])
        return floor or 1.0, name
    floor, prefix = next(s for s in _COUNT_STEPS if size >= s[0])
    shown = re.sub(r"[{}]", "", "" if unit == "1" else line(unit))
    return floor or 1.0, f"{prefix} {shown}".strip()


def quantity(value: float | None, unit: str, peak: float | None = None) -> str:
    """A value with its unit, scaled to `peak` where it stands beside others: `0.14 s`."""
    if value is None or not math.isfinite(value):
        return "-"
    factor, shown = scale(unit, value if peak is None else peak)
    return f"{number(value / factor)} {shown}".rstrip()


def probability(value: float) -> str:
    """Two digits, and never a certainty that the number does not hold."""
    if 0.99 < value < 1:
        return "> 0.99"
    if 0 < value < 0.01:
        return "< 0.01"
    return f"{value:.2f}"


def p_value(value: float) -> str:
    """The p value of a test: `p = 0.012`, `p < 0.001`."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def share(value: float) -> str:
    """A part of one as people read it: `82.6 %`; never all or nothing that it is not quite."""
    if 0.999 < value < 1:
        return "> 99.9 %"
    if 0 < value < 0.001:
        return "< 0.1 %"
    return f"{number(100 * value)} %"


def having(attributes: Sequence[Attribute]) -> str:
    """`version 2.8.0 and zone b`."""
    return listed([shorten(f"{one.name} {one.value}", 80) for one in attributes])


def plural(count: int, noun: str) -> str:
    """`1 gap`, `2 gaps`, `2,310 rows`, `2 queries`."""
    many = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count:,} {noun if count == 1 else many}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def levels(one: Anomaly) -> str:
    """From what level to what an anomaly went; nothing where it has none."""
    if one.before == one.during:
        return ""
    return f"{number(one.before)} → {number(one.during)} {line(one.unit)}".rstrip()


def place(one: Anomaly) -> str:
    """Of what an anomaly is: a resource, the instance that shows it, the other end of a call."""
    where = f" on {line(one.instance)}" if one.instance else ""
    to = f" to {line(one.peer)}" if one.peer else ""
    return f"{line(one.resource)}{where}{to}"


def clock(at: datetime) -> str:
    """The time of day in UTC: `14:06:10`."""
    return at.astimezone(UTC).strftime("%H:%M:%S")


def day(at: datetime) -> str:
    """The date in UTC: `21 Nov 2026`."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {utc:%b} {utc.year}"


def moment(at: datetime, report: Report) -> str:
    """The time of day, with the date only where it is another than the incident's."""
    utc = at.astimezone(UTC)
    same = utc.date() == report.incident.detected_at.astimezone(UTC).date()
    return clock(at) if same else f"{utc.day} {utc:%b} {clock(at)}"


def by_day(entries: Iterable[TimelineEntry]) -> list[tuple[str, list[TimelineEntry]]]:
    """The entries in order of time, under the date that they share."""
    ordered = sorted(entries, key=lambda entry: entry.at)
    return [(date, list(same)) for date, same in groupby(ordered, lambda entry: day(entry.at))]


def duration(seconds: float) -> str:
    """`0.4 s`, `42 s`, `2 min 50 s`, `3 h 05 min`."""
    if seconds < 60:
        return f"{number(seconds)} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02} min"


def seconds(value: float | None) -> str:
    """A duration in seconds, scaled below a minute; a dash where none is known."""
    return quantity(value, "s") if value is None or value < 60 else duration(value)


def status(report: Report) -> str:
    """The one word of the verdict: CONFIRMED, LIKELY, INCONCLUSIVE, ..."""
    if report.verdict == "cause_found":
        sure = bool(report.causes) and report.causes[0].status == "confirmed"
        return "CONFIRMED" if sure else "LIKELY"
    return report.verdict.replace("_", " ").upper()


def kicker(report: Report) -> str:
    """What the verdict means, when it was noticed, and where."""
    found = "Probable cause" if status(report) == "LIKELY" else KICKERS[report.verdict]
    noticed = report.incident.detected_at.astimezone(UTC)
    where = [listed([line(service) for service in report.incident.services])]
    return " · ".join(filter(None, [found, f"{noticed:%H:%M} UTC", day(noticed), *where]))


def confidence(report: Report) -> str:
    """The stated probability and what it is the probability of."""
    stated = f"confidence {probability(report.confidence)}"
    if report.verdict == "no_incident":
        return f"{stated} that nothing is wrong"
    if report.verdict != "cause_found" and report.causes:
        return f"{stated} in the leading candidate"
    return stated


def checks(hop: Hop) -> tuple[tuple[str, bool], ...]:
    """The three checks of a hop that decide whether a cause is grounded."""
    return ("structure", hop.structure), ("deviation", hop.deviation), ("order", hop.order)


def grounding(cause: Cause) -> str:
    """Which of the three checks the path passes."""
    if cause.grounded:
        return "path checked: structure, deviation, order"
    if not cause.path:
        return "no path to the symptom was established"
    failed = {name for hop in cause.path for name, passed in checks(hop) if not passed}
    names = [name for name in ("structure", "deviation", "order") if name in failed]
    return f"path not proven: {listed(names)} not shown" if names else "path not proven"


def tried(report: Report) -> str:
    """`3 changes tried: 1 implicated, 2 cleared`."""
    changes = report.changes
    if not changes:
        is_read = any(one.tool == "changes" for one in report.evidence.values())
        return "no change found near it" if is_read else "no change was looked at"
    counts = Counter(change.verdict for change in changes)
    verdicts = [f"{counts[v]} {spoken(v)}" for v in get_args(ChangeVerdict) if counts[v]]
    return f"{plural(len(changes), 'change')} tried: {', '.join(verdicts)}"


def spoken(name: str) -> str:
    """A name of the schema as words: `not_assessable` is `not assessable`."""
    return name.replace("_", " ")


def by_verdict(changes: Iterable[Change]) -> list[Change]:
    """Implicated, cleared, then not assessable; in each the order given."""
    order: tuple[str, ...] = get_args(ChangeVerdict)
    return sorted(changes, key=lambda change: order.index(change.verdict))


def identity(resource: Resource) -> str:
    """A resource by kind, name and version, the version once: `service payment v2.8.0`."""
    kind = "" if resource.kind == "unknown" else resource.kind
    return " ".join(filter(None, [kind, line(resource.name), line(resource.version)]))


def subject(cause: Cause) -> str:
    """What a cause is about: the object that a playbook named, else the resource."""
    return line(cause.object) or identity(cause.resource)


def rollout(change: Change, report: Report) -> str:
    """When a change was declared and seen, and on how many instances."""
    told = f"declared {moment(change.declared_at, report)}" if change.declared_at else "undeclared"
    if not change.rollouts:
        return told
    seen = sorted(r.first_observed_at for r in change.rollouts)
    span = " to ".join(dict.fromkeys(moment(at, report) for at in (seen[0], seen[-1])))
    ends = [r.finished_at for r in change.rollouts if r.finished_at]
    over = f", gone at {moment(max(ends), report)}" if len(ends) == len(seen) else ""
    return f"{told}, seen {span} on {plural(len(seen), 'instance')}{over}"


def provenance(change: Change) -> str:
    """Revision (a commit by its first digits), author and versions, as far as they are known."""
    replaced = change.previous_version not in ("", change.version)
    before = f"before: {line(change.previous_version)}" if replaced else ""
    who = f"by {line(change.who)}" if change.who else ""
    back = f"reverts {line(change.reverts)}" if change.reverts else ""
    revision = re.sub(r"\b([0-9a-f]{12})[0-9a-f]{28}\b", r"\1", line(change.revision))
    return " · ".join(filter(None, [change.kind, revision, who, before, back]))


def link(url: str) -> str:
    """`url` where it is a plain web address that a person may follow, else nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    plain = url == line(url) and " " not in url
    return url if plain and parts.scheme in {"http", "https"} and parts.hostname else ""


def digest(text: str) -> str:
    """The first eight digits of a digest, which is what people compare."""
    return line(text).removeprefix("sha256:")[:8]


def snapshots(pinned: dict[str, int]) -> str:
    """`metric_point@5127 trace_span@8813`."""
    return " ".join(f"{line(table)}@{pinned[table]}" for table in sorted(pinned))


def cited(value: object, field: str = "") -> Iterator[str]:
    """Every evidence id that a report, or a part of one, rests on."""
    if isinstance(value, str) and field in CITING:
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from cited(part, field)
    elif is_dataclass(value):
        for one in fields(value):
            yield from cited(getattr(value, one.name), one.name)


def natural(identifier: str) -> tuple[str, int, str]:
    """Sorts E2 before E10."""
    match = re.fullmatch(r"(\D*)(\d{1,18})(.*)", identifier, re.DOTALL)
    return (match[1], int(match[2]), match[3]) if match else (identifier, -1, "")


def step(one: NextStep) -> str:
    """What may be done, and why if that was said."""
    return sentences(one.text, one.why.text) if one.why else line(one.text)


def outcome(proposal: Proposal) -> str:
    """What came of a model's hypothesis, in a word or two."""
    return {"held": "held", "refuted": "refuted", "not_assessable": "not testable"}[
        proposal.outcome
    ]


def proposed(proposal: Proposal) -> str:
    """A model's hypothesis: what it blames, how, and what the engine's own checks give it."""
    change = f", by {line(proposal.change)}" if proposal.change else ""
    known = f"the engine had it, at {probability(proposal.probability)}" if proposal.known else ""
    weighed = f"weighed at {probability(proposal.probability)}" if proposal.probability else ""
    how = f": {spoken(proposal.mechanism)}" if proposal.mechanism != "unknown" else ""
    what = f"{line(proposal.resource) or 'a resource that is not there'}{how}{change}"
    expected = f"Expected was {line(proposal.expected)}" if proposal.expected else ""
    return sentences(what, expected, proposal.text, known or weighed)


def cost(report: Report) -> str:
    """What the investigation took, in one line."""
    spent = report.cost
    cached = f", {spent.cached_tokens:,} of them cached" if spent.cached_tokens else ""
    calls = f"{plural(spent.calls, 'call')}, " if spent.calls else ""
    tokens = f"{calls}{plural(spent.input_tokens + spent.output_tokens, 'token')}{cached}"
    dollars = "price unknown" if spent.usd is None else f"${spent.usd:,.{_cents(spent.usd)}f}"
    return " · ".join(
        filter(
            None,
            [
                f"Inquest {line(report.engine_version)}".strip(),
                line(spent.model) if spent.model else "no model",
                plural(spent.queries, "query"),
                duration(spent.wall_s),
                tokens,
                dollars,
                f"trace {line(spent.trace_id)}" if spent.trace_id else "",
            ],
        )
    )


def _cents(usd: float) -> int:
    """How many digits show what was paid."""
    return 4 if 0 < usd < 0.1 else 2
