"""What a mention and the alert it stands under ask."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.apps.slack_thread import Mention, question, read_mention
from agent.config import Request
from agent.errors import RequestError

POSTED = datetime(2026, 11, 21, 23, 46, 8, tzinfo=UTC)
TS = f"{POSTED.timestamp():.6f}"

ALERTMANAGER = {  # its default template, with the labels' values only
    "attachments": [
        {
            "title": "[FIRING:1] CheckoutLatencyP95High (checkout shop-prod warning)",
            "title_link": "http://alertmanager.shop.example/#/alerts?receiver=oncall",
            "fallback": "[FIRING:1] CheckoutLatencyP95High",
        }
    ]
}
GRAFANA = {
    "text": "",
    "attachments": [
        {
            "title": "[FIRING:1] Checkout is slow (shop)",
            "text": "**Firing**\n\nValue: A=2.3\nLabels:\n - alertname = CheckoutSlow\n"
            " - service = checkout\nSource: <http://grafana.shop.example|here>\n",
        }
    ],
}
FIELDS = {
    "attachments": [
        {
            "pretext": "Alert: `CheckoutSlow`",
            "fields": [{"title": "Service", "value": "checkout", "short": True}],
        }
    ]
}
BLOCKS = {
    "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": "*Alert:* CheckoutSlow"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Service:*\n`checkout`"}]},
    ]
}
STARTED = {"text": 'service="checkout"\nStarted: 2026-11-21 23:45:58.123 +0000 UTC &amp; on'}


def mention(words: str, *, in_thread: bool = True) -> Mention:
    return Mention("Ev1", "C1", TS, "U1", f"<@U0INQUEST> {words}", in_thread)


@pytest.mark.parametrize(
    ("first", "service", "alert", "at"),
    [
        (ALERTMANAGER, None, "CheckoutLatencyP95High", POSTED),
        (GRAFANA, "checkout", "CheckoutSlow", POSTED),
        (FIELDS, "checkout", "CheckoutSlow", POSTED),
        (BLOCKS, "checkout", "CheckoutSlow", POSTED),
        (STARTED, "checkout", "", POSTED.replace(minute=45, second=58)),
        ({"text": "is the shop slow for you?"}, None, "", POSTED),
        ({}, None, "", POSTED),
    ],
)
def test_an_alert_says_its_name_its_service_and_its_time(
    first: dict[str, Any], service: str | None, alert: str, at: datetime
) -> None:
    asked = question(mention(""), first)
    assert asked.request == Request(at=at, service=service)
    assert asked.alert == alert


def test_what_the_mention_says_goes_before_what_the_alert_says() -> None:
    words = "look at=2026-11-22T02:10Z, service=<http://web.shop|web.shop> alert=Burn lookback=30"
    asked = question(mention(words), GRAFANA)
    assert asked.request == Request(
        at=datetime(2026, 11, 22, 2, 10, tzinfo=UTC),
        service="web.shop",
        alert="Burn",
        lookback_s=1800,
    )


def test_a_mention_outside_a_thread_asks_about_the_latest_alarm() -> None:
    assert question(mention("help!", in_thread=False), {}).request == Request()


@pytest.mark.parametrize("words", ["at=noon", "at=2026-11-22T02:10", "lookback=long", "when=now"])
def test_words_without_meaning_are_an_error_that_shows_them(words: str) -> None:
    with pytest.raises(RequestError, match=words.split("=")[0 if "when" in words else 1]):
        question(mention(words), {})


JUNK = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "text",
                    "fields",
                    "title",
                    "value",
                    "attachments",
                    "event",
                    "ts",
                    "channel",
                    "user",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["text", "attachments", "blocks"]), JUNK), st.text())
def test_whatever_a_thread_holds_it_asks_something_or_says_why_not(
    first: dict[str, Any], words: str
) -> None:
    with suppress(RequestError):
        assert isinstance(question(mention(words), first).request, Request)


@given(st.dictionaries(st.sampled_from(["event", "event_id"]), JUNK))
def test_whatever_comes_as_an_event_is_read_or_left_alone(body: dict[str, Any]) -> None:
    assert read_mention(body) is None
