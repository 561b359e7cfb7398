"""The Slack door, end to end: real Bolt, real investigations, Slack itself on this machine."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Event, Semaphore, Thread
from typing import Any

import pytest

from agent.apps.cli import run
from agent.apps.slack import MOST_OPEN, Desk, Investigate, _client, asking, connected
from agent.apps.slack_thread import Mention
from agent.apps.terminal import Progress
from agent.config import Request, SlackSettings
from agent.errors import RequestError, SettingError
from agent.state import Report
from lake.store import Lake
from tests.agent.apps.slack_server import APP_TOKEN, BOT_TOKEN, CHANNEL, Json, SlackServer
from tests.agent.report.samples import no_incident
from tests.agent.world import START, Release, Served, record, well

ALERT_TS = f"{(START + timedelta(seconds=430)).timestamp():.6f}"
ALERT = {
    "user": "U0ALERTS",
    "text": "",
    "attachments": [
        {
            "title": "[FIRING:1] CheckoutBurn (shop-prod)",
            "text": "<!channel> Checkout is slow",
            "fields": [{"title": "Service", "value": "checkout", "short": True}],
        }
    ],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake in which the release of payment 2.8.0 makes checkout slow and failing."""

    def leaking(service: str, version: str, at_s: float, random: Random) -> Served:
        if (service, version) == ("payment", "2.8.0") and at_s > 330:
            return Served(random.uniform(900, 1500), failed=random.random() < 0.7)
        return well(service, version, at_s, random)

    folder = tmp_path_factory.mktemp("slack") / "lake"
    with Lake.create(folder) as lake:
        release = Release("payment", "2.8.0", "2.7.9", (300.0, 390.0))
        record(lake, releases=(release,), behaviour=leaking)
    return folder


@pytest.fixture(scope="module")
def unproxied() -> Iterator[None]:
    """Let Slack's client go straight to this machine, whatever proxy the environment names."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def slack(unproxied: None) -> Iterator[SlackServer]:  # noqa: ARG001 - it is there before
    with SlackServer() as server:
        server.say(ALERT_TS, **ALERT)
        yield server


@pytest.fixture(scope="module")
def door(unproxied: None, shop: Path) -> Iterator[SlackServer]:  # noqa: ARG001 - it is there before
    """A Slack that a door is connected to: Bolt, Socket Mode and the lake of the shop."""
    with SlackServer() as server:
        server.say(ALERT_TS, **ALERT)
        settings = settings_for(server)
        with connected(settings, Desk(settings, asking(shop), debug=True)):
            yield server


def settings_for(slack: SlackServer, **limits: Any) -> SlackSettings:
    return SlackSettings(BOT_TOKEN, APP_TOKEN, slack.url, **limits)


def desk(slack: SlackServer, investigate: Investigate, **limits: Any) -> Callable[[Json], None]:
    """A desk without Bolt before it: when it has taken an event, its thread is told all."""
    settings = settings_for(slack, **limits)
    taking, client = Desk(settings, investigate, every_s=0.05), _client(settings)
    return lambda body: taking.take(body, client)


def healthy(_request: Request, _tell: Progress, _: Mention) -> tuple[Report, None]:
    """Find at once that nothing is wrong."""
    return no_incident(), None


def shown(slack: SlackServer, thread: str = ALERT_TS) -> list[str]:
    """What each of the bot's messages in a thread says now."""
    return [text_of(message["blocks"]) for message in slack.posted(thread)]


def text_of(value: Any) -> str:
    if isinstance(value, dict):
        return value["text"] if isinstance(value.get("text"), str) else text_of([*value.values()])
    return "".join(map(text_of, value)) if isinstance(value, list) else ""


