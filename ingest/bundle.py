"""A folder of whatever someone had: guess the source of each file, ingest what is known.

A guess looks at the first kilobytes and, for OTLP protobuf, which does not say what it is, at the
name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from ingest.read.stream import ARRIVALS, Stream
from ingest.run import Progress, Summary, ingest
from lake.errors import InquestError
from lake.store import Lake

MANIFEST = "_index.json"

_HEAD_BYTES = 1 << 16
_JSON = {  # in the order they are tried: what has to stand in the head
    "otlp_traces": ('"resourceSpans"',),
    "otlp_metrics": ('"resourceMetrics"',),
    "otlp_logs": ('"resourceLogs"',),
    "prometheus_query_range": ('"status"', '"resultType"', '"matrix"'),
    "argocd_application": ('"argoproj.io/', '"Application"'),
    "postgresql_json": ('"error_severity"', '"backend_type"'),
    "alertmanager": ('"alerts"', '"startsAt"'),
    "github_deployment": ('"deployment"', '"sha"'),
}
_OTLP_NAMES = {
    "trace": "otlp_traces",
    "span": "otlp_traces",
    "metric": "otlp_metrics",
    "log": "otlp_logs",
}
_LINES = {  # how a line begins
    "nginx": re.compile(r'(?m)^\S+ \S+ .*?\[\d\d/\w{3}/\d{4}:[\d:]{8} [+-]\d{4}\] "'),
    "nginx_error": re.compile(r"(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] \d+#\d+: "),
    "postgresql_text": re.compile(
        r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \S+ \[\d+\] (\S*@\S* )?[A-Z]+\d?:  "
    ),
}


def guess(path: Path) -> str | None:
    """Name the source of a file; None if no source is known to read it."""
    with Stream(path) as stream:
        head = next(filter(None, stream.blocks()), b"")[:_HEAD_BYTES]
    text = head.decode(errors="replace")
    if head.lstrip()[:1] in (b"{", b"["):
        found = (name for name, keys in _JSON.items() if all(key in text for key in keys))
    elif head[4:5] == b"\n":  # after its length a body begins with its first field: 0x0a
        found = (name for word, name in _OTLP_NAMES.items() if word in path.name.lower())
    else:
        found = (name for name, line in _LINES.items() if line.search(text))
    return next(found, None)


def ingest_folder(lake: Lake, folder: Path, progress: Progress | None = None) -> list[Summary]:
    """Ingest every file under a folder that some source reads, one summary a source.

    The last summary, if any file was left out, has a note on each. Raises InquestError if the
    folder is not there or has no file.
    """
    if not folder.is_dir():
        raise InquestError(f"{folder} is no folder of evidence.")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_evidence(path)]
    if not files:
        raise InquestError(f"{folder} holds no file of evidence.")
    by_source: dict[str, list[Path]] = defaultdict(list)
    left_out = []
    for path in files:
        if source := guess(path):
            by_source[source].append(path)
        else:
            left_out.append(f"{path} was skipped: {_why(path)}.")
    summaries = [ingest(lake, source, paths, None, progress) for source, paths in by_source.items()]
    if left_out:
        summaries.append(Summary("", (), 0, {}, {}, tuple(left_out), 0.0))
    return summaries


def _is_evidence(path: Path) -> bool:
    return not (path.name.startswith(".") or path.name.endswith(ARRIVALS) or path.name == MANIFEST)


def _why(path: Path) -> str:
    with Stream(path) as stream:
        head = next(filter(None, stream.blocks()), b"")[:_HEAD_BYTES]
    if not head:
        return "it is empty"
    if head[4:5] == b"\n":
        return "it may be OTLP, but its name says neither traces, metrics nor logs"
    return "no source is known to read it"
