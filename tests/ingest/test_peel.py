"""What tools wrap around what they printed is taken off, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.peel import parts


def peeled(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    """The command and the text of each part."""
    file = tmp_path / "out.txt"
    file.write_text(text)
    found = parts(file, tmp_path)
    return [(one.command, "" if one.is_empty else one.path.read_text().strip()) for one in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NAME   AGE\na      1d\n", [("", "NAME   AGE\na      1d")]),
        ("kubectl get pods\nNAME  AGE\n", [("kubectl get pods", "NAME  AGE")]),
        (
            "Command `kubectl get x` failed with return code 1\nstdout:\n\nstderr:\nerror: no x\n",
            [("kubectl get x", "error: no x")],
        ),
        ("Command `kubectl get x` failed with return code 1\nno x\n", [("kubectl get x", "no x")]),
        ("stdout:\nready\n\nstderr:\nslow\n", [("", "ready"), ("", "slow")]),
        (
            "$ kubectl get pods\nNAME\n$ kubectl logs a\nhello\n",
            [("kubectl get pods", "NAME"), ("kubectl logs a", "hello")],
        ),
        ("```yaml\na: 1\n```\n", [("", "a: 1")]),
        ("kubectl get x | grep y\n", [("kubectl get x | grep y", "")]),
        ("name: x\nstdout:\n  - a\n", [("", "name: x\nstdout:\n  - a")]),
    ],
)
def test_the_parts_of_a_text(tmp_path: Path, text: str, expected: list[tuple[str, str]]) -> None:
    assert peeled(tmp_path, text) == expected


def test_lines_keep_their_numbers_and_the_container_that_kubectl_chose_is_known(
    tmp_path: Path,
) -> None:
    file = tmp_path / "out.txt"
    file.write_text('kubectl logs a\nDefaulted container "ink" out of: ink, init (init)\nhello\n')
    (part,) = parts(file, tmp_path)
    assert part.path.read_text().split("\n").index("hello") == 2
    assert (part.command, part.container) == ("kubectl logs a", "ink")
