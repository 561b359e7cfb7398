"""Secrets and people do not leave; what an investigation needs to be read does."""

from __future__ import annotations

import json
import os
import re
import stat
import string
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from errno import ENOSPC
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import agent.redaction as redaction
from agent.errors import SettingError
from agent.redaction import identified, redact, redacted, register
from agent.redaction.formats import ELSEWHERE, TOKENS
from agent.redaction.registered import of_environment
from tests.agent.made_secrets import RECIPES, SHAPES, left_of, made, passphrase

_RANDOM = Random(7)
WORD = string.ascii_letters + string.digits
MADE = {kind: made(kind, _RANDOM) for kind in RECIPES}


def drawn(count: int, of: str = WORD) -> str:
    """Draw characters; the digit that every real token has is never left to chance."""
    return "".join(_RANDOM.choices(of, k=count - 1)) + "7"


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
    "JSESSIONID={}; next": "session",
    "postgres://ann:{}@db:5432/shop": "url",
    "redis://:{}@cache:6379/0": "url",
    "https://{}:x-oauth-basic@github.com/a/b.git": "url",
    "ann:{}@tcp(db:3306)/shop": "dsn",
    "https://hooks.slack.com/services/{}": "webhook",
    "https://discord.com/api/webhooks/123456789012345678/{}": "webhook",
}
HARMLESS = (
    "pods store-api-7f9dd8b6c4-liv1k, web-sdk-7d4f8b6c9-x2x4z and ci-key-5b6c8d9ef-q7wz9",
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
    "pod checkout-7c9k8x5zqp-x7k2p of checkout-7c9k8x5zqp on ip-10-0-12-34.eu-west-1.internal",
    "integrity sha512-z3PGQbXJ0sBzYk2Nq8fVtLmW5cRdHgKjTxUeYoAiSwDpFvMn7ZaQ0g== of app.js",
    "request_id: 0ujtsYcgvSTl8PAuAdqWYSMnLOv, cluster.id=4L6g3nShT-eMCtK--X86sw",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx7Qm2vKp9RtY4wZsLd8NfHbGcVeXoUaPiTqWnMkSyB",
    "node_id MDEyOk9yZ2FuaXphdGlvbjMyMjk0OTA5 and aGVsbG8gd29ybGQsIGhlbGxvIHdvcmxk",
    "com.example.payments.RetryingHttpConnectionPoolManagerFactory$Lambda$14 at line 77",
    'redis-cli -a $REDIS_PASSWORD ping; curl -u "$USER:$PASS" x; redis-cli -h cache -p 6379',
    '{"name":"db-password","verb":"get"}, ["db-password", "tls-1"], ["--password", "--verbose"]',
    "docker run -p 8080:80 web; ssh -p 22 host; kubectl logs mongo-0 -p --tail=5",
    'secret: {"secretName": "db-credentials-2", "defaultMode": 420}, "password": []',
    "secret:\n  secretName: db-credentials-2\n  defaultMode: 420",
    "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      key: password\n      name: db-2",
    '{"name": "cpu", "value": "12345678901"}, {"key": "password", "optional": true}',
    "/usr/lib/python3.11/site-packages/sqlalchemy/engine/default.py:942",
    "getty@tty1.service, reporter@project-1.iam.gserviceaccount.com, postgres@db.internal",
    "user=checkout database=shop, username=system:serviceaccount:kube-system:default",
    "1732241411123456 us, 1732241411123456789 ns, id 4111111111111112, +0200, 2026-11-22",
    "trace_id: 4111111111111111 datadog, image repo/web@sha256:e3b0c44298fc1c149afbf4c8996fb924",
)


@pytest.fixture(autouse=True)
def _nothing_registered() -> Iterator[None]:
    yield
    register({})


def test_every_known_format_has_a_sample() -> None:
    assert {*TOKENS, *ELSEWHERE} - {"webhook"} == RECIPES.keys()


