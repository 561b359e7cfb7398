"""Secrets do not leave; what an investigation needs to be read does.

Every secret here is put together at run time, so that no scanner finds one in the repository.
"""

from __future__ import annotations

import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.redaction import redact, redacted

_RANDOM = Random(7)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WORD = LETTERS + LETTERS.lower() + "0123456789"
HEX = "0123456789abcdef"


def drawn(count: int, of: str = WORD) -> str:
    """Draw characters; the digit that every real token has is never left to chance."""
    return "".join(_RANDOM.choices(of, k=count - 1)) + "7"


TOKENS = {
    "aws": "AK" + "IA" + drawn(16, LETTERS),
    "gcp": "AI" + "za" + drawn(35),
    "azure": drawn(3) + "8Q" + "~" + drawn(34),
    "github": "gh" + "p_" + drawn(36),
    "gitlab": "gl" + "pat-" + drawn(20),
    "slack": "xo" + "xb-" + drawn(12, HEX[:10]) + "-" + drawn(24),
    "stripe": "sk" + "_live_" + drawn(24),
    "anthropic": "sk" + "-ant-api03-" + drawn(40),
    "openai": "sk" + "-proj-" + drawn(40),
    "huggingface": "hf" + "_" + drawn(34),
    "jwt": "ey" + "J" + drawn(20) + ".ey" + "J" + drawn(30) + "." + drawn(43),
    "npm": "np" + "m_" + drawn(36),
    "pypi": "py" + "pi-AgE" + drawn(60),
    "docker": "dckr" + "_pat_" + drawn(27),
    "twilio": "S" + "K" + drawn(32, HEX),
    "sendgrid": "S" + "G." + drawn(22) + "." + drawn(43),
    "vault": "hv" + "s." + drawn(24),
    "databricks": "da" + "pi" + drawn(32, HEX),
    "digitalocean": "do" + "p_v1_" + drawn(64, HEX),
    "shopify": "shp" + "at_" + drawn(32, HEX),
    "grafana": "gl" + "sa_" + drawn(32) + "_" + drawn(8, HEX),
    "newrelic": "NR" + "AK-" + drawn(27, LETTERS),
}
PLACES = (
    "{}",
    "calling with {}, retrying",
    '{{"header": "{}"}}',
    "line one\\n{}\\nline two",
    "?next=%3D{}&page=2",
    "prefix_{}",
)
NAMED = {
    "password={}": "password",
    'DB_PASSWORD="{}"': "password",
    '{{"password": "{}", "user": "ann"}}': "password",
    r"{{\"password\":\"{}\",\"user\":\"ann\"}}": "password",
    "Server=db;Uid=ann;Pwd={};Encrypt=yes": "password",
    "redis-cli --password {} ping": "password",
    "ALTER ROLE ann PASSWORD '{}'": "password",
    "<password>{}</password>": "password",
    "CONFIG SET requirepass {}": "password",
    'masterauth "{}"': "password",
    "exec [mysqladmin ping -h localhost -p{}] delay=5s": "password",
    "mysql -u root -p'{}' -e 'SELECT 1'": "password",
    "SECRET_KEY_BASE:  {}": "secret",
    "https://example.org/?passwd%3D{}&x=1": "password",
    "AccountName=a;AccountKey={};EndpointSuffix=b": "secret",
    "aws_secret_access_key = {}": "secret",
    '{{"SecretAccessKey": "{}"}}': "secret",
    "x-api-key: {}": "secret",
    "mysql --auth-token {} --verbose": "secret",
    "GET /blob?sv=2024&sig={}&se=2026": "secret",
    "X-Amz-Signature={}&X-Amz-Expires=60": "secret",
    "Authorization: Bearer {}": "authorization",
    "{{'Authorization': 'Basic {}'}}": "authorization",
    "sent Bearer {} to upstream": "bearer",
    "Set-Cookie: session={}; Path=/": "cookie",
    "postgres://ann:{}@db:5432/shop": "url",
    "redis://:{}@cache:6379/0": "url",
    "https://{}:x-oauth-basic@github.com/a/b.git": "url",
    "ann:{}@tcp(db:3306)/shop": "dsn",
    "https://hooks.slack.com/services/{}": "webhook",
}
HARMLESS = (
    "trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "merged 3f786850e387550fdab836ed7e6dc881de23001b into main",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "order 550e8400-e29b-41d4-a716-446655440000 of session 17",
    "2026-11-22T02:10:11.123456789Z took 3,012.5 ms on 10.0.0.4:5432 and [2001:db8::1]:80",
    "FATAL: password authentication failed for user ann",
    "Unexpected token: identifier, expected string",
    "gen_ai.usage.input_tokens=123456789 max_tokens: 4096",
    "http://checkout:8080/cart?next=/pay and git@github.com:a/b.git",
    "secret: db-credentials not found; secretName: db-credentials-2",
    "task-runner sk-learn-pipeline-of-the-risk-desk SKU1234 AC voltage",
    "password: null, token: none, PASSWORD=***",
    "Basic authentication is off, bearer of bad news",
    "mysql -uroot -p${ROOT_PASSWORD} -P 3306; kubectl logs mysql-0 -p; mysql | sort -port",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_of_a_known_form_is_found_wherever_it_stands(kind: str, place: str) -> None:
    assert redact(place.format(TOKENS[kind])) == place.format(f"[redacted:{kind}]")


@pytest.mark.parametrize(("place", "kind"), NAMED.items())
def test_what_is_called_a_secret_is_one(place: str, kind: str) -> None:
    secret = drawn(24)
    left = redact(place.format(secret))
    assert secret not in left
    assert f"[redacted:{kind}]" in left


@pytest.mark.parametrize("ending", ["-----END {}-----", ""])
def test_a_private_key_goes_whole_even_when_it_is_cut_short(ending: str) -> None:
    name = "RSA PRIVATE" + " KEY"
    body = "\n".join(drawn(64) for _ in range(3))
    text = f"before\n-----BEGIN {name}-----\n{body}\n{ending.format(name)}"
    assert redact(text) == "before\n[redacted:private_key]"


def test_a_quoted_secret_with_spaces_and_quotes_goes_whole() -> None:
    assert (
        redact(r'{"password": "a \" b c", "n": 1}') == '{"password": "[redacted:password]", "n": 1}'
    )


@pytest.mark.parametrize("text", HARMLESS)
def test_ids_digests_times_addresses_and_prose_stay(text: str) -> None:
    assert redact(text) == text


def test_values_are_redacted_at_any_depth() -> None:
    token = TOKENS["github"]
    value = {"text": [f"a {token}", {"n": 7, "none": None}], "ok": True}
    assert redacted(value) == {"text": ["a [redacted:github]", {"n": 7, "none": None}], "ok": True}


def test_what_is_no_text_stops_the_send() -> None:
    with pytest.raises(TypeError):
        redact(None)  # type: ignore[arg-type]  # the fault under test


PIECES = st.one_of(
    st.sampled_from(
        [*TOKENS.values(), *(place.format("x" * 9 + "7") for place in NAMED), *HARMLESS]
    ),
    st.sampled_from(
        ["password", "=", ":", '"', "'", "\\", "\n", " ", ",", "@", "://", "token", "api_key", "-"]
    ),
    st.sampled_from(["[redacted:aws]", "-----BEGIN PRIVATE" + " KEY-----", "-----END", "Bearer "]),
    st.text(max_size=6),
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


HOSTILE = (
    *("a", " ", "\\", '"', "password", "token: ", "://a:", "eyJ-", "--a-", "SG.", "Cookie: a"),
    *("mysql", "mysql a ", "requirepass "),
    *("[redacted:", 'secret="\\', "-----BEGIN PRIVATE" + " KEY-----"),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_hostile_line_takes_no_longer_than_its_length(piece: str) -> None:
    def took(size: int) -> float:
        text = piece * (size // len(piece))
        started = time.process_time()
        redact(text)
        return time.process_time() - started

    assert took(400_000) < 40 * took(40_000) + 0.5


def test_a_line_of_a_megabyte_is_done_in_seconds() -> None:
    started = time.process_time()
    redact(HARMLESS[0] * (1_000_000 // len(HARMLESS[0])))
    assert time.process_time() - started < 10
