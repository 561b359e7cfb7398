"""A mention in a Slack thread, made into a request: its words, and the alert it stands under."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any, TypeGuard

from agent.config import Request
from agent.errors import RequestError

USAGE = "service=NAME at=TIME alert=NAME lookback=MINUTES"
_LONGEST = 20_000  # what an alert says in more characters than this, it does not say

_TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")
_LINK = re.compile(r"<(?:[^<>|]*\|)?([^<>|]*)>")
_SAID = re.compile(r"(\w+)=([^\s`\"'“”,;]+)")
_LABEL = r"""(?im)(?:^|[\s{{,*_`•]){name}["*_`]*\s*[=:][\s"*_`]*([a-z0-9][\w.:-]{{0,99}})"""
_SERVICE = re.compile(_LABEL.format(name=r"service(?:[._ ]?name)?"))
_ALERT = re.compile(_LABEL.format(name=r"alert(?:[ _]?name)?"))
_FIRING = re.compile(r"\[FIRING(?::[0-9]+)?\]\W*([A-Za-z0-9][\w.:-]{0,99})")
_STARTED = re.compile(
    r"(?i)start(?:s|ed)?[ _]?(?:at)?\W{1,5}(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?"
    r" ?(Z|[+-]\d\d:?\d\d)"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody named the bot: in which event, where, who, and with what words."""

    event: str
    channel: str
    thread: str
    user: str
    words: str
    in_thread: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What a thread asks; `alert` is the name by which people there know it."""

    request: Request
    alert: str = ""


def read_mention(body: Mapping[str, Any]) -> Mention | None:
    """Read an `app_mention`; None if it has not the shape that Slack gives them.

    https://docs.slack.dev/reference/events/app_mention
    """
    event = body.get("event")
    if not isinstance(event, dict):
        return None
    channel, ts = event.get("channel"), event.get("ts")
    thread = event.get("thread_ts") or ts
    if not isinstance(channel, str) or not _is_ts(ts) or not _is_ts(thread):
        return None
    return Mention(
        event=str(body.get("event_id") or f"{channel} {ts}"),
        channel=channel,
        thread=thread,
        user=str(event.get("user", "")),
        words=str(event.get("text", "")),
        in_thread=thread != ts,
    )


def question(mention: Mention, first: Mapping[str, Any]) -> Question:
    """Ask what the mention says; what it leaves out, the thread's `first` message says.

    The time is when that was posted, unless one is said. RequestError for a word not known here.
    """
    said = dict(_SAID.findall(_plain(mention.words)))
    if unknown := sorted(said.keys() - {"service", "at", "alert", "lookback"}):
        raise RequestError(f"{unknown[0]}= means nothing here; what can be said is {USAGE}.")
    alert = "\n".join(map(_plain, _texts(first)))[:_LONGEST]
    posted = datetime.fromtimestamp(float(mention.thread), UTC) if mention.in_thread else None
    request = Request(
        at=_moment(said["at"]) if "at" in said else _started(alert) or posted,
        service=said.get("service") or _found(_SERVICE, alert),
        alert=said.get("alert"),
        lookback_s=60 * _minutes(said.get("lookback", "60")),
    )
    name = request.alert or _found(_ALERT, alert) or _found(_FIRING, alert)
    return Question(request, name or "")


def _is_ts(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(_TS.fullmatch(value))


def _plain(mrkdwn: str) -> str:
    """Slack's markup as it is read: a link by its label, `&amp;` as `&`."""
    return unescape(_LINK.sub(r"\1", mrkdwn))


def _texts(part: Any) -> Iterator[str]:
    """Every text of a message, its attachments and blocks; a field's title beside its value.

    https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
    """
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for one in part:
            yield from _texts(one)
    elif isinstance(part, dict):
        if "value" in part:
            yield f"{part.get('title')}: {part['value']}"
        for key in ("pretext", "title", "text", "fields", "elements", "attachments", "blocks"):
            yield from _texts(part.get(key))


def _found(label: re.Pattern[str], text: str) -> str | None:
    found = label.search(text)
    return found[1].rstrip(".:-_") if found else None


def _started(text: str) -> datetime | None:
    """When the alert says that it began: `Started: 2026-11-21 14:05:58.1 +0000 UTC`."""
    found = _STARTED.search(text)
    return _moment(f"{found[1]}T{found[2]}{found[3]}") if found else None


def _moment(given: str) -> datetime:
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise RequestError(f"{given} is no time with its zone; write at=2026-11-21T14:05:00Z.")
    return at


def _minutes(given: str) -> float:
    try:
        return float(given)
    except ValueError:
        raise RequestError(f"lookback={given} is no number of minutes, like lookback=60.") from None