@pytest.mark.parametrize("kind", RECIPES)
def test_a_token_of_a_known_form_is_found_wherever_it_stands(kind: str) -> None:
    for place in PLACES:
        assert redact(place.format(MADE[kind])) == place.format(f"[redacted:{kind}]")


WRAPPED: dict[str, Callable[[str], str]] = {
    "base64": lambda token: b64encode(f"user:{token}\n".encode()).decode(),
    "base64 of base64": lambda token: b64encode(b64encode(token.encode())).decode(),
    "base64 in lines": lambda token: "\n".join(
        re.findall(".{1,76}", b64encode(f"{'x: y' * 20} {token} {'z' * 40}".encode()).decode())
    ),
    "hex": lambda token: token.encode().hex(),
    "URL": lambda token: f"q={quote(token, safe='')}&page=2",
    "URL, every character": lambda token: "".join(f"%{ord(c):02x}" for c in token),
    "URL of a URL": lambda token: quote("".join(f"%{ord(c):02X}" for c in token)),
    "JSON, every character": lambda token: '"' + "".join(f"\\u{ord(c):04x}" for c in token) + '"',
    "JSON in JSON": lambda token: json.dumps(json.dumps({"a": json.dumps({"text": token})})),
    "parted unseen": lambda token: f"{token[:3]}\u200b{token[3:9]}\ufeff{token[9:]}",
    "two lines": lambda token: f"{token[: len(token) // 2]}\n    {token[len(token) // 2 :]}",
    "two escaped lines": lambda t: f"a {t[: len(t) // 2]}\\n{t[len(t) // 2 :]} b",
    "two strings": lambda t: f'["{t[: len(t) // 2]}", "{t[len(t) // 2 :]}"]',
}


@pytest.mark.parametrize("how", WRAPPED)
def test_a_token_is_found_however_it_is_wrapped(how: str) -> None:
    for kind, token in MADE.items():
        if kind == "mailchimp" and how.startswith("two"):
            continue  # half of it is hexadecimal digits, as an id is
        said = redact(f"before {WRAPPED[how](token)} after")
        assert said.startswith("before ")
        assert said.endswith(" after")
        assert "[redacted:" in said
        assert not left_of(token, said), (kind, said)


@pytest.mark.parametrize(("place", "kind"), NAMED.items())
def test_what_is_called_a_secret_is_one(place: str, kind: str) -> None:
    secret = drawn(24)
    left = redact(place.format(secret))
    assert secret not in left
    assert f"[redacted:{kind}]" in left


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_called_a_secret_is_one_in_whatever_shape(shape: str) -> None:
    secret = passphrase(_RANDOM)
    text = SHAPES[shape].format(secret, secret)
    left = redact(text)
    assert not left_of(secret, left), left
    assert "[redacted:" in left
    assert redact(left) == left
    with suppress(ValueError):
        told = json.loads(text)
        assert (
            json.loads(left).keys() == told.keys() if isinstance(told, dict) else json.loads(left)
        )
        assert not left_of(secret, str(redacted(told))), redacted(told)


@pytest.mark.parametrize("ending", ["-----END {}-----", ""])
def test_a_private_key_goes_whole_even_when_it_is_cut_short(ending: str) -> None:
    name = "RSA PRIVATE" + " KEY"
    body = "\n".join(drawn(64) for _ in range(3))
    text = f"before\n-----BEGIN {name}-----\n{body}\n{ending.format(name)}"
    assert redact(text) == "before\n[redacted:private_key]"


def test_a_certificate_is_published_and_stays() -> None:
    body = "\n".join(drawn(64) for _ in range(3))
    text = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"
    assert redact(text) == text


def test_a_quoted_secret_with_spaces_and_quotes_goes_whole() -> None:
    assert (
        redact(r'{"password": "a \" b c", "n": 1}') == '{"password": "[redacted:password]", "n": 1}'
    )


@pytest.mark.parametrize("text", HARMLESS)
def test_ids_digests_times_addresses_and_prose_stay(text: str) -> None:
    assert redact(text) == text