def test_a_mention_in_a_thread_gets_one_message_that_becomes_the_verdict(
    door: SlackServer, shop: Path
) -> None:
    door.send(door.event("what is wrong?", ALERT_TS))
    door.wait(lambda: len(door.posted(ALERT_TS)) == 2)
    verdict, tried = door.posted(ALERT_TS)
    assert verdict["edits"][0]["text"] == (
        "Looking into CheckoutBurn on checkout around 12:07:10 UTC on 1 Mar 2026."
    )
    said = text_of(verdict["blocks"])
    assert "CONFIRMED" in said
    assert "payment 2.8.0" in verdict["text"]
    assert "Implicated: C1 payment 2.8.0" in said
    assert "What to do next" in said
    (saved,) = shop.glob("reports/*/report.html")
    assert f"reports/{saved.parent.name}/report.html" in said
    assert "payment 2.8.0" in text_of(tried["blocks"])
    assert [call for call in door.calls if not call.answer["ok"]] == []


def test_an_event_that_comes_four_times_is_one_investigation(door: SlackServer) -> None:
    thread = door.say("1772366830.000004", text="alert")
    body = door.event("service=basket", thread)
    for attempt in range(4):
        door.send(body, attempt)
    after = door.say("1772366830.000005", text="alert")
    door.send(door.event("service=basket", after))
    door.wait(lambda: any("no service" in text for text in shown(door, after)))
    door.wait(lambda: any("no service" in text for text in shown(door, thread)))
    assert len(door.posted(thread)) == 1


def test_events_still_come_after_slack_asked_to_connect_anew(door: SlackServer) -> None:
    door.refresh()
    thread = door.say("1772366830.000006", text="alert")
    door.send(door.event("at=noon", thread))
    door.wait(lambda: shown(door, thread))
    assert len(door.connections) == 2


@pytest.mark.parametrize(
    "event",
    [
        {"type": "app_mention", "channel": CHANNEL, "ts": "soon", "text": "hi"},
        {"type": "app_mention", "channel": CHANNEL, "ts": "1.0", "thread_ts": "1e9.0"},
        {"type": "app_mention"},
        {"type": "reaction_added", "user": "U0ONCALL"},
        {"type": "message", "channel": CHANNEL, "ts": "1772366830.000007", "text": "hi"},
    ],
)
def test_what_is_no_mention_is_acknowledged_and_left_alone(door: SlackServer, event: Json) -> None:
    posted = len(door.messages)
    envelope = door.send({"type": "event_callback", "event_id": str(event), "event": event})
    assert envelope in door.acked
    assert len(door.messages) == posted


def test_a_thread_is_investigated_once_at_a_time_and_shows_how_far_it_is(
    slack: SlackServer,
) -> None:
    go_on = Event()

    def investigate(request: Request, tell: Progress, mention: Mention) -> tuple[Report, None]:
        tell("survey: log templates")
        assert go_on.wait(600)
        return healthy(request, tell, mention)

    take = desk(slack, investigate)
    first = Thread(target=take, args=[slack.event("", ALERT_TS)])
    first.start()
    slack.wait(lambda: "survey: log templates" in "".join(shown(slack)))
    take(slack.event("and now?", ALERT_TS))
    go_on.set()
    first.join()
    answered, told = shown(slack)
    assert "NO INCIDENT" in answered
    assert told == "This thread is being investigated; the message above becomes the answer."


def test_a_mention_is_acknowledged_while_its_investigation_still_goes_on(
    slack: SlackServer,
) -> None:
    """Slack waits three seconds; however long an investigation takes, it does not wait for it."""
    started, go_on = Event(), Event()

    def investigate(request: Request, tell: Progress, mention: Mention) -> tuple[Report, None]:
        started.set()
        assert go_on.wait(600)
        return healthy(request, tell, mention)

    settings = settings_for(slack)
    with connected(settings, Desk(settings, investigate, debug=True)):
        envelope = slack.send(slack.event("", ALERT_TS))
        assert envelope in slack.acked
        assert started.wait(600)
        assert "NO INCIDENT" not in "".join(shown(slack))
        go_on.set()
        slack.wait(lambda: "NO INCIDENT" in "".join(shown(slack)))


