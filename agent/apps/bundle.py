"""A bundle's own question: what its manifest says was asked, and what was looked at for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import Request

if TYPE_CHECKING:
    from ingest.manifest import Manifest

_NAMES = ("name", "pod", "pod_name", "resource_name", "app_name", "keyword", "deployment", "job")


def request_of(folder: Path, request: Request | None = None) -> Request:
    """The request to investigate a folder of evidence; what is asked by hand goes before."""
    from ingest.manifest import read_manifest

    given = request or Request()
    asked = replace(given, whole=given.at is None and given.alert is None)
    manifest = read_manifest(folder)
    if manifest is None:
        return asked
    looked_at = tuple(dict.fromkeys(_looked_at(manifest)))
    return replace(asked, question=asked.question or manifest.prompt, focus=looked_at)


def _looked_at(manifest: Manifest) -> Iterator[str]:
    """The names of what the files were gathered about, and the alert's words if it is a text."""
    if isinstance(manifest.alert, str):
        yield manifest.alert
    for entry in manifest.files:
        yield from (entry.params[key] for key in _NAMES if key in entry.params)
