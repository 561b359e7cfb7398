"""A Report as GitHub-flavoured markdown in which no quoted text can format, link, call or embed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from agent.report import words
from agent.state import (
    Anomaly,
    Carrier,
    Cause,
    Change,
    Control,
    Drilldown,
    Evidence,
    Gap,
    Hop,
    NextStep,
    Report,
    Statement,
)

_ACTIVE = re.compile(r"://|www\.|@\w|\w@|#\d|[Gg][Hh]-\d")  # links, mentions, references
_FORMATTING = re.compile(r"([\\`*_\[\]|~^!$])")
_LEADING = re.compile(r"^([-+#=]|\d+(?=[.)](?:\s|$)))")


def markdown(report: Report) -> str:
    """Verdict first, then every section that has something to say, evidence folded at the end."""
    sections = (part(report) for part in _SECTIONS)
    return "\n\n".join(section for section in sections if section) + "\n"


def text(raw: object) -> str:
    """`raw` on one line, shown as it is: what a viewer would make active becomes code."""
    shown = " ".join(_inert(word) for word in words.line(raw).split(" "))
    return _LEADING.sub(lambda m: f"{m[1]}\\" if m[1].isdigit() else f"\\{m[1]}", shown)


def code(raw: object) -> str:
    """`raw` on one line as a code span, whatever backticks it holds."""
    plain = words.line(raw)
    ticks = "`" * (1 + max(map(len, re.findall("`+", plain)), default=0))
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{ticks}{pad}{plain}{pad}{ticks}" if plain else ""


def fence(raw: object, language: str) -> str:
    """`raw` as a fenced block, whatever backticks it holds."""
    plain = words.block(raw)
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", plain)), default=0))
    return f"{ticks}{language}\n{plain}\n{ticks}"


def _inert(word: str) -> str:
    if _ACTIVE.search(word):
        return code(word)
    html = word.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _FORMATTING.sub(r"\\\1", html)


def _cited(sentence: str, evidence: Sequence[str]) -> str:
    return f"{sentence} ({', '.join(map(code, evidence))})" if evidence else sentence


def _statement(one: Statement) -> str:
    return _cited(text(one.text), one.evidence)


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _verdict(report: Report) -> str:
    facts = [words.confidence(report), words.tried(report)]
    if report.verdict == "cause_found" and report.causes:
        facts.insert(1, words.grounding(report.causes[0]))
    return (
        f"# {text(report.title)}\n\n"
        f"**{words.status(report)}** · {text(words.kicker(report))}\n\n"
        f"{' · '.join(facts)}"
    )


def _summary(report: Report) -> str:
    return " ".join(map(_statement, report.summary))


def _impact(report: Report) -> str:
    return _section("Impact", _bullets(map(_statement, report.impact)))


def _timeline(report: Report) -> str:
    days = (
        f"{day}\n\n"
        + _bullets(f"`{words.clock(e.at)}` {_cited(text(e.text), e.evidence)}" for e in entries)
        for day, entries in words.by_day(report.timeline)
    )
    return _section("Timeline (UTC)", "\n\n".join(days))


def _cause(report: Report) -> str:
    if report.verdict != "cause_found" or not report.causes:
        return _section("Candidates, none proven", _bullets(map(_candidate, report.causes)))
    cause, *others = report.causes
    parts = [
        text(words.sentences(cause.text, cause.reason)),
        _bullets([_about(cause), *(_hop(hop, report) for hop in cause.path)]),
        f"Also possible:\n\n{_bullets(map(_candidate, others))}" if others else "",
    ]
    return _section("Root cause and how it spread", "\n\n".join(filter(None, parts)))


def _about(cause: Cause) -> str:
    facts = [
        text(words.subject(cause)),
        cause.indicator,
        words.spoken(cause.mechanism),
        f"{words.spoken(cause.status)}, probability {words.probability(cause.probability)}",
        _weighed(cause),
    ]
    return " · ".join(filter(None, facts))


def _weighed(cause: Cause) -> str:
    sides = (("for", cause.evidence_for), ("against", cause.evidence_against))
    return " · ".join(f"{side} {', '.join(map(code, ids))}" for side, ids in sides if ids)


def _hop(hop: Hop, report: Report) -> str:
    passed = ", ".join(f"{'✓' if good else '✗'} {name}" for name, good in words.checks(hop))
    at = f" at `{words.moment(hop.onset, report)}`" if hop.onset else ""
    why = f": {text(hop.text)}" if hop.text else ""
    return _cited(
        f"**{text(hop.source)}** → **{text(hop.target)}**{at}{why} · {passed}", hop.evidence
    )


def _candidate(cause: Cause) -> str:
    head = (
        f"{text(cause.text)} ({words.probability(cause.probability)}, {words.spoken(cause.status)})"
    )
    return " · ".join(filter(None, [head, text(cause.reason), _weighed(cause)]))


def _common(report: Report) -> str:
    return _section(words.COMMON, "\n\n".join(map(_drilldown, report.drilldowns)))


def _departed(report: Report) -> str:
    shown = report.anomalies[: words.MOST_DEPARTED]
    return _section(words.DEPARTED, _bullets(map(_anomaly, shown)))


def _anomaly(one: Anomaly) -> str:
    told = f"{text(words.place(one))}: {text(one.subject)}, from {words.clock(one.onset)}"
    levels = f", {text(words.levels(one))}" if words.levels(one) else ""
    return _cited(f"{told}{levels} ({one.surprise:.1f} nats)", (one.evidence,))


def _drilldown(one: Drilldown) -> str:
    said = _cited(text(one.text), one.evidence)
    bad = words.BAD.get(one.indicator, "bad")
    return "\n\n".join(filter(None, [said, _bullets(_carrier(c, bad) for c in one.carriers)]))


def _carrier(one: Carrier, bad: str) -> str:
    inside, outside, excess = map(
        words.share, (one.bad_inside, one.bad_outside, one.share_of_excess)
    )
    told = f"{inside} {bad}, of all others {outside}; {excess} of the excess"
    return _cited(f"**{text(words.having(one.attributes))}**: {told}", one.evidence)


def _changes(report: Report) -> str:
    return _section(
        "What changed",
        _bullets(_change(change, report) for change in words.by_verdict(report.changes)),
    )


def _change(change: Change, report: Report) -> str:
    url = code(words.link(change.url))
    told = text(words.sentences(change.what, change.reason))
    lines = [
        f"**{words.spoken(change.verdict)}**: {code(change.id)} {told}",
        " · ".join(
            filter(None, [text(words.provenance(change)), words.rollout(change, report), url])
        ),
        *map(_control, change.controls),
    ]
    return "\n  - ".join(line.rstrip() for line in lines)


def _control(control: Control) -> str:
    p = f" ({words.p_value(control.p_value)})" if control.p_value is not None else ""
    name = f"{words.CONTROLS[control.kind]}, {words.spoken(control.verdict)}"
    return _cited(f"{name}: {text(control.text)}{p}", control.evidence)


def _ruled_out(report: Report) -> str:
    return _section("Ruled out", _bullets(map(_candidate, report.ruled_out)))


def _proposed(report: Report) -> str:
    rows = (_cited(f"{words.outcome(p)}: {text(words.proposed(p))}", p.evidence)
            for p in report.proposals)  # fmt: skip
    return _section(words.PROPOSED, _bullets(rows))


def _evidence(report: Report) -> str:
    title = "Evidence" if report.verdict == "cause_found" else "What was checked"
    ordered = sorted(report.evidence.values(), key=lambda one: words.natural(one.id))
    return _section(title, "\n\n".join(map(_one_evidence, ordered)))


def _one_evidence(one: Evidence) -> str:
    facts = f"{words.plural(one.rows, 'row')} · {code(words.digest(one.digest))}"
    pinned = code(words.snapshots(one.snapshots))
    return (
        f"**{code(one.id)}** {text(one.question)} {facts}\n\n"
        f"<details><summary>SQL</summary>\n\n{fence(one.sql, 'sql')}\n\n"
        f"{' · '.join(filter(None, [code(one.tool), pinned]))}\n\n</details>"
    )


def _gap(gap: Gap) -> str:
    return f"{words.GAPS[gap.kind]}: {text(gap.text)}"


def _gaps(report: Report) -> str:
    return _section("Not looked at", _bullets(map(_gap, report.gaps)))


def _step(step: NextStep) -> str:
    kind = "reversible" if step.reversible else "not reversible"
    command = "\n\n" + fence(step.command, "sh") if step.command else ""
    return re.sub(r"\n(?=.)", "\n  ", f"**{kind}**: {text(words.step(step))}{command}")


def _next_steps(report: Report) -> str:
    return _section("What to do next", _bullets(map(_step, report.next_steps)))


def _cost(report: Report) -> str:
    verify = "`inquest verify report.json`"
    return f"---\n\n{text(words.cost(report))} · report {code(report.id)} · {verify}"


_SECTIONS: tuple[Callable[[Report], str], ...] = (
    _verdict,
    _summary,
    _impact,
    _timeline,
    _cause,
    _common,
    _departed,
    _changes,
    _ruled_out,
    _proposed,
    _evidence,
    _gaps,
    _next_steps,
    _cost,
)
