"""The bundle as it grows: files without secrets, none too large, and what each of them is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agent.apps.collect.tool import Answer, Tool
from agent.apps.terminal import Progress
from agent.redaction import redact, redacted

MANIFEST: Final = "_index.json"
FILE_BYTES: Final = 5_000_000
LIST_BYTES: Final = 25_000_000
"""Of a list of objects, which is of no use without its end."""

BUNDLE_BYTES: Final = 200_000_000

_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""An annotation that says the object again, as JSON in JSON."""


NAME_BYTES: Final = 200
"""Of a file's name, whose end says more; most file systems take 255."""

_NO_NAME: Final = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")


class Folder:
    """A folder that is being filled; `notes` says what is not there or not all there."""

    def __init__(self, path: Path, tell: Progress, *, redacts: bool) -> None:
        self.path = path
        self.tell = tell
        self.notes: list[str] = []
        self.files: list[dict[str, Any]] = []
        self.bytes = 0
        self._redacts = redacts

    def ask(
        self, tool: Tool, file: str, kind: str, *words: str, params: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask a program and keep what it says; ToolError if it is not here."""
        invocation = tool.invocation(*words)
        self.tell(invocation)
        answer = tool.ask(*words)
        self.keep(file, kind, answer, tool=tool.name, invocation=invocation, params=params)
        return answer

    def keep(
        self,
        file: str,
        kind: str,
        answer: Answer,
        *,
        tool: str = "",
        invocation: str = "",
        params: Mapping[str, str] | None = None,
    ) -> None:
        """Write what was said, or why nothing was; what is too long loses the older part of it."""
        text = self.safe(answer.output) or self.safe(answer.error)
        if answer.error:
            self.note(f"{tool}: {answer.error}")
        file = self._free(file)
        if not text.strip() or not self._fits(file, kept := self._cut(file, text)):
            return
        target = self.path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(kept)
        self.bytes += len(kept)
        told = {"tool": tool, "params": dict(params or {}), "invocation": self.safe(invocation)}
        entry = {"file": file, "kind": kind, **{key: value for key, value in told.items() if value}}
        self.files.append(entry | {"status": "error" if answer.error else "success"})

    def note(self, sentence: str) -> None:
        """Remember what a person should know, once, on one line."""
        line = " ".join(self.safe(sentence).split())
        if line not in self.notes:
            self.notes.append(line)

    def safe(self, text: str) -> str:
        """Take the secrets out of a text; JSON stays JSON."""
        if not self._redacts:
            return text
        try:
            value = json.loads(text)
        except ValueError:
            return redact(text)
        return json.dumps(conceal(value), ensure_ascii=False)

    def close(self, about: Mapping[str, str]) -> None:
        """Write the manifest."""
        told = {key: self.safe(value) for key, value in about.items() if value}
        told["captured_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = told | {"files": self.files} | ({"notes": self.notes} if self.notes else {})
        text = json.dumps(manifest, indent=2, ensure_ascii=False)
        (self.path / MANIFEST).write_text(f"{text}\n", encoding="utf-8")

    def _cut(self, file: str, text: str) -> bytes:
        kept, is_cut = _shortened(text)
        if is_cut:
            self.note(f"{file} was cut to {len(kept):,} bytes")
        return kept

    def _free(self, file: str) -> str:
        """A name that no file has yet, and that lies within the folder."""
        wanted, nth = _inside(file), 1
        path = wanted
        while (self.path / path).exists():
            nth += 1
            path = wanted.with_stem(f"{wanted.stem}_{nth}")
        return str(path)

    def _fits(self, file: str, kept: bytes) -> bool:
        fits = self.bytes + len(kept) <= BUNDLE_BYTES
        if not fits:
            self.note(f"{file} was left out: a bundle holds {BUNDLE_BYTES:,} bytes")
        return fits


def _inside(file: str) -> Path:
    """A path below the folder, of names that any file system takes."""
    parts = [part for part in file.split("/") if part not in {"", ".", ".."}]
    spelled = (_NO_NAME.sub("_", part).encode()[-NAME_BYTES:] for part in parts)
    return Path(*(part.decode(errors="ignore") for part in spelled))


def conceal(value: Any) -> Any:
    """Redact a JSON value, without the copy of itself that an applied object carries."""
    return redacted(_unapplied(value))


def _unapplied(value: Any) -> Any:
    if isinstance(value, list):
        return [_unapplied(item) for item in value]
    if isinstance(value, dict):
        return {key: _unapplied(item) for key, item in value.items() if key != _APPLIED}
    return value


def _shortened(text: str) -> tuple[bytes, bool]:
    """A text that is not too long, and whether it was: of objects the first, of lines the last."""
    given = text.encode()
    if len(given) <= FILE_BYTES:
        return given, False
    try:
        value = json.loads(text)
    except ValueError:
        return given[-FILE_BYTES:].partition(b"\n")[2], True
    is_cut = False
    while len(given) > LIST_BYTES and isinstance(value, dict) and value.get("items"):
        value["items"] = value["items"][: len(value["items"]) // 2]
        given, is_cut = json.dumps(value, ensure_ascii=False).encode(), True
    return (given, is_cut) if len(given) <= LIST_BYTES else (b"", True)
