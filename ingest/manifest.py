"""The manifest of a bundle, `_index.json`: which file is what, and what was asked.

`{id, prompt?, alert?, namespace?, label_selector?, captured_at?, files: [{file, kind, tool?,
params?, invocation?, status?}]}`; keys that are not known are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.archive import printable

NAME = "_index.json"

_PLACES = (Path(), Path("evidence"))


@dataclass(frozen=True)
class Entry:
    """A file of a bundle and what the manifest says of it; what it does not say is ''."""

    path: Path
    kind: str = ""
    tool: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    invocation: str = ""
    status: str = ""


@dataclass(frozen=True)
class Manifest:
    """What a manifest says; `alert` is a file of the bundle or the alert's text.

    `notes` has a sentence on each thing of it that cannot be followed.
    """

    folder: Path
    id: str = ""
    prompt: str = ""
    alert: Path | str = ""
    namespace: str = ""
    label_selector: str = ""
    captured_at: datetime | None = None
    files: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of a folder, in it or in `evidence` below it; None if there is none."""
    place = next((folder / at for at in _PLACES if (folder / at / NAME).is_file()), None)
    if place is None:
        return None
    try:
        told = json.loads((place / NAME).read_bytes())
    except json.JSONDecodeError as error:
        return _unread(place, f"it is no JSON at line {error.lineno}, column {error.colno}")
    except (OSError, ValueError, RecursionError) as error:
        return _unread(place, str(error) or type(error).__name__)
    if not isinstance(told, dict):
        return _unread(place, f"it is a {type(told).__name__} and no object")
    notes = list(_left_out(place, told))
    files = tuple(_entries(place, told.get("files"), notes))
    return Manifest(
        folder=place,
        id=_text(told.get("id")),
        prompt=_text(told.get("prompt")),
        alert=_alert(place, told.get("alert"), files),
        namespace=_text(told.get("namespace")),
        label_selector=_text(told.get("label_selector")),
        captured_at=_moment(told.get("captured_at")),
        files=files,
        notes=tuple(notes),
    )


def _unread(place: Path, why: str) -> Manifest:
    note = f"{printable(str(place / NAME))} is no manifest that can be read, and was left out: "
    return Manifest(place, notes=(f"{note}{printable(why.splitlines()[0])}.",))


def _left_out(place: Path, told: Mapping[str, Any]) -> Iterator[str]:
    """A note on each key whose value is of no use."""
    for key, is_good, wanted in (
        ("files", isinstance(told.get("files"), list), "a list"),
        ("captured_at", _moment(told.get("captured_at")), "a time of ISO 8601"),
    ):
        value = told.get(key)
        if value and not is_good:
            shown = printable(_text(value))[:80]
            yield f"{printable(str(place / NAME))} says {key} {shown}, expected {wanted}."


def _entries(place: Path, told: Any, notes: list[str]) -> Iterator[Entry]:
    """The files that a manifest names and that are there; a note on each other one."""
    for one in told if isinstance(told, list) else ():
        name = _text(one.get("file") if isinstance(one, dict) else one)
        path = _inside(place, name)
        if path is None:
            what = "lies outside its folder" if _is_outside(place, name) else "is not there"
            shown = printable(name) or "a file without a name"
            notes.append(f"{printable(str(place / NAME))} names {shown}, which {what}.")
            continue
        said = one if isinstance(one, dict) else {}
        params = said.get("params")
        yield Entry(
            path=path,
            kind=_text(said.get("kind")),
            tool=_text(said.get("tool")),
            params={str(key): _text(value) for key, value in params.items() if value is not None}
            if isinstance(params, dict)
            else {},
            invocation=_text(said.get("invocation")),
            status=_text(said.get("status")),
        )


def _inside(place: Path, name: str) -> Path | None:
    """A file by its path from the manifest's folder, or from that one's parent; None if none."""
    if not name or _is_outside(place, name):
        return None
    own = f"{place.resolve().name}/"
    for path in (place / name, place / name.removeprefix(own)):
        if _is_file(path) and not _links_out(place, path):
            return path
    return None


def _is_outside(place: Path, name: str) -> bool:
    """Whether a path leads out of the manifest's folder, by its words or by a link."""
    is_said = Path(name).is_absolute() or ".." in Path(name).parts
    return is_said or _links_out(place, place / name)


def _links_out(place: Path, path: Path) -> bool:
    """Whether a file, if there is one, lies elsewhere than its path says."""
    return _is_file(path) and not path.resolve().is_relative_to(place.resolve())


def _is_file(path: Path) -> bool:
    """Whether a file is there; not for a name that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _alert(place: Path, told: Any, files: tuple[Entry, ...]) -> Path | str:
    """The alert that a manifest names, else its first file that is one."""
    text = _text(told)
    path = _inside(place, text) if len(text) < 1024 else None
    alerts = (one.path for one in files if "alert" in one.kind)
    return path or text or next(alerts, "")


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode(errors="replace").decode()  # JSON can say half a character


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
