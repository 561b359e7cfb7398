"""Whatever someone had: files, folders of them, archives. Each file finds its source.

A source is guessed by what its header says that the beginning of a file holds; of several, by the
one that says most. OTLP protobuf, which does not say what it is, is told by its name. A manifest
(manifest.py), a command line (peel.py) or the name says whom a file is about (told.py).
"""

from __future__ import annotations

import codecs
import os
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest import manifest, moments
from ingest.archive import is_archive, printable, unpack
from ingest.manifest import read_manifest
from ingest.moments import Moments
from ingest.peel import Part, parts
from ingest.read.stream import ARRIVALS, Stream, sidecars
from ingest.run import Progress, Summary, ingest
from ingest.source import Source, family, found_at, load
from ingest.told import Told, of_command, of_entry, of_name
from lake.errors import InquestError
from lake.store import Lake

_HEAD_BYTES = 1 << 16
_SHOWN_BYTES = 60
_NESTED = 3
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a]")
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_COPIED_AFTER = timedelta(hours=1)
_ROOMS = {"log": "logs", "alert": "alerts"}
"""The sources that a file of a kind is of, if any of them takes it."""


@dataclass(frozen=True)
class Guess:
    """The source that a file seems to be of, and why."""

    source: str
    why: str


@dataclass
class _Bundle:
    """What was given, file by file: `shown` is what a file in an archive is called.

    `told` is what a manifest, a command line or its name say of a file, `whole` the file that a
    part was cut from.
    """

    files: list[Path] = field(default_factory=list)
    shown: dict[Path, str] = field(default_factory=dict)
    told: dict[Path, Told] = field(default_factory=dict)
    whole: dict[Path, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def name(self, path: Path) -> str:
        """What a person calls a file."""
        return self.shown.get(path, str(path))


def take(
    lake: Lake,
    paths: Sequence[Path],
    source: str | None = None,
    sources_dir: Path | None = None,
    progress: Progress | None = None,
) -> list[Summary]:
    """Ingest files, the files below folders and those in archives: one summary a source.

    With a `source` all are of it, and with a family's name each is of the one that takes its name;
    without, it is guessed. The last summary has a note on each file that was left out. Raises
    InquestError for an unknown source, a path that is not there and where there is nothing to take.
    """
    sources = load(sources_dir)
    with tempfile.TemporaryDirectory(prefix="inquest-") as scratch:
        bundle = _gathered(paths, Path(scratch))
        if not bundle.files and not bundle.notes:
            raise InquestError(f"{' or '.join(map(str, paths))} holds no file of evidence.")
        if source is None:
            bundle = _dated(_peeled(bundle, Path(scratch)))
        dealt, reasons = _dealt(bundle, source, sources)
        summaries = [
            ingest(
                lake,
                name,
                files,
                sources_dir,
                progress,
                bundle.shown,
                reasons.get(name),
                bundle.told,
            )
            for name, files in dealt.items()
        ]
    if bundle.notes:
        summaries.append(Summary("", (), 0, {}, {}, tuple(bundle.notes), 0.0))
    return summaries


def ingest_folder(lake: Lake, folder: Path, progress: Progress | None = None) -> list[Summary]:
    """Take a folder of evidence; InquestError if it is not there or holds nothing to read."""
    if not folder.is_dir():
        raise InquestError(f"{folder} is no folder of evidence.")
    return take(lake, [folder], progress=progress)


def guess(path: Path, sources: Mapping[str, Source], kind: str = "") -> Guess | None:
    """Say of which source a file seems to be; None if no source is known to read it.

    `kind` is what a manifest says that it is: `logs`, `alert` and the like.
    """
    head = _head(path)
    if _is_binary(head):
        named = [one for one in sources.values() if one.takes(path)]
        found = [one for one in named if one.reader.begins and one.reader.begins(head)]
        return Guess(found[0].name, "it is no text, and called so") if len(found) == 1 else None
    text = _text(head)
    held = [one for one in sources.values() if one.sniffs and _holds(one, text)]
    rooms = {room for word, room in _ROOMS.items() if word in kind}
    held = [one for one in held if one.folder.name in rooms] or held
    specific = [one for one in held if not one.is_generic] or held
    beaten = {name for one in specific for name in one.over}
    left = [one for one in specific if one.name not in beaten]
    best = max(left, key=lambda one: (len(one.sniffs), len("".join(one.sniffs))), default=None)
    return Guess(best.name, f"it holds {_shown(best, text)}") if best else None


def _gathered(paths: Iterable[Path], scratch: Path) -> _Bundle:
    bundle = _Bundle()
    for path in paths:
        if not path.exists():
            raise InquestError(f"{path} cannot be read: there is no such file.")
        if path.is_dir():
            _heed(bundle, path, scratch)
            for file in _walked(path, bundle.notes):
                _add(bundle, _named(file, scratch), printable(str(file)), scratch, _NESTED)
        elif path.is_file() or path.is_fifo():
            file = _drained(path, scratch) if path.is_fifo() else path
            _add(bundle, _named(file, scratch), printable(str(path)), scratch, _NESTED)
        else:
            raise InquestError(f"{path} is neither a file, a pipe nor a folder.")
    return bundle


def _heed(bundle: _Bundle, folder: Path, scratch: Path) -> None:
    """Keep what the manifest of a folder, if it has one, says of its files."""
    found = read_manifest(folder)
    if found is None:
        return
    bundle.notes += [note.replace(f"{scratch}/", "") for note in found.notes]
    for entry in found.files:
        told = replace(of_entry(entry), captured_at=found.captured_at)
        bundle.told[entry.path.resolve()] = told


def _peeled(bundle: _Bundle, scratch: Path) -> _Bundle:
    """The files without what a tool wrapped around them, and what is said of each."""
    made = _Bundle(notes=bundle.notes)
    for file in bundle.files:
        name = bundle.name(file)
        said = bundle.told.get(file.resolve(), Told()).or_else(of_name(name))
        for part in _parts(file, scratch):
            told = said.or_else(_of_part(part))
            if part.is_empty:
                by = f": `{printable(told.command)}` printed nothing" if told.command else ""
                made.notes.append(f"{name} is empty{by}.")
                continue
            made.files.append(part.path)
            made.whole[part.path] = file
            made.told[part.path] = replace(told, file=name)
            if name != str(part.path):
                made.shown[part.path] = name
    return made


def _parts(file: Path, scratch: Path) -> list[Part]:
    if any(map(Path.is_file, sidecars(file))):
        return [Part(file)]
    return parts(file, Path(tempfile.mkdtemp(dir=scratch)))


def _of_part(part: Part) -> Told:
    chosen = Told(command=part.command, container=part.container)
    return of_command(part.command).or_else(chosen)


def _dated(bundle: _Bundle) -> _Bundle:
    """When each file was taken: by its manifest, when it was written, or by what the others tell.

    A file that was written long after all that the files tell of is a copy: it was taken when the
    newest of that was.
    """
    now = datetime.now(UTC)
    found = {file: _moments(file, now) for file in bundle.files}
    newest = max((one.newest for one in found.values() if one.newest), default=None)
    for file, told in bundle.told.items():
        if any(map(Path.is_file, sidecars(bundle.whole[file]))):
            continue
        written = datetime.fromtimestamp(bundle.whole[file].stat().st_mtime, UTC)
        is_copy = newest is not None and written - newest > _COPIED_AFTER
        captured = told.captured_at or (newest if is_copy else min(written, now))
        undated = found[file].first or captured
        bundle.told[file] = replace(told, captured_at=captured, undated_at=undated)
    return bundle


def _moments(file: Path, now: datetime) -> Moments:
    return Moments(None, None) if _is_binary(_head(file)) else moments.told(file, now)


def _drained(pipe: Path, scratch: Path) -> Path:
    """What comes through a pipe, as a file."""
    file = Path(tempfile.mkdtemp(dir=scratch)) / "pipe"
    with pipe.open("rb") as source, file.open("wb") as target:
        shutil.copyfileobj(source, target)
    return file


def _add(bundle: _Bundle, file: Path, shown: str, scratch: Path, nested: int) -> None:
    """Add a file; of an archive its members, and of archives in it theirs."""
    try:
        holds_others = nested > 0 and is_archive(file)
    except (InquestError, OSError) as error:
        bundle.notes.append(f"{shown} was skipped: it cannot be read ({_reason(error)}).")
        return
    if not holds_others:
        bundle.files.append(file)
        if shown != str(file):
            bundle.shown[file] = shown
        return
    into = Path(tempfile.mkdtemp(dir=scratch))
    bundle.notes += [f"{shown}: {fault}." for fault in unpack(file, into)]
    _heed(bundle, into, scratch)
    for member in _walked(into, bundle.notes):
        _add(bundle, member, f"{shown}/{member.relative_to(into)}", scratch, nested - 1)


def _named(file: Path, scratch: Path) -> Path:
    """A file by a name that is text; one whose name is not, by a link to it."""
    if printable(str(file)) == str(file):
        return file
    link = Path(tempfile.mkdtemp(dir=scratch)) / printable(file.name)
    link.symlink_to(file.resolve())
    return link


def _walked(folder: Path, notes: list[str]) -> list[Path]:
    """The files of evidence below a folder; a note on what cannot be read, or lies elsewhere."""

    def unread(error: OSError) -> None:
        notes.append(f"{printable(error.filename)} was skipped: {error.strerror}.")

    walk = os.walk(folder, onerror=unread)
    found = sorted(Path(at, name) for at, _, names in walk for name in names)
    kept = []
    for path in found:
        if not path.is_file() or not _is_evidence(path.relative_to(folder)):
            continue
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            notes.append(f"{printable(str(path))} was skipped: it links out of its folder.")
        else:
            kept.append(path)
    return kept


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)


