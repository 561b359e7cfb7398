"""Every fault of a playbook is told at once, each with its line."""

from pathlib import Path

import pytest

from agent.errors import PlaybookError
from agent.playbook.load import TEMPLATE, Fault, load, read, read_all, reasons

SOUND = TEMPLATE.read_text("utf-8").replace("AREA/SYMPTOM", "mine/licence")


def written(folder: Path, text: str, name: str = "mine/licence") -> Path:
    file = folder / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def faults(tmp_path: Path, text: str) -> list[str]:
    found = read(written(tmp_path, text), "mine/licence")
    assert isinstance(found, list)
    return [f"{one.line}: {one.text}" for one in found]


def test_what_a_new_playbook_begins_as_is_sound(tmp_path: Path) -> None:
    written(tmp_path, SOUND)
    assert "mine/licence" in [one.id for one in load(tmp_path)]


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    broken = SOUND.replace("role: root ", "role: chief ").replace("certainty: 0.8", "certainty: 8")
    broken = broken.replace("indicator: errors\n", "").replace("references:", "refs:")
    told = faults(tmp_path, broken)
    assert "3: role is 'chief'; it is one of root, proximate, symptom, benign, standing" in told
    assert "5: certainty is 8; it lies between 0 and 1" in told
    assert "1: indicator is missing" in told
    assert any(line.startswith("16: 'refs' is not known here") for line in told)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: the file is empty"),
        ("- a list", "1: a playbook is a mapping of id, title, finds and more"),
        ("id: [", "no YAML"),
        (SOUND.replace("id: mine/licence", "id: other/name"), "1: id is 'other/name'"),
        (SOUND.replace("title:", "id: mine/licence\ntitle:"), "id is there twice"),
        (SOUND.replace("    finds: []\n", "    finds: [Service/x]\n"), "tests hold at least one"),
        (SOUND.replace("reversible: true", "reversible: perhaps"), "expected true or false"),
        (
            SOUND.replace("finds:\n  question", "finds: x\nold:\n  question", 1),
            "expected a mapping",
        ),
    ],
)
def test_a_fault_says_what_was_expected(tmp_path: Path, text: str, said: str) -> None:
    assert any(said in line for line in faults(tmp_path, text)), faults(tmp_path, text)


def test_the_same_question_twice_and_a_name_of_none_are_faults(tmp_path: Path) -> None:
    written(tmp_path, SOUND)
    again = SOUND.replace("mine/licence", "mine/other") + "explains: [mine/nobody]\n"
    written(tmp_path, again, "mine/other")
    _, found = read_all(tmp_path)
    told = [one.text for one in found]
    assert "it asks the same as mine/licence" in told
    assert "explains 'mine/nobody', and there is no such playbook" in told
    with pytest.raises(PlaybookError, match="nobody"):
        load(tmp_path)


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="no folder of playbooks"):
        load(tmp_path / "nowhere")


def test_what_is_no_text_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    file.write_bytes(b"\xff\xfe\x00")
    found = read(file, "mine/licence")
    assert isinstance(found, list)
    assert isinstance(found[0], Fault)
    assert "cannot be read" in str(found[0])


def test_the_reasons_of_kubernetes_are_known() -> None:
    assert {"OOMKilled", "FailedScheduling", "BackoffLimitExceeded"} <= {*reasons()}