def test_a_mention_past_the_limits_waits_or_is_told_to_come_again(slack: SlackServer) -> None:
    go_on, running = Event(), Semaphore(0)

    def investigate(request: Request, tell: Progress, mention: Mention) -> tuple[Report, None]:
        running.release()
        assert go_on.wait(600)
        return healthy(request, tell, mention)

    settings = settings_for(slack, at_once=2)
    taking, client = Desk(settings, investigate, every_s=0.05), _client(settings)
    threads = [slack.say(f"17723669{n:02}.000100", text="alert") for n in range(MOST_OPEN)]
    with ThreadPoolExecutor(MOST_OPEN + 1) as people, ExitStack() as at_last:
        at_last.callback(go_on.set)
        for thread in threads:
            people.submit(taking.take, slack.event("", thread), client)
        slack.wait(lambda: all(shown(slack, thread) for thread in threads))
        taking.take(slack.event("", ALERT_TS), client)
        assert running.acquire(timeout=600)
        assert running.acquire(timeout=600)
        assert not running.acquire(blocking=False)
        closing = people.submit(taking.close)
        slack.wait(
            lambda: sum("ask again" in shown(slack, one)[0] for one in threads) == MOST_OPEN - 2
        )
        go_on.set()
        closing.result()
    (refused,) = shown(slack)
    assert refused.startswith(f"{MOST_OPEN} investigations run or wait already")
    assert sum("NO INCIDENT" in shown(slack, thread)[0] for thread in threads) == 2


def test_a_mention_that_comes_while_the_desk_is_closing_is_told_to_come_again(
    slack: SlackServer,
) -> None:
    settings = settings_for(slack)
    closed = Desk(settings, healthy)
    closed.close()
    closed.take(slack.event("", ALERT_TS), _client(settings))
    (told,) = shown(slack)
    assert told == "Inquest was stopped before this one's turn came; ask again."


def test_the_same_question_is_not_answered_twice_in_a_row_but_another_is(
    slack: SlackServer,
) -> None:
    take = desk(slack, healthy, cooldown_s=3600)
    for words in ("", "again!", "service=web"):
        take(slack.event(words, ALERT_TS))
    first, same, other = shown(slack)
    assert "NO INCIDENT" in first
    assert same.startswith("That was just answered above; ask again in 3")
    assert "NO INCIDENT" in other


def test_slack_is_not_asked_before_the_time_it_says(slack: SlackServer) -> None:
    slack.refuse("chat.update", 429, Retry_After="1")
    desk(slack, healthy)(slack.event("", ALERT_TS))
    refused, taken = (call for call in slack.calls if call.method == "chat.update")
    assert taken.at - refused.at >= 1
    assert "NO INCIDENT" in shown(slack)[0]


@pytest.mark.parametrize("error", ["message_not_found", "invalid_blocks", "msg_too_long"])
def test_a_verdict_that_slack_does_not_take_is_told_in_short(
    slack: SlackServer, error: str
) -> None:
    slack.refuse("chat.update", error=error)
    desk(slack, healthy)(slack.event("", ALERT_TS))
    assert shown(slack)[1].startswith("Nothing is wrong")


def test_a_thread_that_may_not_be_read_is_investigated_by_its_time(slack: SlackServer) -> None:
    slack.refuse("conversations.replies", error="missing_scope")
    desk(slack, healthy)(slack.event("", ALERT_TS))
    opening = slack.posted(ALERT_TS)[0]["edits"][0]["text"]
    assert opening == "Looking into what went wrong around 12:07:10 UTC on 1 Mar 2026."