ALPHABETS = (
    string.ascii_lowercase + string.digits,
    WORD,
    WORD + "+/",
    WORD + "-_",
    string.ascii_uppercase + "234567",
)
ALONE = ("{}", "got {} for it", 'value="{}"', '{{"data": "{}"}}', "x={}&y=1", "Api-Key: {}")


def test_of_secrets_of_no_known_form_95_in_100_are_found() -> None:
    random, found = Random(11), 0
    for _ in range(1000):
        secret = "".join(random.choices(random.choice(ALPHABETS), k=random.randint(20, 64)))
        found += not left_of(secret, redact(random.choice(ALONE).format(secret)))
    assert found >= 950


def test_of_our_own_pages_and_playbooks_hardly_a_word_is_taken_for_a_secret() -> None:
    root = Path(__file__).parents[2]
    pages = [*root.glob("docs/*.md"), *root.glob("playbooks/*/*.yaml"), root / "ARCHITECTURE.md"]
    text = "\n".join(page.read_text() for page in pages)
    assert redact(text).count("[redacted:random]") <= len(text.split()) / 5000


def test_values_are_redacted_at_any_depth_and_by_their_names() -> None:
    token = MADE["github"]
    value = {"text": [f"a {token}", {"n": 7, "none": None}], "db_password": "tr0ub", "ok": True}
    assert redacted(value) == {
        "text": ["a [redacted:github]", {"n": 7, "none": None}],
        "db_password": "[redacted:password]",
        "ok": True,
    }


@pytest.mark.parametrize(
    "value",
    [
        {"password": 12345678901},
        {"password": ["hunter2longer"]},
        {"db": {"password": {"value": "hunter2longer", "more": [{"x": 12345678901}]}}},
        {"token": (12345678901, "hunter2longer")},
        {"password": {"hunter2longer"}},
        {"password": 'two words "hunter2longer"\n12345678901'},
        {"name": "DB_PASSWORD", "value": "hunter2longer"},
        {"key": "db.password", "value": {"stringValue": "hunter2longer"}},
        {"ParameterKey": "DbPassword", "ParameterValue": "hunter2longer"},
        {"args": ["--password", "hunter2longer"]},
        {"body": b"password=hunter2longer", b"hunter2longer": 1},
        ["redis-cli", "-a", "hunter2longer"],
    ],
)
def test_what_a_value_is_called_holds_for_all_below_it(value: Any) -> None:
    said = redacted(value)
    assert not re.search("hunter2longer|12345678901", str(said)), said
    assert "[redacted:" in str(said)
    assert redacted(said) == said


def test_what_no_name_makes_a_secret_stays_as_it_is() -> None:
    value = {
        "input_tokens": 123456789,
        "tokens": {"input": 123456789, "output": 1.5},
        "bytes": 4111111111111111,
        "password": None,
        "at": datetime(2026, 11, 22, tzinfo=UTC),
        "token": {"type": "bearer", "ok": True},
        "volumes": [{"name": "tls", "secret": {"secretName": "db-credentials-2"}}],
        "env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db-2"}}}],
        "limit": {"name": "cpu", "value": 12345678901},
    }
    assert redacted(value) == value


def test_bytes_are_no_text_and_are_counted() -> None:
    before = redaction.failures()
    assert redacted([b"a", bytearray(b"b")]) == ["[redacted:failed]"] * 2
    assert redaction.failures() == before + 2


def test_what_is_no_text_stops_the_send() -> None:
    with pytest.raises(TypeError):
        redact(None)  # type: ignore[arg-type]  # the fault under test


def test_a_text_that_cannot_be_read_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    before = redaction.failures()
    monkeypatch.setattr(redaction, "lowered", lambda _: 1 / 0)
    assert redact("anything") == "[redacted:failed]"
    assert redacted({"not yet read": "anything"}) == {"[redacted:failed]": "[redacted:failed]"}
    assert redaction.failures() == before + 3


def test_a_text_that_takes_too_long_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "PATIENCE_S", 0.0)
    assert redact("one line of many") == "[redacted:failed]"


