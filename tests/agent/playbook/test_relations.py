"""The relations tell what an engineer would read in the telemetry; each on rows of OCSF tables."""

import json
from datetime import UTC, datetime
from typing import Any, Protocol

import pyarrow as pa
import pytest

from agent.playbook.compile import whole
from lake.ask import bind, placeholders
from lake.schema import arrow_schema
from lake.store import Lake

Row = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SPAN: Row = {"start": NOW.replace(hour=0), "since": NOW.replace(hour=11, minute=45), "end": NOW}
CHECKOUT = {"service": "checkout", "pod": "checkout-5d9f8b7c4-x2x7k", "namespace": "shop"}
BEFORE, AFTER, LATER = ("2026-01-01T11:00Z", "2026-01-01T11:50Z", "2026-01-01T11:58Z")


class Said(Protocol):
    """What is said where the tables hold these rows."""

    def __call__(self, **given: list[Row]) -> list[Row]: ...


@pytest.fixture
def said(lake: Lake) -> Said:
    def ask(**given: list[Row]) -> list[Row]:
        for table, rows in given.items():
            lake.append(table, pa.Table.from_pylist([*map(_row, rows)], arrow_schema(table)), table)
        sql = whole("SELECT * FROM said ORDER BY line")
        return lake.at().ask(bind(sql, **{n: SPAN[n] for n in placeholders(sql)})).dicts()

    return ask


def _row(given: Row) -> Row:
    """A row with a time, whose JSON is text."""
    row = {"time": AFTER, **given}
    row["time"] = row["ingested_at"] = datetime.fromisoformat(row["time"])
    for column in {"attributes", "container_states", "span_events"} & row.keys():
        row[column] = json.dumps(row[column])
    return row


def log(message: str, at: str = AFTER, **more: Any) -> dict[str, Any]:
    return {"time": at, "message": message, "severity_id": 4, "workload": CHECKOUT, **more}


@pytest.mark.parametrize(
    ("trace", "root"),
    [
        (
            "java.lang.IllegalStateException: no orders\n\tat a.B.c(B.java:3)\n"
            "Caused by: java.io.IOException: broken\n\tat a.D.e(D.java:5)\n"
            "Caused by: java.net.ConnectException: Connection refused\n\t... 9 more",
            "Caused by: java.net.ConnectException: Connection refused",
        ),
        (
            'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n'
            "KeyError: 'total'\n\nDuring handling of the above exception, another occurred:\n\n"
            'Traceback (most recent call last):\n  File "b.py", line 2, in h\nRuntimeError: no',
            "KeyError: 'total'",
        ),
        (
            "System.Exception: outer\n ---> System.IO.IOException: inner one\n   at A.B() in C.cs",
            "System.IO.IOException: inner one",
        ),
        (
            "Error: outer\n    at a (b.js:1:2) {\n  [cause]: TypeError: x is not a function",
            "TypeError: x is not a function",
        ),
        (
            "panic: assignment to entry in nil map\n\ngoroutine 1 [running]:\n"
            "main.fill(...)\n\t/src/main.go:42 +0x1d\nmain.main()",
            "/src/main.go:42",
        ),
        ("Error: outer\n\nCaused by:\n    0: middle\n    1: no route to host", "no route to host"),
    ],
)
def test_a_stack_trace_is_told_by_its_message_and_its_innermost_cause(
    said: Said, trace: str, root: str
) -> None:
    (row,) = said(log_record=[log("the order failed", exception={"stacktrace": trace})])

    assert row["line"].startswith("the order failed ← ")
    assert row["line"].endswith(root)


def test_a_cause_that_the_message_tells_is_told_once(said: Said) -> None:
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nOSError: no space'
    (row,) = said(
        log_record=[
            log("", exception={"type": "OSError", "message": "no space"} | {"stacktrace": trace})
        ]
    )

    assert row["line"] == "OSError: no space"


def test_what_a_structured_record_says_of_its_error_is_in_the_line(said: Said) -> None:
    (row,) = said(log_record=[log("cannot pay", attributes={"error": "dial tcp: i/o timeout"})])

    assert row["line"] == "cannot pay ← dial tcp: i/o timeout"


