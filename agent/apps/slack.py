"""`inquest slack`: a mention in an alert's thread starts an investigation, told in one message.

Slack is reached by Socket Mode, so nothing listens here. What a thread says is data: it yields
names and times to ask the lake about, never a command.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import typer

from agent.apps.investigate import answer
from agent.apps.options import LakeOption, lake_folder, means_of
from agent.apps.slack_thread import Mention, Question, question, read_mention
from agent.apps.terminal import Progress, complain
from agent.config import Request, SlackSettings, read_slack
from agent.errors import SettingError
from agent.events import spoken
from lake.errors import InquestError

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.web import SlackResponse

    from agent.nodes.context import Means
    from agent.report.slack import Message
    from agent.state import Report

Investigate = Callable[[Request, Progress, Mention], tuple["Report", Path | None]]

EVERY_S = 1.5
"""How often the message is edited at most; Slack takes about 50 edits a minute."""

MOST_OPEN = 20
"""How many mentions are investigated or wait for it; one more is told to come again."""

_REMEMBERED = 10_000
_RETRIES = 5


def slack(ctx: typer.Context, lake: LakeOption = None) -> None:
    """Answer mentions in Slack.

    Each starts an investigation and gets one message, which becomes the verdict. It needs
    SLACK_BOT_TOKEN and SLACK_APP_TOKEN, and the extra `slack`.
    """
    from lake.store import Lake

    settings, folder = read_slack(os.environ), lake_folder(ctx, lake)
    Lake.open(folder).close()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with connected(
        settings, Desk(settings, asking(folder, means_of(ctx.obj)), debug=ctx.obj.debug)
    ):
        complain(f"mentions in Slack are answered from {folder}; Ctrl-C stops")
        Event().wait()


def asking(folder: Path, means: Means | None = None) -> Investigate:
    """Investigate on the lake in `folder`, opened for each question as it is then."""
    from lake.store import Lake

    def investigate(
        request: Request, tell: Progress, mention: Mention
    ) -> tuple[Report, Path | None]:
        thread = f"{mention.channel}-{mention.thread}"
        asked = replace(means, channel=mention.channel, thread=thread) if means else None
        with Lake.open(folder) as lake:
            return answer(lake, request, spoken(tell), asked)

    return investigate


@contextmanager
def connected(settings: SlackSettings, desk: Desk) -> Iterator[None]:
    """Hand mentions to `desk` while the block lasts; then let it finish what it has begun."""
    try:
        from slack_bolt import App
        from slack_bolt.adapter.socket_mode import SocketModeHandler
    except ImportError:
        raise SettingError(
            "Slack needs an extra that is not installed: "
            "in Inquest's folder, pip install -e '.[slack]'."
        ) from None
    quiet = logging.getLogger("inquest.slack")
    quiet.setLevel(logging.ERROR)
    with ExitStack() as stack:
        answering = stack.enter_context(ThreadPoolExecutor(MOST_OPEN + 5))
        stack.callback(desk.close)
        client = _client(settings)
        with _naming("SLACK_BOT_TOKEN"):
            app = App(client=client, listener_executor=answering, logger=quiet)
        app.event("app_mention")(lambda body: desk.take(body, client))
        app.event(re.compile(""))(lambda: None)  # what is not acknowledged comes again
        handler = SocketModeHandler(app, settings.app_token)
        stack.callback(handler.close)
        with _naming("SLACK_APP_TOKEN"):
            handler.connect()  # type: ignore[no-untyped-call]  # Bolt's own gap
        yield


def _client(settings: SlackSettings) -> WebClient:
    """Slack's Web API; it waits as long as Slack says when it asked too often."""
    from slack_sdk import WebClient
    from slack_sdk.http_retry import RetryHandler
    from slack_sdk.http_retry.builtin_handlers import (
        ConnectionErrorRetryHandler,
        RateLimitErrorRetryHandler,
        ServerErrorRetryHandler,
    )

    retries: list[RetryHandler] = [
        kind(max_retry_count=_RETRIES)
        for kind in (
            ConnectionErrorRetryHandler,
            RateLimitErrorRetryHandler,
            ServerErrorRetryHandler,
        )
    ]
    return WebClient(settings.bot_token, settings.api_url, timeout=10, retry_handlers=retries)