REGISTERED = "päss/w0rd & Co=7"
WRITTEN = {
    "as it is": REGISTERED,
    "in a URL": quote(REGISTERED, safe=""),
    "in a query": quote(REGISTERED).replace("%20", "+"),
    "in JSON": json.dumps(REGISTERED)[1:-1],
    "in hex": REGISTERED.encode().hex(),
    **{f"in base64, {n} in": b64encode(b"x" * n + REGISTERED.encode()).decode() for n in range(3)},
}


def test_a_registered_value_is_found_however_it_is_written() -> None:
    register({"SHOP_TOKEN": REGISTERED, "PLAIN": "ordinary words", "PGPASSWORD": "hunter22"})
    written = [redact(f"a {value} b") for value in WRITTEN.values()]
    assert all("[redacted:registered]" in one for one in written), written
    assert redact("the ordinary words of hunter22") == "the ordinary words of [redacted:registered]"
    assert redact("HUNTER22") == "HUNTER22"


def test_secrets_of_an_environment_are_told_by_their_names() -> None:
    found, short = of_environment(
        {
            "OPENAI_API_KEY": "not a format",
            "SLACK_BOT_TOKEN": "of any kind",
            "DATABASE_URL": "postgresql://ann:opensesame@db/shop",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=0pens3same2,x=short",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://ann:s3cretpw99@collector:4318",
            "https_proxy": "http://ann:s3cretpw98@proxy:3128",
            "TLS_KEY": "/etc/tls.key",
            "AWS_ACCESS_KEY_ID": "public part",
            "SSH_AUTH_SOCK": "somewhere else",
            "KEYBOARD": "qwertyuiop",
            "DB_PASSWORD": "abc",
        }
    )
    assert set(found.values()) == {
        *("not a format", "of any kind", "opensesame", "0pens3same2"),
        *("s3cretpw99", "s3cretpw98"),
    }
    assert len(short) == 2
    assert "DB_PASSWORD" in short[1]
    assert "abc" not in short[1]


