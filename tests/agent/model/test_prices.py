"""What a call costs, by the table that is shipped or one's own; unknown is not nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.errors import SettingError
from agent.model import prices
from agent.model.prices import of_model, usd


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("INQUEST_PRICES", raising=False)
    yield
    prices._own.cache_clear()


def test_tokens_are_paid_for_by_kind_and_cached_ones_are_cheaper() -> None:
    assert usd("openai", "gpt-5-mini", 1_000_000, 0) == 0.25
    assert usd("openai", "gpt-5-mini", 0, 1_000_000) == 2.0
    assert usd("openai", "gpt-5-mini", 1_000_000, 0, 400_000) == pytest.approx(0.15 + 0.01)
    assert usd("anthropic", "claude-sonnet-5", 1_000_000, 0, 0, 1_000_000) == 2.5


@pytest.mark.parametrize(
    ("provider", "name", "price"),
    [
        ("openai", "gpt-5.4", 2.5),
        ("openai", "gpt-5.4-2026-03-05", 2.5),
        ("openai", "gpt-5.4-mini", 0.75),
        ("openai", "gpt-5.4-mini-2026-03-17", 0.75),
        ("anthropic", "claude-sonnet-4-5-20250929", 3.0),
        ("anthropic", "claude-opus-4-8", 5.0),
        ("bedrock_converse", "eu.anthropic.claude-haiku-4-5-20251001-v1:0", 1.0),
        ("", "GPT-5.4", 2.5),
        ("ollama", "llama3.2", 0.0),
    ],
)
def test_a_model_is_known_by_the_beginning_of_its_name(
    provider: str, name: str, price: float
) -> None:
    assert usd(provider, name, 1_000_000, 0) == price


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "gpt-5.41"),
        ("openai", "gpt-5.4-pro"),
        ("google_genai", "gemini-3.5-flash-lite"),
        ("openai", "scripted-1"),
        ("openai", "claude-opus-5"),
        ("nosuch", "model"),
        ("source", "model"),
        ("as_of", "model"),
    ],
)
def test_a_price_that_is_not_known_is_unknown_and_not_nothing(provider: str, name: str) -> None:
    assert usd(provider, name, 10, 10) is None


def test_what_the_provider_did_not_count_has_no_price() -> None:
    assert usd("openai", "gpt-5.4", None, 10) is None


def test_ones_own_prices_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('[openai]\n"scripted-1" = { input = 1.0, output = 2.0 }\n')
    monkeypatch.setenv("INQUEST_PRICES", str(file))
    assert usd("openai", "scripted-1", 1_000_000, 1_000_000) == 3.0
    assert of_model("openai", "gpt-5.4") is not None


@pytest.mark.parametrize(
    "text",
    [
        "[openai",
        '[openai]\n"m" = { input = 1.0 }',
        '[o]\nm = "x"',
        '[o]\nm = { input = "1.0", output = 2.0 }',
        "[o]\nm = { input = -1.0, output = 2.0 }",
        '[o]\nm = { input = 1.0, output = 2.0, cache_read = "none" }',
    ],
)
def test_prices_that_are_none_are_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    monkeypatch.setenv("INQUEST_PRICES", str(file))
    with pytest.raises(SettingError, match=r"INQUEST_PRICES names .*prices.toml"):
        of_model("openai", "scripted-1")


def test_the_table_says_when_and_where_its_prices_were_read() -> None:
    table = prices._shipped()
    assert (table["as_of"].year >= 2026, table["source"].startswith("https://")) == (True, True)