class Desk:
    """Takes mentions: an event once, a thread's one at a time, `at_once` of all side by side."""

    def __init__(
        self,
        settings: SlackSettings,
        investigate: Investigate,
        *,
        every_s: float = EVERY_S,
        debug: bool = False,
    ) -> None:
        self._settings = settings
        self._investigate = investigate
        self._every_s = every_s
        self._debug = debug
        self._investigators = ThreadPoolExecutor(settings.at_once)
        self._lock = Lock()
        self._events: dict[str, None] = {}
        self._open: set[tuple[str, str]] = set()
        self._answered: dict[tuple[str, str, Request], float] = {}

    def close(self) -> None:
        """Finish the investigations that run; those that wait are told to come again."""
        self._investigators.shutdown(cancel_futures=True)

    def take(self, body: dict[str, Any], client: WebClient) -> None:
        """Answer one delivery of a mention; its thread is told whatever comes of it."""
        from agent.report.slack import note

        mention = read_mention(body)
        if mention is None:
            complain("slack: a mention that has not the shape of one is left alone")
            return
        if not self._is_new(mention.event):
            return
        place = Place(client, mention)
        if refusal := self._refusal(mention):
            place.tell(note(refusal))
            return
        try:
            self._answer(mention, place)
        except CancelledError:
            place.tell(note("Inquest was stopped before this one's turn came; ask again."))
        except InquestError as error:
            place.tell(note(str(error)))
        except Exception as error:  # noqa: BLE001 - the thread is told, whatever it was
            fault = f"a fault of Inquest's own, {type(error).__name__}"
            where = traceback.format_exc() if self._debug else "INQUEST_DEBUG=1 shows where"
            complain(f"slack: {fault}: {where}")
            place.tell(note(f"This was not answered, by {fault}; its operator can find out more."))
        finally:
            with self._lock:
                self._open.discard((mention.channel, mention.thread))

    def _submitted(
        self, request: Request, tell: Progress, mention: Mention
    ) -> Future[tuple[Report, Path | None]]:
        """Let an investigation wait for its turn; CancelledError if the desk has been closed."""
        try:
            return self._investigators.submit(self._investigate, request, tell, mention)
        except RuntimeError as error:  # what an executor says to those who come after `shutdown`
            raise CancelledError from error

    def _is_new(self, event: str) -> bool:
        """Whether this is the first of the up to four times that Slack delivers an event."""
        with self._lock:
            new = event not in self._events
            self._events[event] = None
            if len(self._events) > _REMEMBERED:
                del self._events[next(iter(self._events))]
            return new

    def _refusal(self, mention: Mention) -> str:
        """Say why a mention is not investigated; nothing if it is, and its thread is then open."""
        thread = (mention.channel, mention.thread)
        may = self._settings
        if may.channels and mention.channel not in may.channels:
            return "Inquest does not investigate in this channel (INQUEST_SLACK_CHANNELS)."
        if may.users and mention.user not in may.users:
            return "You are not among those who may ask Inquest (INQUEST_SLACK_USERS)."
        with self._lock:
            if thread in self._open:
                return "This thread is being investigated; the message above becomes the answer."
            if len(self._open) >= MOST_OPEN:
                return f"{MOST_OPEN} investigations run or wait already; ask again in a minute."
            self._open.add(thread)
            return ""

    def _answer(self, mention: Mention, place: Place) -> None:
        """Say what is looked at, then how far it is, then what came of it: all in one message."""
        from agent.report.slack import hypotheses, note
        from agent.report.slack import slack as dressed
        from agent.report.words import kicker

        asked = question(mention, place.first_message())
        asking = (mention.channel, mention.thread, asked.request)
        if left := self._cooling(asking):
            place.tell(note(f"That was just answered above; ask again in {left} s."))
            return
        opening, said = _opening(asked), list[str]()
        if not place.tell(note(opening)):
            return
        running = self._submitted(asked.request, said.append, mention)
        while not (wait([running], self._every_s).done or running.cancelled()):
            turn = "starting" if running.running() else "waiting for its turn"
            place.tell(note(opening, said[-1] if said else turn))
        report, folder = running.result()
        with self._lock:
            self._answered[asking] = time.monotonic()
        page = f"reports/{report.id}/report.html in the lake" if folder else "not kept"
        if not place.tell(dressed(report, page)):
            place.add(note(kicker(report), report.title, page))
        if tried := hypotheses(report):
            place.add(tried)

    def _cooling(self, asking: tuple[str, str, Request]) -> int:
        """Seconds for which this very question counts as answered."""
        now, cooldown = time.monotonic(), self._settings.cooldown_s
        with self._lock:
            recent = {key: at for key, at in self._answered.items() if now - at < cooldown}
            self._answered = recent
            return round(cooldown - now + recent[asking]) if asking in recent else 0


