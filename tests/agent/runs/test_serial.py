"""Values of a run survive as they are, without secrets, and nothing else can be made of a text."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.types import Send

from agent.config import Request
from agent.errors import RunError
from agent.runs.serial import dumps, loads
from agent.state import Evidence, Gap, Signal, Window

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EVIDENCE = Evidence(
    "history:cart", "What was it?", "history", "SELECT 1", {"log_record": 2**62}, 1, "sha256:00",
    ("at", "share"), ({"at": AT, "share": float("inf"), "raw": b"\0\xff"},),
)  # fmt: skip
SIGNAL = Signal("logs", "cart", "errors", "x", True, AT, None, 3.5, 0.0, 1.0, "1/s", "E1")  # noqa: FBT003 - as the field says

simple = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.binary(),
    st.text(alphabet="!abc 1", max_size=6), st.datetimes(), st.dates(), st.timedeltas(),
    st.decimals(allow_nan=False),
)  # fmt: skip
nested = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(alphabet="!ab", max_size=3), st.integers()), inner),
    ),
    max_leaves=8,
)


@given(nested)
def test_every_value_comes_back_with_its_types(value: Any) -> None:
    again = loads(dumps(value))
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        Window(AT, AT + timedelta(minutes=5), 10, (AT, AT)),
        {"evidence": {"history:cart": EVIDENCE}, "signals": [SIGNAL]},
        Request(at=AT, without=frozenset({"logs"}), playbooks=Path("own"), calm=None),
        [("gaps", [Gap("no_data", "None.")]), ("day", date(2026, 3, 1)), ("d", Decimal("1.50"))],
    ],
)
def test_what_an_investigation_holds_comes_back_equal(value: Any) -> None:
    assert loads(dumps(value)) == value


def test_a_state_that_is_sent_to_many_is_written_once() -> None:
    evidence = {f"e{n}": replace(EVIDENCE, id=f"e{n}") for n in range(50)}
    sends = [Send("test", {"evidence": evidence, "subject": f"s{n}"}) for n in range(20)]
    text = dumps(sends)
    assert loads(text) == sends
    assert len(text) < 1.2 * len(dumps(sends[0]))


def test_a_secret_is_not_written_but_sql_and_digest_stay_what_they_are() -> None:
    said = "password=hunter2-is-long"
    secret = replace(EVIDENCE, question=said, sql=f"SELECT '{said}'", sample=({said: said},))
    text = dumps({"said": [said], "evidence": secret})
    again = loads(text)
    assert text.count(b"hunter2") == 1
    assert again["said"] == ["password=[redacted:password]"]
    assert again["evidence"].sql == secret.sql
    assert again["evidence"].digest == secret.digest


class Explosive:
    """Runs a program when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.place,)


def test_what_no_channel_holds_is_refused_on_the_way_in(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot keep a Explosive"):
        dumps({"x": Explosive(tmp_path / "canary")})


@pytest.mark.parametrize(
    "text",
    [b"", b"[", b'{"!os.system": "true"}', b'{"!Explosive": {}}', b'{"!Gap": {"no": 1}}',
     b'{"!time": 1}', b'{"!same": 4}', b'{"!tuple": 1, "x": 2}', b"[" * 100_000],
)  # fmt: skip
def test_a_text_that_we_did_not_write_is_refused(text: bytes) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        loads(text)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        loads(pickle.dumps(Explosive(tmp_path / "canary")))
    assert not (tmp_path / "canary").exists()