@pytest.mark.parametrize("text", ["tiny\n", None])
def test_a_file_of_secrets_that_is_of_no_use_is_refused(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "secrets"
    if text:
        file.write_text(text)
    with pytest.raises(SettingError, match="secret") as refused:
        register({}, file)
    assert "tiny" not in str(refused.value)


def test_a_file_of_secrets_is_kept_out(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("correct horse battery\n\n  staple-of-old \n")
    register({}, tmp_path / "secrets")
    assert redact("correct horse battery, staple-of-old.") == (
        "[redacted:registered], [redacted:registered]."
    )


PEOPLE = {
    "email": ("mail mira.k+shop@example.com now", "GET /users/mira%40example.com/orders"),
    "phone": (
        "call +49 170 1234567 or",
        "from (415) 555-0132.",
        "phone=0170 1234567",
        "+16505550123",
    ),
    "card": ("card 4111 1111 1111 1111 declined", "pan=5555555555554444", "378282246310005"),
    "national_id": (
        "iban DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "ssn 219-09-9999",
        "cpf 529.982.247-25",
        "dni 12345678Z",
        "cf RSSMRA85T10A562S",
        "personnummer 811218-9876",
    ),
    "person": ('{"first_name": "Mira"}', "enduser.id=mkask", 'username="mira.k"'),
}


@pytest.mark.parametrize(("kind", "texts"), PEOPLE.items())
def test_identifiers_of_people_have_pseudonyms(kind: str, texts: tuple[str, ...]) -> None:
    for text in texts:
        said = redact(text)
        assert re.search(rf"\[{kind}:[0-9a-f]{{6}}\]", said), said
        assert redact(said) == said


def test_a_person_has_one_pseudonym_in_a_lake_and_another_elsewhere(tmp_path: Path) -> None:
    said = []
    for lake in ("one", "two", "one"):
        (tmp_path / lake).mkdir(exist_ok=True)
        with identified(tmp_path / lake) as people:
            said.append(redact("mira@example.com and Mira@Example.com"))
            assert [*people.known.values()] == ["mira@example.com"]
    assert said[0] == said[2] != said[1]
    first, _, second = said[0].split()
    assert first == second
    assert stat.S_IMODE((tmp_path / "one" / "identifiers.key").stat().st_mode) == 0o600


def test_a_key_that_could_not_be_written_whole_is_none_and_the_next_run_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", disk_full)
        with identified(tmp_path):
            without = redact("mira@example.com")
    assert [*tmp_path.iterdir()] == []
    assert "identifiers.key" in caplog.text
    said = set()
    for _ in range(2):
        with identified(tmp_path):
            said.add(redact("mira@example.com"))
    assert len(said) == 1
    assert without not in said
    assert [one.name for one in tmp_path.iterdir()] == ["identifiers.key"]


def disk_full(_: int) -> None:
    raise OSError(ENOSPC, "No space left on device")


def test_runs_that_make_the_key_at_once_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = [*pool.map(lambda _: people_of(tmp_path), range(32))]
    assert len({*keys}) == 1


def people_of(lake: Path) -> bytes:
    with identified(lake) as people:
        return people.key


@pytest.mark.parametrize("held", [b"", b"x" * 31])
def test_a_key_that_is_of_no_use_is_told_and_left(
    held: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "identifiers.key").write_bytes(held)
    with identified(tmp_path) as people:
        assert len(people.key) == 32
    assert f"identifiers.key holds {len(held)} bytes" in caplog.text
    assert (tmp_path / "identifiers.key").read_bytes() == held


def test_outside_of_a_lake_nobody_is_remembered() -> None:
    assert redact("mira@example.com") == redact("mira@example.com") != "mira@example.com"
    assert redaction.people._OF_NO_LAKE.known == {}


PIECES = st.one_of(
    st.sampled_from([*MADE.values(), *(place.format("x" * 9 + "7") for place in NAMED), *HARMLESS]),
    st.sampled_from([text for texts in PEOPLE.values() for text in texts]),
    st.sampled_from(
        ["password", "=", ":", '"', "'", "\\", "\n", " ", ",", "@", "://", "token", "api_key", "-"]
    ),
    st.sampled_from(["[redacted:aws]", "-----BEGIN PRIVATE" + " KEY-----", "-----END", "Bearer "]),
    st.text(max_size=6),
)


@settings(max_examples=60)
@example(f"{MADE['adobe']}+16505550123")
@given(st.lists(PIECES, max_size=12).map("".join))
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


HOSTILE = (
    *("a", " ", "\\", '"', "password", "token: ", "://a:", "eyJ-", "--a-", "SG.", "Cookie: a"),
    *("mysql", "mysql a ", "requirepass ", "%41", "\\u0041", "a@", "a@a.", "+1 ", "4111 ", "aB3"),
    *("[redacted:", 'secret="\\', "-----BEGIN PRIVATE" + " KEY-----", "ghp_a\n", "QUJD\n", "İ"),
    *("-----BEGIN X-----", "41", "user name=", "id=", "DE89 "),
    *("password:[a,", "password:[", "token:\n", '"value":"', "value=", "redis-cli -a", "curl x"),
    *("password,value", "tokens:[[{a:", "login -p", "--password\n- "),
)


def took(piece: str, size: int) -> float:
    text = piece * (size // len(piece))
    started = time.process_time()
    redact(text)
    return time.process_time() - started


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_hostile_line_takes_no_longer_than_its_length(piece: str) -> None:
    assert took(piece, 40_000) < 40 * took(piece, 4_000) + 0.5


@pytest.mark.faults
@pytest.mark.parametrize("piece", [*HOSTILE, *HARMLESS])
def test_a_line_of_ten_megabytes_ends_in_time(piece: str) -> None:
    assert took(piece, 10_000_000) < 3 * redaction.PATIENCE_S


def test_a_line_of_a_megabyte_is_done_in_seconds() -> None:
    assert took(HARMLESS[0], 1_000_000) < 10