def _is_evidence(path: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in path.parts)
    return not (is_hidden or path.name.endswith(ARRIVALS) or path.name == manifest.NAME)


def _dealt(
    bundle: _Bundle, source: str | None, sources: Mapping[str, Source]
) -> tuple[dict[str, list[Path]], dict[str, dict[Path, str]]]:
    """The files of each source, and why each was guessed to be its; a note on those of none."""
    dealt = defaultdict[str, list[Path]](list)
    reasons = defaultdict[str, dict[Path, str]](dict)
    takers = family(source, sources) if source and source not in sources else []
    if source and source not in sources and not takers:
        raise InquestError(f"There is no source {source}: `inquest sources list` names them.")
    for file in bundle.files:
        if takers:
            found = _taker(file, takers)
        elif source:
            found = source
        elif known := guess(file, sources, _kind(bundle.told.get(file, Told()))):
            found = known.source
            reasons[found][file] = known.why
        else:
            found = None
        if found:
            dealt[found].append(file)
        else:
            why = f"no source of {source} takes it" if takers else _why(file)
            bundle.notes.append(f"{bundle.name(file)} was skipped: {why}.")
    if takers and not dealt:
        patterns = ", ".join(pattern for one in takers for pattern in one.files)
        where = " or ".join(map(bundle.name, bundle.files))
        raise InquestError(f"There is no file of {source} at {where}: its sources take {patterns}.")
    return dealt, reasons


