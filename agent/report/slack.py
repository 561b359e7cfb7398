"""A Report as one Slack message: rich text, in which quoted text is text and nothing else.

What telemetry says stands in elements of type `text` only. Slack reads no markup, link, mention or
emoji in those (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block), as it would in
mrkdwn; in the text for notifications, which is mrkdwn, it is escaped. All of it is redacted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from agent.redaction import redact
from agent.report import words
from agent.state import Cause, Change, ChangeVerdict, Report

Element = dict[str, Any]

_EMOJI = {"bad": "red_circle", "good": "large_green_circle", "unsure": "large_yellow_circle"}

# A message of more than about 13,000 characters is refused, containers and all
# (https://github.com/slackapi/bolt-js/issues/2509); these keep the longest below that.
_MOST, _LONG, _SHORT = 4, 300, 160


@dataclass(frozen=True, slots=True)
class Message:
    """What Slack is given: blocks, and the text that a notification shows instead of them."""

    text: str
    blocks: tuple[Element, ...]


def slack(report: Report, page: str = "") -> Message:
    """Verdict first, then what is going on, what caused it and what to do; `page` has the rest."""
    parts = [_rich(elements) for part in _PARTS if (elements := list(part(report)))]
    told = f"{words.kicker(report)}: {report.title} ({words.confidence(report)})"
    return Message(_escaped(told), (*parts, _footer(report, page)))


def hypotheses(report: Report) -> Message | None:
    """One line for each hypothesis that was strengthened, weakened or refuted, if there was one."""
    weighed = [one for one in (*report.causes, *report.ruled_out) if one.status != "untested"]
    if not weighed:
        return None
    lines = [_line(*_weighed(one)) for one in weighed[: 2 * _MOST]]
    told = "What was tried, and what came of it"
    return Message(told, (_rich([_line(_bold(told)), _list(lines)]),))


def note(*lines: str) -> Message:
    """Sentences of ours, one a line, that may quote anything."""
    shown = [_line(_text(one)) for one in lines if one]
    return Message(_escaped(" ".join(lines)), (_rich(shown),))


def _seen(raw: object, most: int = _LONG) -> str:
    """`raw` as it may be shown: on one line, without secrets, not too long, never empty."""
    return words.shorten(redact(words.line(raw)), most) or "-"


def _escaped(raw: str) -> str:
    """For mrkdwn: https://docs.slack.dev/messaging/formatting-message-text#escaping."""
    return _seen(raw).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(raw: object, most: int = _LONG) -> Element:
    return {"type": "text", "text": _seen(raw, most)}


def _bold(raw: object) -> Element:
    return {**_text(raw), "style": {"bold": True}}


def _code(raw: object) -> Element:
    return {**_text(raw, _SHORT), "style": {"code": True}}


def _line(*elements: Element) -> Element:
    """Elements on one line, a space between each two."""
    spaced = [part for one in elements for part in ({"type": "text", "text": " "}, one)]
    return {"type": "rich_text_section", "elements": spaced[1:]}


def _list(lines: Sequence[Element]) -> Element:
    return {"type": "rich_text_list", "style": "bullet", "elements": list(lines)}


def _command(raw: str) -> Element:
    shown = redact(words.block(raw))
    cut = shown if len(shown) <= _LONG else f"{shown[: _LONG - 1]}…"
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": cut}]}


def _rich(elements: Sequence[Element]) -> Element:
    return {"type": "rich_text", "elements": list(elements)}


def _cited(sentence: str, evidence: Iterable[str]) -> Element:
    ids = " ".join(evidence)
    return _line(_text(sentence), *([_code(ids)] if ids else []))


def _verdict(report: Report) -> Iterator[Element]:
    emoji = {"type": "emoji", "name": _EMOJI[words.TONES[report.verdict]]}
    facts = f"· {words.kicker(report)} · {words.confidence(report)}"
    yield _line(emoji, _bold(words.status(report)), _text(facts))
    yield _line(_bold(report.title))


def _going_on(report: Report) -> Iterator[Element]:
    if said := (*report.impact[:2], *report.summary):
        yield _line(_bold("What is going on"))
        yield _list([_cited(one.text, one.evidence) for one in said[:_MOST]])


def _caused(report: Report) -> Iterator[Element]:
    if not report.causes:
        return
    first, *others = report.causes
    if report.verdict != "cause_found":
        yield _line(_bold("What may have caused it"), _text("· candidates, none proven"))
        yield _list([_line(*_weighed(one)) for one in report.causes[:_MOST]])
        return
    sure = f"{words.spoken(first.status)}, {words.probability(first.probability)}"
    yield _line(_bold("What caused it"), _text(f"· {sure} · {words.grounding(first)}"))
    yield _list(
        [
            _cited(words.sentences(first.text, first.reason), first.evidence_for),
            *(_line(_text("Also possible:"), *_weighed(one)) for one in others[: _MOST - 2]),
        ]
    )


def _weighed(cause: Cause) -> Iterator[Element]:
    """`likely 0.93`, what it says and why, and the evidence that decided."""
    yield _bold(words.spoken(cause.status))
    yield _text(words.probability(cause.probability))
    yield _text(words.sentences(cause.text, cause.reason), _SHORT)
    fell = cause.status in {"weakened", "refuted"}
    if ids := cause.evidence_against if fell else cause.evidence_for:
        yield _code(" ".join(ids))


def _changes(report: Report) -> Iterator[Element]:
    """One line a verdict: what was cleared is told as well as what was not."""
    if not report.changes:
        yield _line(_bold("Changes:"), _text(words.tried(report)))
    for verdict in get_args(ChangeVerdict):
        if of := [change for change in report.changes if change.verdict == verdict]:
            told = "; ".join(map(_change, of))
            yield _line(_bold(f"{words.spoken(verdict).capitalize()}:"), _text(told))


def _change(change: Change) -> str:
    """Which it was; of one implicated its origin, of one not assessable the reason."""
    more = {"implicated": words.provenance(change), "not_assessable": change.reason}
    return " · ".join(filter(None, [f"{change.id} {change.what}", more.get(change.verdict)]))


def _next_steps(report: Report) -> Iterator[Element]:
    if report.next_steps:
        yield _line(_bold("What to do next"))
    for step in report.next_steps[: _MOST - 1]:
        kind = "reversible" if step.reversible else "not reversible"
        yield _line(_text(words.step(step)), _text(f"({kind})"))
        if step.command:
            yield _command(step.command)


def _gaps(report: Report) -> Iterator[Element]:
    if report.gaps:
        yield _line(_bold("Not looked at"))
        shown = [f"{words.GAPS[gap.kind]}: {gap.text}" for gap in report.gaps]
        yield _list([_line(_text(one, _SHORT)) for one in shown[: _MOST - 1]])


def _footer(report: Report, page: str) -> Element:
    facts = [words.cost(report), f"inquest report show {report.id}", page]
    told = _seen(" · ".join(filter(None, facts)), 2 * _LONG)
    text = {"type": "plain_text", "text": told, "emoji": False}
    return {"type": "context", "elements": [text]}


_PARTS: tuple[Callable[[Report], Iterable[Element]], ...] = (
    _verdict,
    _going_on,
    _caused,
    _changes,
    _next_steps,
    _gaps,
)