class Place:
    """A thread, and the one message in it that is edited."""

    def __init__(self, client: WebClient, mention: Mention) -> None:
        self._client = client
        self._channel = mention.channel
        self._thread = mention.thread
        self._ts = ""
        self._shown: Message | None = None

    def first_message(self) -> dict[str, Any]:
        """Read what the thread began with; nothing if that may not be read."""
        found = self._call(self._client.conversations_replies, ts=self._thread, limit=1)
        return found["messages"][0] if found and found["messages"] else {}

    def tell(self, message: Message) -> bool:
        """Post the message, or make the one that is there say this; whether Slack took it."""
        if message == self._shown:
            return True
        if not self._ts:
            taken = self.add(message)
            self._ts = taken["ts"] if taken else ""
        else:
            taken = self._call(self._client.chat_update, ts=self._ts, **_said(message))
        self._shown = message if taken else self._shown
        return bool(taken)

    def add(self, message: Message) -> SlackResponse | None:
        """Post another message to the thread."""
        return self._call(
            self._client.chat_postMessage,
            thread_ts=self._thread,
            unfurl_links=False,
            unfurl_media=False,
            **_said(message),
        )

    def _call(self, method: Callable[..., SlackResponse], **given: Any) -> SlackResponse | None:
        """Ask Slack; None if it does not answer as hoped, and why on stderr."""
        from slack_sdk.errors import SlackClientError

        try:
            return method(channel=self._channel, **given)
        except (SlackClientError, HTTPException, OSError) as error:
            complain(f"slack: {method.__name__} in {self._channel}: {_why(error)}")
            return None


def _said(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def _opening(asked: Question) -> str:
    """Say what was understood, so that a wrong time or service is seen at once."""
    from agent.report.words import clock, day

    at, service = asked.request.at, asked.request.service
    what = asked.alert or ("what went wrong" if at else "the latest alarm")
    where = f" on {service}" if service else ""
    when = f" around {clock(at)} UTC on {day(at)}" if at else ""
    return f"Looking into {what}{where}{when}."


@contextmanager
def _naming(setting: str) -> Iterator[None]:
    """Say which setting Slack does not take."""
    from slack_bolt.error import BoltError
    from slack_sdk.errors import SlackApiError

    try:
        yield
    except (BoltError, SlackApiError) as error:
        raise SettingError(f"Slack does not take {setting}: {_why(error)}.") from None


def _why(error: Exception) -> str:
    """Slack's own word for what was wrong, else the error's."""
    return str(getattr(error, "response", {}).get("error") or f"{type(error).__name__}: {error}")