def _kind(told: Told) -> str:
    return told.kind or ("logs" if told.is_log else "")


def _taker(file: Path, takers: Iterable[Source]) -> str | None:
    names = [one.name for one in takers if one.takes(file)]
    if len(names) > 1:
        raise InquestError(
            f"{file} is a file of {' and of '.join(names)}: let `-- files:` tell them apart."
        )
    return names[0] if names else None


def _head(path: Path) -> bytes:
    head = b""
    with Stream(path) as stream:
        for block in stream.blocks():
            head += block
            if len(head) >= _HEAD_BYTES:
                break
    return head[:_HEAD_BYTES]


def _is_binary(head: bytes) -> bool:
    """Whether it is no text: bodies of protobuf, for one."""
    return not head.startswith(_MARKS) and len(_CONTROL.findall(head)) * 100 > len(head)


def _text(head: bytes) -> str:
    """The beginning of a file as text; a byte order mark says how it is written."""
    encoding = "utf-16" if head.startswith(_MARKS) else "utf-8-sig"
    return head.decode(encoding, errors="replace")


def _holds(source: Source, text: str) -> bool:
    return all(found_at(sniff, text) >= 0 for sniff in source.sniffs)


def _shown(source: Source, text: str) -> str:
    """What of a text tells that it is a source's."""
    given = text.encode()
    found = (found_at(sniff, text) for sniff in source.sniffs)
    lines = (given[at : at + _SHOWN_BYTES].strip().partition(b"\n")[0] for at in found)
    return " and ".join(printable(line.decode(errors="replace").strip()) for line in lines)


def _why(path: Path) -> str:
    head = _head(path)
    if not head:
        return "it is empty"
    if _is_binary(head):
        return "it is no text, and its name is none that OTLP would have: traces, metrics, logs"
    return "no source is known to read it"
