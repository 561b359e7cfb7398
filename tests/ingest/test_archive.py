"""Archives: what is in them is read, and a hostile or broken one harms nothing."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from ingest import archive
from ingest.archive import is_archive, unpack
from ingest.bundle import take
from lake.store import Lake

LINE = b'10.0.0.7 - - [21/Nov/2026:14:05:00 +0200] "GET /cart HTTP/1.1" 200 157 "-" "curl/8"\n'


def tarred(**files: bytes) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return whole.getvalue()


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/"), content)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_a_tar_is_told_by_its_content_however_it_is_packed(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    (tmp_path / "evidence.log").write_bytes(pack(tarred(a__b=b"x\n", c=b"y\n")))
    assert is_archive(tmp_path / "evidence.log")
    assert unpack(tmp_path / "evidence.log", tmp_path / "out") == []
    assert (tmp_path / "out" / "a" / "b").read_bytes() == b"x\n"
    assert (tmp_path / "out" / "c").read_bytes() == b"y\n"


@pytest.mark.parametrize("content", [LINE, gzip.compress(LINE, mtime=0), b"", b"PK"])
def test_what_is_no_archive_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "access.tar").write_bytes(content)
    assert not is_archive(tmp_path / "access.tar")


def test_archives_in_archives_are_read_and_their_files_called_by_where_they_are(
    tmp_path: Path,
) -> None:
    inner = tarred(logs__access=LINE, logs__other=b"what is this\n" + LINE)
    outer = zipped(tmp_path / "all.zip", **{"inner.tgz": gzip.compress(inner, mtime=0)})
    with Lake.create(tmp_path / "lake") as lake:
        (summary,) = take(lake, [outer])
        kept = lake.at().ask("SELECT path, raw FROM quarantine").dicts()
    assert (summary.source, summary.mapped) == ("nginx", 2)
    assert kept == [{"path": f"{outer}/inner.tgz/logs/other", "raw": "what is this"}]


@pytest.mark.parametrize("name", ["../evil", "a/../../evil"])
def test_a_member_that_leads_out_of_its_archive_is_not_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "evil.tar").write_bytes(tarred(**{name: b"x", "good": b"y"}))
    told = unpack(tmp_path / "evil.tar", tmp_path / "in" / "out")
    assert told == [f"it holds {name!r}, which would lie outside of it: left out"]
    assert [path for path in tmp_path.rglob("*") if path.name == "evil"] == []
    assert (tmp_path / "in" / "out" / "good").read_bytes() == b"y"


def test_absolute_names_long_names_and_files_named_as_folders_lose_no_other(
    tmp_path: Path,
) -> None:
    files = {"/var/log/app": b"1", "a": b"2", "a/b": b"3", "x" * 300: b"4", "z": b"5"}
    (tmp_path / "odd.tar").write_bytes(tarred(**files))
    (told,) = unpack(tmp_path / "odd.tar", tmp_path / "out")
    assert "File name too long" in told
    found = sorted(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert found == [b"1", b"2", b"3", b"5"]
    assert (tmp_path / "out" / "var" / "log" / "app").is_file()


def test_a_zip_without_its_end_is_said_to_break_off(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "whole.zip", a=LINE).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    with Lake.create(tmp_path / "lake") as lake:
        (last,) = take(lake, [tmp_path / "cut.zip"])
    assert "cut.zip: the archive is damaged or breaks off after 0 files" in last.notes[0]


def test_links_are_left_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "links.tar", "w") as made:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        made.addfile(link)
    assert unpack(tmp_path / "links.tar", tmp_path / "out") == []
    assert not (tmp_path / "out" / "link").exists()


def test_of_an_archive_that_breaks_off_the_files_before_are_read(tmp_path: Path) -> None:
    lines = b"".join(LINE.replace(b"157", str(number).encode()) for number in range(5000))
    whole = gzip.compress(tarred(a=LINE, b=lines))
    (tmp_path / "cut.tgz").write_bytes(whole[: len(whole) * 3 // 4])
    with Lake.create(tmp_path / "lake") as lake:
        *summaries, last = take(lake, [tmp_path / "cut.tgz"])
    assert sum(one.mapped for one in summaries) > 3000
    assert "cut.tgz: the archive is damaged or breaks off after " in last.notes[0]


def test_an_archive_that_would_fill_the_disk_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 3 << 20)
    bomb = zipped(tmp_path / "bomb.zip", a=b"0" * (2 << 20), b=b"0" * (60 << 20))
    told = unpack(bomb, tmp_path / "out")
    assert told == ["'b' in it is too large: it and the rest are left out"]
    assert sum(path.stat().st_size for path in (tmp_path / "out").iterdir()) == 2 << 20


def test_an_archive_of_too_many_files_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 2)
    many = zipped(tmp_path / "many.zip", a=b"1", b=b"2", c=b"3")
    told = unpack(many, tmp_path / "out")
    assert told == ["it holds more than 2 files: the others are left out"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a", "b"}


def test_a_log_that_quotes_a_zips_marks_is_a_log(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_bytes(LINE * 50 + LINE.replace(b"curl", b"PK\5\6" + bytes(18)))
    assert not is_archive(tmp_path / "access.log")


def test_a_member_keeps_its_time_and_of_two_of_one_name_none_is_lost(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "twice.tar", "w") as made:
        for content in (b"first", b"second"):
            member = tarfile.TarInfo("log")
            member.size, member.mtime = len(content), 1_736_935_200
            made.addfile(member, io.BytesIO(content))
    assert unpack(tmp_path / "twice.tar", tmp_path / "out") == []
    files = sorted((tmp_path / "out").iterdir())
    assert {file.read_bytes() for file in files} == {b"first", b"second"}
    assert {file.stat().st_mtime for file in files} == {1_736_935_200}
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as packed:
        packed.writestr(zipfile.ZipInfo("log", (2025, 1, 15, 10, 0, 0)), b"x")
    assert unpack(tmp_path / "one.zip", tmp_path / "zip") == []
    assert (tmp_path / "zip" / "log").stat().st_mtime == 1_736_935_200


def test_a_damaged_member_costs_no_other(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "some.zip", "w", zipfile.ZIP_LZMA) as made:
        made.writestr("bad", b"a" * 5000)
        made.writestr("good", LINE)
    whole = bytearray((tmp_path / "some.zip").read_bytes())
    at = whole.index(b"bad") + 12
    whole[at : at + 6] = b"\xff" * 6
    (tmp_path / "some.zip").write_bytes(whole)
    (told,) = unpack(tmp_path / "some.zip", tmp_path / "out")
    assert told.startswith("'bad' in it is damaged (")
    assert (tmp_path / "out" / "good").read_bytes() == LINE


def test_a_name_that_is_no_text_harms_nothing(tmp_path: Path) -> None:
    odd = tmp_path / "evidence" / os.fsdecode(b"caf\xe9.log")
    odd.parent.mkdir()
    odd.write_bytes(LINE + b"what is this\n")
    with tarfile.open(tmp_path / "evidence" / "all.tar", "w") as made:
        made.add(odd, os.fsdecode(b"in/caf\xe9.log"))
    with Lake.create(tmp_path / "lake") as lake:
        summaries = take(lake, [tmp_path / "evidence"])
        kept = lake.at().ask("SELECT DISTINCT path FROM quarantine").dicts()
    assert [one.mapped for one in summaries] == [1]
    assert kept == [{"path": f"{tmp_path}/evidence/all.tar/in/caf\\xe9.log"}]
