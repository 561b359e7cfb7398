"""What a recording keeps is small, and nothing that was written is lost."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from tests.shop import groups as machines
from tests.shop import stage
from tests.shop.fleet import ZONES, host
from tests.shop.groups import Groups
from tests.shop.load import Answer
from tests.shop.processes import TakeError
from tests.shop.stories.quick import STORY
from tests.shop.truth import Service, hurt

BEGAN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def test_large_texts_are_compressed_and_empty_ones_dropped(tmp_path: Path) -> None:
    large = b"{}\n" * stage.PACK_ABOVE_BYTES
    for name in ("postgresql.json", "logs.otlp.arrivals.jsonl", "logs.otlp.binpb.zst"):
        (tmp_path / name).write_bytes(large)
    (tmp_path / "alertmanager.jsonl").write_bytes(b"{}\n")
    (tmp_path / "nginx_error.log").touch()
    stage.pack(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "alertmanager.jsonl",
        "logs.otlp.arrivals.jsonl",
        "logs.otlp.binpb.zst",
        "postgresql.json.gz",
    }
    assert gzip.decompress((tmp_path / "postgresql.json.gz").read_bytes()) == large


def answers(first: int, last: int, seconds: float, status: int = 200) -> list[Answer]:
    return [Answer(BEGAN + timedelta(seconds=n), seconds, status) for n in range(first, last)]


def test_users_are_measured_before_a_fault_and_during_it_but_not_after() -> None:
    told = [*answers(0, 60, 0.1), *answers(60, 90, 0.4, 503), *answers(90, 200, 9.0)]
    since, until = (BEGAN + timedelta(seconds=each) for each in (60, 90))
    assert stage.service(told, since, until) == (Service(60, 0.0, 0.1), Service(30, 1.0, 0.4))
    assert stage.service(told, None, None) == (stage.service(told, None, None)[0],)


@pytest.mark.parametrize(
    ("during", "hurts"),
    [
        (Service(100, 0.0, 0.35), False),
        (Service(100, 0.02, 0.2), True),
        (Service(100, 0.0, 0.5), True),
    ],
)
def test_a_fault_hurts_whose_failures_or_times_show_it(during: Service, *, hurts: bool) -> None:
    assert hurt((Service(100, 0.0, 0.2), during)) is hurts


def test_where_nothing_was_wrong_nobody_was_hurt() -> None:
    assert not hurt((Service(100, 0.5, 9.0),))


def test_a_take_on_too_busy_a_machine_is_refused() -> None:
    on_time, late = [0.01] * 99, [stage.LATE_S + 0.1] * 99
    well, slow = answers(0, 60, 0.4), answers(0, 60, stage.CALM_P95_S + 0.1)
    failing = [*well, *answers(0, 5, 0.1, 502)]
    assert stage.schedule(on_time, well).late_p99_s == 0.01
    for late_s, calm in ((late, well), (on_time, slow), (on_time, failing)):
        with pytest.raises(TakeError, match="too busy"):
            stage.schedule(late_s, calm)


def test_a_machine_has_its_few_cores_before_anything_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machines, "ROOT", tmp_path)
    groups, story = Groups("shop-1"), replace(STORY, machines=(("a", 0.2),))
    for zone, controller in product(ZONES, machines.CONTROLLERS):
        (tmp_path / controller / f"shop-1-{host(zone)}").mkdir(parents=True)
    one, other = (tmp_path / "cpu" / f"shop-1-{host(zone)}" / "cpu.cfs_quota_us" for zone in ZONES)
    other.write_text("18000", encoding="ascii")
    stage.limit(groups, story)
    assert int(one.read_text(encoding="ascii")) == 0.2 * machines.PERIOD_US
    assert other.read_text(encoding="ascii") == "-1", "a shop that was killed left its limit"
    stage.limit(groups, STORY)
    assert one.read_text(encoding="ascii") == "-1"
    with pytest.raises(TakeError, match="control groups"):
        stage.limit(Groups(), story)