def test_lines_that_differ_by_numbers_are_one_row_with_the_first_of_them(said: Said) -> None:
    lines = [log(f"order {n} failed", at=f"2026-01-01T11:5{n}:00Z") for n in (3, 1, 2)]

    (row,) = said(log_record=lines)

    assert (row["line"], row["times"]) == ("order 1 failed", 3)


def test_a_line_is_new_if_its_workload_never_said_the_like_while_all_was_calm(said: Said) -> None:
    old_pod = CHECKOUT | {"pod": "checkout-6f7d8c9b4-p9d2z"}
    rows = said(
        log_record=[
            log("cache error 1", at=BEFORE, workload=old_pod),
            log("cache error 2"),
            log("schema error"),
            log("mail error", workload={"service": "mail"}),
        ]
    )

    assert {row["line"]: row["is_new"] for row in rows} == {
        "cache error 1": False,
        "cache error 2": False,
        "schema error": True,
        "mail error": None,
    }


def test_the_last_words_of_a_container_are_those_before_it_ended(said: Said) -> None:
    state = {"name": "app", "lastState": {"terminated": {"finishedAt": "2026-01-01T11:50:02Z"}}}
    pod = {"kind": "Pod", "namespace": "shop", "name": CHECKOUT["pod"]}
    rows = said(
        log_record=[log("fatal: no key"), log("slow request", at=LATER)],
        kubernetes_object=[{"object": pod, "container_states": [state]}],
    )

    assert {row["line"]: row["is_last"] for row in rows} == {
        "fatal: no key": True,
        "slow request": False,
    }


def test_a_line_is_of_the_workload_that_holds_the_pod(said: Said) -> None:
    def owned(kind: str, name: str, owner: tuple[str, str] | None = None) -> dict[str, Any]:
        one: dict[str, Any] = {"kind": kind, "namespace": "shop", "name": name}
        if owner:
            one["owner"] = {"kind": owner[0], "name": owner[1]}
        return {"object": one}

    unplaced = {key: CHECKOUT[key] for key in ("service", "pod")}
    rows = said(
        log_record=[
            log("an error", workload=unplaced),
            log("an error", workload={"pod": "cart-0"}),
            log("an error", workload={"pod": "mail-7c6d9f5b8-q4w5z", "namespace": "post"}),
            log("an error", workload={"pod": "import-x7k2p", "namespace": "shop"}),
        ],
        kubernetes_object=[
            owned("Pod", CHECKOUT["pod"], ("ReplicaSet", "checkout-5d9f8b7c4")),
            owned("ReplicaSet", "checkout-5d9f8b7c4", ("Rollout", "checkout")),
            owned("Pod", "cart-0", ("StatefulSet", "cart")),
            owned("Job", "import"),
        ],
    )

    assert {(r["namespace"], r["holder_kind"], r["holder"]) for r in rows} == {
        ("shop", "Rollout", "checkout"),
        ("shop", "StatefulSet", "cart"),
        ("post", "Deployment", "mail"),
        ("shop", "Job", "import"),
    }


def test_an_exception_of_a_span_is_said_by_its_service(said: Said) -> None:
    event = {
        "name": "exception",
        "attributes": {"exception.type": "Refused", "exception.message": "payment:8443 refused"},
    }
    span = {
        "span_uid": "a",
        "span_name": "POST /pay",
        "status_id": 2,
        "status_detail": "payment is down",
        "workload": {"service": "checkout"},
        "span_events": [event],
    }

    (row,) = said(trace_span=[span])

    assert (row["origin"], row["kind"], row["name"]) == ("span", "Service", "checkout")
    assert row["line"] == "POST /pay failed ← Refused: payment:8443 refused ← payment is down"


@pytest.mark.parametrize(
    "message",
    [
        "served GET /cart in 7 ms",
        "import done: 40 rows, 0 errors",
        "batch done errors=0 failed=0",
        "retry 2 of 3 succeeded",
        "reconnected after the connection was refused",
    ],
)
def test_a_line_that_tells_of_no_trouble_is_not_said(said: Said, message: str) -> None:
    assert said(log_record=[log(message, severity_id=1)]) == []
