"""Whatever a model asks with is answered, or refused in a sentence; nothing else can come of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.state import Window
from agent.tools.notebook import Notebook
from agent.tools.offered.arguments import Frame, RefusedError, values
from agent.tools.offered.call import TOKENS, call
from agent.tools.offered.offers import OFFERED, offer
from agent.tools.offered.told import A_TOKEN
from lake.store import Lake
from tests.agent.tools.rows import moment
from tests.agent.world import START, record
from traces.tracer import Tracing

WINDOW = Window(START, moment(120), 10, trouble=(moment(60), moment(120)))
FRAME = Frame.of(WINDOW)
SERVICES = ("cart-service", "catalog", "Web")

NAMES = sorted({p.name for name in OFFERED for p in offer(name).takes} | {"nonsense"})
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["-5m", "onset-1h", "2026-03-01T12:01:00Z", "web", "up", "slow", "error"])
    | st.lists(st.text(max_size=3), max_size=2)
)


def made(name: str, arguments: object) -> dict[str, Any]:
    return values(offer(name), arguments, FRAME, lambda: SERVICES)


def refusal(name: str, arguments: object) -> str:
    with pytest.raises(RefusedError) as raised:
        made(name, arguments)
    return str(raised.value)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("arguments")
    with Lake.create(folder / "lake") as lake, Tracing(lake, "test") as tracing:
        record(lake, minutes=1, per_s=0.5)
        yield Notebook(lake.at(), tracing)


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from([*OFFERED, "nonsense", ""]),
    arguments=st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=3) | ANYTHING,
)
def test_no_arguments_raise_and_no_text_is_over_its_budget(
    name: str, arguments: object, notebook: Notebook
) -> None:
    result = call(notebook, name, arguments, WINDOW)
    assert result.text
    assert len(result.text) <= TOKENS * A_TOKEN
    assert not (result.refused and result.answer)


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(OFFERED),
    arguments=st.dictionaries(st.sampled_from(NAMES) | st.text(), ANYTHING, max_size=4) | ANYTHING,
)
def test_arguments_are_values_in_order_or_a_refusal(name: str, arguments: object) -> None:
    try:
        found = made(name, arguments)
    except RefusedError as error:
        found, said = {}, str(error)
    else:
        said = "."
    assert re.fullmatch(r".*\.", said)
    if found:
        assert found["calm_until"] <= found["onset"]
        taken = {p.name for p in offer(name).takes}
        assert not {"start", "end"} <= taken or found["start"] < found["end"]


def test_what_is_left_out_is_the_incidents_own() -> None:
    found = made("edges", {"service": None, "start": ""})
    assert (found["start"], found["calm_until"]) == (START, moment(60))
    assert (found["onset"], found["end"]) == (moment(60), moment(120))
    assert found["service"] is None


def test_calm_time_elsewhere_is_compared_with_unless_a_start_is_given() -> None:
    calm = (moment(-7200), moment(-3600))
    elsewhere = Frame.of(Window(START, moment(120), 10, WINDOW.trouble, calm))
    assert (elsewhere.start, elsewhere.calm_until) == calm
    given_start = values(offer("edges"), {"start": "-30s"}, elsewhere, lambda: SERVICES)
    assert (given_start["start"], given_start["calm_until"]) == (moment(30), moment(60))
    later = Frame.of(Window(START, moment(120), 10, WINDOW.trouble, (moment(200), moment(300))))
    assert later.start == START


TIMES = {
    "2026-03-01T12:00:30Z": moment(30),
    "2026-03-01T13:00:30+01:00": moment(30),
    "-30s": moment(30),
    "onset-30s": moment(30),
    "start + 30 s": moment(30),
    "START": START,
}


@pytest.mark.parametrize("text", TIMES)
def test_times_are_iso_or_from_a_moment_of_the_incident(text: str) -> None:
    at = made("search_logs", {"start": text})["start"]
    assert at == TIMES[text]
    assert at.tzinfo == UTC


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-03-01T12:00:30", "-999999d", "0", "9999-12-31T23:59:59-14:00"]
)
def test_what_is_no_time_is_told_what_one_is(text: str) -> None:
    said = refusal("search_logs", {"start": text})
    assert f"start is {text!r}" in said
    assert "2026-03-01T12:01:00Z" in said
    assert "-30m" in said


def test_times_that_do_not_follow_each_other_are_refused() -> None:
    assert "is not before" in refusal("edges", {"onset": "+5m"})
    assert "longer than 100 days" in refusal("changes", {"start": "-2000d"})


def test_a_service_is_known_whatever_its_case_and_else_the_nearest_are_named() -> None:
    assert made("search_logs", {"service": "web"})["service"] == "Web"
    assert "nearest are cart-service" in refusal("search_logs", {"service": "cart"})
    assert "it knows cart-service, catalog, Web" in refusal("search_logs", {"service": "xyz"})
    nobody = offer("search_logs"), {"service": "xyz"}, FRAME
    with pytest.raises(RefusedError, match="it knows none"):
        values(*nobody, lambda: ())


def test_refusals_name_the_thing_the_value_and_what_was_expected() -> None:
    assert "it takes trace" in refusal("read_trace", {"uid": 1, "trace": "a"})
    assert "read_trace needs trace" in refusal("read_trace", {})
    assert "'up', 'down' or 'both'" in refusal("topology", {"resource": "a", "direction": "left"})
    assert "less than or equal to 3" in refusal("topology", {"resource": "a", "hops": 9})
    assert "takes an object" in refusal("topology", ["a"])
    assert "NUL" in refusal("kubernetes", {"name": "a\0b"})
    assert "at most 200 characters" in refusal("kubernetes", {"name": "a" * 201})


def test_a_window_far_from_now_can_be_asked_about() -> None:
    early = datetime(1, 1, 2, tzinfo=UTC)
    frame = Frame.of(Window(early, early.replace(day=3), 10))
    with pytest.raises(RefusedError):
        values(offer("changes"), {}, frame, lambda: SERVICES)
