"""Whole investigations of small generated worlds whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random

import pyarrow as pa
import pytest

import tests.agent.world as world
from agent.apps import shelf
from agent.apps.cli import run
from agent.config import Request
from agent.errors import RequestError
from agent.events import Event
from agent.investigation import investigate
from agent.report.words import cited
from agent.state import Report
from agent.tools import notebook
from agent.tools.catalogue import tool
from lake.schema import arrow_schema
from lake.store import Lake
from tests.agent.world import (
    BACK,
    EARLY,
    GUILTY,
    LATE,
    START,
    Behaviour,
    Release,
    Served,
    leaking,
    record,
    well,
)


@pytest.fixture(scope="module")
def leaked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """The lake of a guilty release, for tests that look at its report."""
    with Lake.create(tmp_path_factory.mktemp("leaked") / "lake") as lake:
        record(lake, releases=(EARLY, GUILTY, LATE, BACK), behaviour=leaking)
        yield lake


@pytest.fixture(scope="module")
def leak(leaked: Lake) -> Report:
    return investigate(leaked, Request())


def verdicts(report: Report) -> dict[str, str]:
    return {f"{c.service} {c.version}": c.verdict for c in report.changes}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_guilty_release_is_found_and_its_neighbours_are_cleared(lake: Lake, seed: int) -> None:
    record(lake, seed=seed, releases=(EARLY, GUILTY, LATE, BACK), behaviour=leaking)
    report = investigate(lake, Request())
    assert report.verdict == "cause_found"
    cause = report.causes[0]
    assert (cause.resource.name, cause.resource.version) == ("payment", "2.8.0")
    assert (cause.mechanism, cause.grounded, cause.status) == ("deploy", True, "confirmed")
    assert [(h.source, h.target) for h in cause.path] == [("payment", "checkout")]
    assert verdicts(report) == {
        "catalog 41": "cleared",
        "payment 2.8.0": "implicated",
        "web 319": "cleared",
        "payment 2.7.9": "cleared",
    }
    assert set(cited(report)) <= report.evidence.keys()
    assert all(s.evidence for s in report.summary)


def test_every_citation_holds_when_run_again_with_any_number_of_threads(
    leaked: Lake, leak: Report
) -> None:
    for evidence in leak.evidence.values():
        for threads in (1, 4):
            again = leaked.at(evidence.snapshots, threads=threads).ask(evidence.sql)
            assert (again.digest, len(again)) == (evidence.digest, evidence.rows), evidence.question


def test_a_guilty_release_that_nobody_announced_is_found_too(lake: Lake) -> None:
    silent = Release("payment", "2.8.0", "2.7.9", (300.0, 390.0), announced=False)
    record(lake, releases=(EARLY, silent), behaviour=leaking)
    report = investigate(lake, Request())
    assert report.causes[0].resource.version == "2.8.0"
    (change,) = [c for c in report.changes if c.service == "payment"]
    assert (change.declared_at, change.verdict) == (None, "implicated")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_flapping_alert_with_nothing_wrong_is_no_incident(lake: Lake, seed: int) -> None:
    flaps = tuple(("checkout", 200.0 + 90 * n, 230.0 + 90 * n) for n in range(4))
    record(lake, seed=seed, releases=(EARLY,), alerts=flaps)
    report = investigate(lake, Request())
    assert report.verdict == "no_incident"
    assert report.confidence > 0.8
    assert verdicts(report) == {"catalog 41": "cleared"}
    assert report.causes == ()


def test_trouble_without_a_change_blames_the_service_and_no_change(lake: Lake) -> None:
    def ill(service: str, version: str, at_s: float, random: Random) -> Served:
        if service == "payment" and at_s > 400:
            return Served(random.uniform(600, 900), failed=random.random() < 0.3)
        return well(service, version, at_s, random)

    record(lake, releases=(EARLY,), behaviour=ill, alerts=(("checkout", 480.0, None),))
    report = investigate(lake, Request())
    assert report.verdict == "cause_found"
    assert (report.causes[0].resource.name, report.causes[0].change) == ("payment", "")
    assert verdicts(report) == {"catalog 41": "cleared"}


def test_a_release_that_only_coincides_is_not_implicated(lake: Lake) -> None:
    """Both versions of payment suffer alike: the release beside it is no cause."""

    def ill(service: str, version: str, at_s: float, random: Random) -> Served:
        if service == "payment" and at_s > 330:
            return Served(random.uniform(600, 900), failed=random.random() < 0.3)
        return well(service, version, at_s, random)

    record(lake, releases=(GUILTY,), behaviour=ill)
    report = investigate(lake, Request())
    assert verdicts(report)["payment 2.8.0"] != "implicated"
    assert report.causes[0].change == ""


def test_a_service_that_falls_silent_is_blamed_though_it_leaves_no_span(lake: Lake) -> None:
    def dead(service: str, version: str, at_s: float, random: Random) -> Served:
        if service == "payment" and 400 < at_s < 600:
            return Served(1.0, answered=False)
        return well(service, version, at_s, random)

    record(lake, releases=(EARLY,), behaviour=dead, alerts=(("checkout", 460.0, None),))
    report = investigate(lake, Request())
    assert report.verdict == "cause_found"
    assert report.causes[0].resource.name == "payment"
    assert verdicts(report) == {"catalog 41": "cleared"}


def test_users_who_get_no_answer_at_all_are_an_incident(lake: Lake) -> None:
    def gone(service: str, version: str, at_s: float, random: Random) -> Served:
        if service == "web" and 400 < at_s < 600:
            return Served(1.0, answered=False)
        return well(service, version, at_s, random)

    record(lake, behaviour=gone, alerts=(("web", 460.0, None),))
    report = investigate(lake, Request())
    assert report.verdict != "no_incident"
    assert report.incident.started_at is not None


def always(service: str, version: str, at_s: float, random: Random) -> Served:
    """Let payment fail all the time: there is no calm to compare with."""
    failing = service == "payment" and random.random() < 0.7
    return replace(well(service, version, at_s, random), failed=failing)


def a_moment(service: str, version: str, at_s: float, random: Random) -> Served:
    """Let payment fail entirely, for less than a bucket."""
    failing = service == "payment" and 361 <= at_s < 369
    return replace(well(service, version, at_s, random), failed=failing)


@pytest.mark.parametrize("behaviour", [always, a_moment])
def test_where_nothing_shifts_but_much_fails_nothing_is_not_the_answer(
    lake: Lake, behaviour: Behaviour
) -> None:
    record(lake, behaviour=behaviour)
    assert investigate(lake, Request()).verdict != "no_incident"


def test_telemetry_that_ends_before_the_alarm_says_nothing_of_it(lake: Lake) -> None:
    record(lake, minutes=6)
    report = investigate(lake, Request())
    assert report.verdict == "inconclusive"
    assert "not_yet_arrived" in {gap.kind for gap in report.gaps}


def test_a_second_trouble_like_the_first_is_not_called_calm(lake: Lake) -> None:
    def twice(service: str, version: str, at_s: float, random: Random) -> Served:
        share = {1: 0.9, 4: 0.4}.get(int(at_s // 120), 0.0) if service == "payment" else 0.0
        return replace(well(service, version, at_s, random), failed=random.random() < share)

    record(lake, behaviour=twice, alerts=(("checkout", 540.0, None),), minutes=15)
    assert investigate(lake, Request()).verdict != "no_incident"


def test_an_older_trouble_elsewhere_does_not_clear_the_guilty_release(lake: Lake) -> None:
    def both(service: str, version: str, at_s: float, random: Random) -> Served:
        if service == "catalog" and at_s > 200:
            return Served(random.lognormvariate(3.2, 0.25))
        return leaking(service, version, at_s, random)

    record(lake, releases=(GUILTY, BACK), behaviour=both)
    report = investigate(lake, Request())
    assert verdicts(report)["payment 2.8.0"] == "implicated"
    assert report.causes[0].resource.name == "payment"


def test_a_release_whose_own_queries_fail_is_not_excused_by_its_database(lake: Lake) -> None:
    record(lake, releases=(EARLY, GUILTY, BACK), behaviour=leaking, failing_query="2.8.0")
    report = investigate(lake, Request())
    assert verdicts(report)["payment 2.8.0"] == "implicated"
    assert report.causes[0].resource.name == "payment"


def test_flags_of_a_service_do_not_take_its_rollout(lake: Lake) -> None:
    flags = tuple(
        Release("payment", "", "", (at, at), kind="flag") for at in (-30_000.0, 100.0, 100.0)
    )
    record(lake, releases=(*flags, GUILTY, BACK), behaviour=leaking)
    report = investigate(lake, Request())
    assert [c.kind for c in report.changes] == ["flag", "flag", "flag", "deploy", "deploy"]
    assert "implicated" not in {c.verdict for c in report.changes if c.kind == "flag"}
    assert report.causes[0].resource.version == "2.8.0"


CONFIG = Release("checkout", "", "", (300.0, 390.0), kind="config")


def misconfigured(service: str, version: str, at_s: float, random: Random) -> Served:
    """Let checkout fail wherever its new configuration is."""
    failing = service == "checkout" and version.endswith("+config") and random.random() < 0.6
    return replace(well(service, version, at_s, random), failed=failing)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_guilty_configuration_is_found_by_the_instances_that_had_it(
    lake: Lake, seed: int
) -> None:
    record(lake, seed=seed, releases=(EARLY, CONFIG), behaviour=misconfigured)
    report = investigate(lake, Request())
    cause = report.causes[0]
    assert (cause.resource.name, cause.mechanism, cause.status) == (
        "checkout",
        "config",
        "confirmed",
    )
    assert [(c.kind, c.verdict) for c in report.changes] == [
        ("deploy", "cleared"),
        ("config", "implicated"),
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_of_a_release_and_a_configuration_in_one_minute_the_guilty_one_is_told(
    lake: Lake, seed: int
) -> None:
    harmless = Release("payment", "", "", (290.0, 310.0), kind="config")
    record(lake, seed=seed, releases=(GUILTY, harmless, BACK), behaviour=leaking)
    report = investigate(lake, Request())
    assert report.causes[0].resource.version == "2.8.0"
    assert verdicts(report)["payment 2.8.0"] == "implicated"
    assert [c.verdict for c in report.changes if c.kind == "config"] == ["cleared"]


def test_a_session_that_others_wait_for_is_named_with_its_statement(lake: Lake) -> None:
    record(lake, releases=(EARLY,), held_s=(400.0, 560.0))
    report = investigate(lake, Request())
    cause = report.causes[0]
    assert (cause.resource.kind, cause.resource.name) == ("database", "postgresql/shop")
    assert (cause.mechanism, cause.change, cause.status) == ("contention", "", "confirmed")
    assert "session 4711 of ana_reyes (psql) holds a lock on stock" in cause.text
    assert any("UPDATE stock SET held = 0" in said.text for said in report.summary)
    assert verdicts(report) == {"catalog 41": "cleared"}
    assert not any(step.command for step in report.next_steps)  # it is over


def log_of(statement: str, at_s: float, **attributes: str) -> dict[str, object]:
    """A line of the session that holds the lock."""
    known = {"db.system.name": "postgresql", "process.pid": 4711, "db.query.text": statement}
    at = START + timedelta(seconds=at_s)
    told = json.dumps(known | attributes)
    return {"time": at, "ingested_at": at, "severity_id": 1, "attributes": told}


def test_a_secret_in_a_statement_is_in_no_report_and_the_report_holds_all_the_same(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "ghp" + "_" + "a1B2" * 9
    record(lake, held_s=(400.0, 560.0))
    line = log_of(f"UPDATE stock SET note = '{secret}'", 398.5)
    lake.append("log_record", pa.Table.from_pylist([line], arrow_schema("log_record")), "secret")
    report = investigate(lake, Request())
    folder = shelf.save(report, lake.path)
    written = "".join(path.read_text() for path in folder.iterdir())
    assert "[redacted:" in written
    assert secret not in written
    assert run(["verify", str(folder), "--lake", str(lake.path)]) == 0
    assert "all" in capsys.readouterr().out


def test_waiters_without_an_application_name_are_others(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = {"postgresql.application_name": None}
    logged = world._logged
    monkeypatch.setattr(world, "_logged", lambda at, pid, told: logged(at, pid, told | bare))
    record(lake, held_s=(400.0, 560.0))
    cause = investigate(lake, Request()).causes[0]
    assert cause.text == "session 4711 of ana_reyes holds a lock on stock that others wait for"


def test_a_log_that_names_no_database_is_of_the_one_that_is_called(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = world._logged
    monkeypatch.setattr(
        world, "_logged", lambda at, pid, told: logged(at, pid, told | {"db.namespace": None})
    )
    record(lake, held_s=(400.0, 560.0))
    cause = investigate(lake, Request()).causes[0]
    assert cause.resource.name == "postgresql/shop"
    assert "session 4711 of ana_reyes" in cause.text


def test_a_look_that_fails_is_a_gap_and_the_others_go_on(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(tool("lock_waits"), sql="SELECT nothing FROM log_record ORDER BY ALL")
    monkeypatch.setattr(
        notebook, "tool", lambda name: broken if name == "lock_waits" else tool(name)
    )
    record(lake, releases=(EARLY, GUILTY, BACK), behaviour=leaking)
    report = investigate(lake, Request())
    assert report.causes[0].resource.version == "2.8.0"
    assert any("look at locks failed" in gap.text for gap in report.gaps)


def test_a_service_that_calls_nobody_is_judged_too(lake: Lake) -> None:
    record(lake, releases=(GUILTY, BACK), behaviour=leaking, only="payment")
    report = investigate(lake, Request(service="payment"))
    assert report.verdict == "cause_found"
    assert report.causes[0].change


def test_a_service_that_was_never_seen_is_said(lake: Lake) -> None:
    record(lake, alerts=())
    with pytest.raises(RequestError, match=r"no service .nosuch. .* catalog, checkout"):
        investigate(lake, Request(service="nosuch"))


def test_without_an_alarm_the_telemetry_itself_is_asked(lake: Lake) -> None:
    record(lake, releases=(EARLY, GUILTY, BACK), behaviour=leaking, alerts=(), minutes=20)
    report = investigate(lake, Request())
    assert report.causes[0].resource.version == "2.8.0"
    assert verdicts(report)["payment 2.8.0"] == "implicated"


def test_a_stray_record_does_not_move_the_window(lake: Lake) -> None:
    record(lake, releases=(EARLY, GUILTY, BACK), behaviour=leaking)
    span = lake.at().ask("FROM trace_span LIMIT 1").arrow.to_pylist()[0]
    span["time"] = START - timedelta(minutes=50)
    lake.append("trace_span", pa.Table.from_pylist([span], arrow_schema("trace_span")), "stray")
    report = investigate(lake, Request())
    assert abs((report.incident.window_start - START).total_seconds()) < 10
    assert report.causes[0].resource.version == "2.8.0"


def test_a_calm_time_is_not_answered_with_another_hours_trouble(lake: Lake) -> None:
    record(lake, releases=(GUILTY, BACK), behaviour=leaking, alerts=(), minutes=25)
    report = investigate(lake, Request(at=START + timedelta(minutes=20)))
    assert report.verdict == "inconclusive"
    assert any("ask for that time" in gap.text for gap in report.gaps)


def test_a_handful_of_requests_is_inconclusive_and_says_so(lake: Lake) -> None:
    record(lake, per_s=0.02)
    report = investigate(lake, Request())
    assert report.verdict == "inconclusive"
    assert "thin_data" in {gap.kind for gap in report.gaps}


def test_two_investigations_of_one_lake_say_the_same(leaked: Lake, leak: Report) -> None:
    one, two = leak, investigate(leaked, Request())
    assert (one.title, one.causes, one.changes) == (two.title, two.causes, two.changes)
    assert [e.digest for e in one.evidence.values()] == [e.digest for e in two.evidence.values()]


def test_the_runs_own_trace_is_in_the_lake_and_its_cost_in_the_report(lake: Lake) -> None:
    record(lake)
    report = investigate(lake, Request())
    rows = lake.at().ask(
        "SELECT count(*) AS spans FROM trace_span "
        f"WHERE trace_uid = '{report.cost.trace_id}' AND workload.service = 'inquest'"
    )
    assert rows.dicts()[0]["spans"] > report.cost.queries > 5
    assert (report.cost.model, report.cost.usd) == (None, 0.0)


REFUSED: dict[str, tuple[Callable[[Lake], object], Request, str]] = {
    "an empty lake": (lambda lake: lake, Request(), "no telemetry"),
    "a time without data": (
        record,
        Request(at=START + timedelta(days=3)),
        "no telemetry around 2026-03-04",
    ),
    "an unknown alert": (record, Request(alert="NoSuch"), "no alert 'NoSuch'"),
}


@pytest.mark.parametrize(("fill", "request_", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_investigated_is_said_in_a_sentence(
    lake: Lake, fill: Callable[[Lake], object], request_: Request, sentence: str
) -> None:
    fill(lake)
    with pytest.raises(RequestError, match=sentence):
        investigate(lake, request_)


def test_every_door_hears_which_node_runs_what_it_says_and_what_was_spent(lake: Lake) -> None:
    record(lake)
    heard: list[Event] = []
    investigate(lake, Request(), heard.append)
    began = [event.node for event in heard if event.kind == "began"]
    assert began[0] == "scope"
    assert began[-2:] == ["write", "verify"]
    assert {"survey_traces", "test", "weigh"} <= set(began)
    assert sorted(began) == sorted(event.node for event in heard if event.kind == "ended")
    said = [event for event in heard if event.kind == "says"]
    assert all(event.text and event.node in began for event in said)
    assert heard[-1].spent.queries > heard[0].spent.queries
    assert all(event.seconds is not None for event in heard if event.kind == "ended")