def test_only_those_who_may_ask_are_answered_and_only_where_they_may(slack: SlackServer) -> None:
    for limits in ({"users": frozenset({"U0CHIEF"})}, {"channels": frozenset({"C0OTHER"})}):
        desk(slack, healthy, **limits)(slack.event("", ALERT_TS))
    user, channel = shown(slack)
    assert user == "You are not among those who may ask Inquest (INQUEST_SLACK_USERS)."
    assert channel == "Inquest does not investigate in this channel (INQUEST_SLACK_CHANNELS)."


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("service=basket", "There is no service 'basket' in the window; seen were c"),
        ("severity=high", "severity= means nothing here; what can be said is service=NAME"),
        ("lookback=nan", "A lookback of nan s is no window"),
        ("alert=Nobody", "There is no alert 'Nobody' in this lake; it holds CheckoutBurn"),
        ("at=2020-01-01T00:00Z", "There is no telemetry around 2020-01-01 00:00 UTC"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_sentence(
    slack: SlackServer, shop: Path, words: str, sentence: str
) -> None:
    desk(slack, asking(shop))(slack.event(words, ALERT_TS))
    (told,) = shown(slack)
    assert told.startswith(sentence)


def test_an_empty_lake_is_told_as_one(slack: SlackServer, tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake").close()
    desk(slack, asking(tmp_path / "lake"))(slack.event("", ALERT_TS))
    (told,) = shown(slack)
    assert told.startswith("The lake holds no telemetry")


def test_a_fault_of_its_own_is_told_by_its_type_and_no_secret_leaves(
    slack: SlackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "AKIAIOSFODNN7EXAMPLE"  # noqa: S105 - the example of AWS's own documentation

    def investigate(_request: Request, tell: Progress, _: Mention) -> tuple[Report, None]:
        tell(f"test: {secret}")
        slack.wait(lambda: "test: " in "".join(shown(slack)))
        raise ZeroDivisionError(secret)

    take = desk(slack, investigate)
    take(slack.event("", ALERT_TS))
    take(slack.event(f"at={secret}", ALERT_TS))
    fault, refused = shown(slack)
    assert "a fault of Inquest's own, ZeroDivisionError" in fault
    assert "is no time with its zone" in refused
    assert secret not in json.dumps([call.given for call in slack.calls])
    assert secret not in capsys.readouterr().err


def test_hostile_words_of_an_alert_ping_nobody_and_link_nowhere(slack: SlackServer) -> None:
    hostile = "<!channel> <@U0CHIEF> <http://evil.example|look> @here *bold* & <#C0ALERTS>"
    thread = slack.say(
        "1772366830.000008", text=f"[FIRING:1] {hostile}\nservice: <!here>\nservice={hostile}"
    )

    def investigate(_request: Request, _tell: Progress, _: Mention) -> tuple[Report, None]:
        raise RequestError(hostile)

    take = desk(slack, investigate)
    take(slack.event(f"service={hostile}", thread))
    for message in slack.posted(thread):
        for version in (message, *message["edits"]):
            assert re.search("[<>]|&(?!(amp|lt|gt);)", version["text"]) is None
    assert hostile in shown(slack, thread)[0]


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
def test_a_token_that_slack_does_not_take_is_named_and_not_shown(
    slack: SlackServer, name: str
) -> None:
    wrong = {name.removeprefix("SLACK_").lower(): f"{BOT_TOKEN}-of-somebody-else"}
    settings = replace(settings_for(slack), **wrong)  # type: ignore[arg-type]  # one of two tokens
    opening = connected(settings, Desk(settings, healthy))
    with pytest.raises(SettingError, match=name) as said, opening:
        pass
    assert "invalid_auth" in str(said.value)
    assert "somebody" not in str(said.value)


def test_without_its_extra_the_command_says_what_to_install(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    monkeypatch.setenv("SLACK_APP_TOKEN", APP_TOKEN)
    monkeypatch.setitem(sys.modules, "slack_bolt", None)
    assert run(["slack", "--lake", str(shop)]) == 2
    assert "pip install -e '.[slack]'" in capsys.readouterr().err
