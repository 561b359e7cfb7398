"""Inquest can look into itself, and what it did disturbs nobody else's investigation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agent.config import Request
from agent.errors import RequestError
from agent.investigation import investigate
from lake.store import Lake
from tests.agent.apps.agent_traces import BEGAN, Span, ingested, span


def run(at: int) -> Span:
    """An investigation that its provider turns away from the thirtieth on, and that waits."""
    slow = 30.0 if at >= 30 else 0.0
    asked = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m-large",
        "gen_ai.usage.input_tokens": 3000 + at,
    }
    error = "429 Too Many Requests: rate limit reached" if slow else ""
    chat = span("chat m-large", 0.1, 1 + slow + at / 100, asked, kind=3, error=error)
    node = span("propose", 0.1, 1.5 + slow, {"inquest.node.name": "propose"}, chat)
    root = {"gen_ai.operation.name": "invoke_workflow"}
    return span("invoke_workflow investigation", 0, 2 + slow, root, node)


def test_inquest_says_why_its_own_investigations_are_slow_and_only_if_asked(
    lake: Lake, tmp_path: Path
) -> None:
    traces = [("inquest", f"{at + 0x2000:08x}", 60.0 * at, run(at)) for at in range(40)]
    own = ingested(lake, tmp_path / "raw", *traces)
    at = BEGAN + timedelta(minutes=35)
    report = investigate(own, Request(service="inquest", at=at))
    assert report.verdict == "cause_found"
    assert report.causes[0].object == "Service/inquest"
    assert "rate limit" in report.causes[0].text
    with pytest.raises(RequestError, match="holds no telemetry"):
        investigate(own, Request())
