"""Whose a path is: the last pattern that matches says, and a bad file says all its faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.apps.service_map import read_map
from agent.errors import RequestError


def test_the_last_pattern_that_matches_holds(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_text(
        "paths:\n"
        "  services/*/: everyone\n"
        "  services/checkout/: checkout\n"
        "  libs/money/**: [checkout, payment, checkout]\n"
        "  '*.md': []\n"
    )
    owners = read_map(file).owners
    assert owners("services/cart/app.py") == ("everyone",)
    assert owners("services/checkout/a/b.py") == ("checkout",)
    assert owners("services/checkout/README.md") == ()
    assert owners("libs/money/round.py") == ("checkout", "payment")
    assert owners("Makefile") is None


def test_all_faults_are_told_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_text(
        "path: {}\n"
        "paths:\n"
        "  a/: checkout\n"
        "  a/: payment\n"
        "  '!b/': checkout\n"
        "  c/: 7\n"
        "  d/: [checkout, {}]\n"
        "  e/:\n"
    )
    with pytest.raises(RequestError) as told:
        read_map(file)
    lines = str(told.value).splitlines()
    assert [line.split(":")[1] for line in lines if line.startswith(str(file))] == [
        *("1", "4", "5", "6", "7", "8")
    ]
    assert "was given on line 3 already" in lines[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "holds no mapping"),
        ("- a\n", "holds no mapping"),
        ("paths: []\n", "holds no patterns"),
        ("services: {}\n", "`paths:` is missing"),
        ("paths: {a: b\n", "no YAML"),
        ("a: &x [*x]\n", "`paths:` is missing"),
        ("paths: !!python/object/apply:os.system {a: b}\n", ""),
    ],
)
def test_a_file_that_is_no_map_shows_what_one_is(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "services.yaml"
    file.write_text(text)
    if not expected:
        assert read_map(file).owners("a") == ("b",)
        return
    with pytest.raises(RequestError, match=expected):
        read_map(file)
