"""Objects that a static check should flag, by the set's own script."""

import pytest

from tests.bench.objects import CASES, SET, main

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(not (CASES / SET).is_dir(), reason=f"no recorded objects: {CASES / SET}"),
]


def test_every_list_is_answered(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["objects"])
    main()
    assert SET in capfd.readouterr().out
