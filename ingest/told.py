"""What is said of a file beside what it holds: by a manifest, a command line, or its name.

A log does not say whose it is; the command that printed it does.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from ingest.manifest import Entry
from lake.ask import literal

_COMMAND = re.compile(r"\b(?:kubectl|oc) [^\n]+")
_PIPE = re.compile(r"\s(?:\||&&|;|>)\s?")
_WITH_VALUE = frozenset(
    {
        "-n",
        "--namespace",
        "-c",
        "--container",
        "-l",
        "--selector",
        "-o",
        "--output",
        "--tail",
        "--since",
        "--since-time",
        "--context",
        "--kubeconfig",
        "--cluster",
        "--user",
        "--as",
        "--field-selector",
        "--sort-by",
        "--for",
        "--limit-bytes",
        "--max-log-requests",
        "--revision",
        "--types",
        "-f",
        "--filename",
        "-L",
        "--label-columns",
        "--request-timeout",
        "-s",
        "--server",
        "--token",
        "--type",
        "--patch",
        "-p",
    }
)
_PODS = ("pod", "pods", "po")
_MAKERS = frozenset(
    {"deploy", "sts", "ds", "rs", "cj", "svc"}
    | {
        f"{kind}{s}"
        for kind in (
            "deployment",
            "statefulset",
            "daemonset",
            "replicaset",
            "job",
            "cronjob",
            "service",
            "rollout",
        )
        for s in ("", "s")
    }
)
_NAMES = ("pod_name", "podname", "pod", "resource_name", "resource", "name")
_KINDS = ("kind", "resource_type", "type")
_LABELS = ("app.kubernetes.io/name", "app", "k8s-app", "name", "service")
_ROLLOUTS = ("rollout", "get", "describe", "logs", "top", "events")

_POD = (
    r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?-(?:[a-f0-9]{6,10}-[bcdf-hj-np-tv-xz2456789]{5}"
    r"|[bcdf-hj-np-tv-xz2456789]{5}|\d{1,3})"
)
_END = r"(?P<previous>[._-]previous)?\.(?:log|txt|out)(?:\.\d+)?(?:\.(?:gz|zst))?$"
_FILES = tuple(
    map(
        re.compile,
        (
            rf"(?:^|/)(?P<namespace>[a-z0-9-]+)_(?P<pod>{_POD})(?:_(?P<container>[a-z0-9-]+?))?{_END}",
            rf"(?:^|/)(?P<pod>{_POD})(?:_(?P<container>[a-z0-9-]+?))?{_END}",
            # as `oc adm must-gather` and `oc adm inspect` lay them down
            r"(?:^|/)namespaces/(?P<namespace>[^/]+)/pods/(?P<pod>[^/]+)/(?P<container>[^/]+)/"
            r"(?:[^/]+/)?logs/(?:current|(?P<previous>previous))(?:\.\w+)*\.log$",
        ),
    )
)


@dataclass(frozen=True)
class Told:
    """Whom a file is about and when it was taken; '' and None where nobody says.

    `captured_at` is when it was taken; `undated_at` the time of a record that has none.
    """

    file: str = ""
    kind: str = ""
    command: str = ""
    pod: str = ""
    service: str = ""
    namespace: str = ""
    container: str = ""
    is_previous: bool = False
    is_log: bool = False
    captured_at: datetime | None = None
    undated_at: datetime | None = None

    def or_else(self, other: Told) -> Told:
        """What this says, and of what it is silent about what the other does."""
        mine = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(other, **{name: value for name, value in mine.items() if value})

    @property
    def whom(self) -> str:
        """Whom it is about, as one text: two files of one content about two are two."""
        named = (self.namespace, self.pod, self.service, self.container)
        return "/".join((*named, "previous" if self.is_previous else "")) if any(named) else ""

    @property
    def sql(self) -> str:
        """All of it as a struct, for the macros `whom`, `when_told` and `beside`."""
        note = {"file": self.file, "command": self.command, "container": self.container}
        said: dict[str, object] = {key: value for key, value in note.items() if value}
        said |= {"previous": True} if self.is_previous else {}
        members = json.dumps(said, ensure_ascii=False)[1:-1]
        values = {
            "is_log": "true" if self.is_log else "false",
            "pod": _sql(self.pod),
            "service": _sql(self.service),
            "namespace": _sql(self.namespace),
            "note": _sql(members),
            "undated_at": _sql(self.undated_at.isoformat() if self.undated_at else "")
            + "::TIMESTAMPTZ",
        }
        return f"{{{', '.join(f'{key}: {value}' for key, value in values.items())}}}"


def _sql(text: str | None) -> str:
    return f"{literal(text)}::VARCHAR" if text else "NULL::VARCHAR"


def of_entry(entry: Entry) -> Told:
    """What an entry of a manifest says: its invocation, its parameters, its tool."""
    params = {key.lower(): value for key, value in entry.params.items() if value}
    command = next((one for one in _commands(entry) if one), "")
    is_log = "log" in entry.kind
    told = Told(
        kind=entry.kind,
        is_log=is_log,
        is_previous="previous" in entry.tool or params.get("previous", "").lower() == "true",
    )
    return told.or_else(of_command(command)).or_else(_of_params(params, is_log=is_log))


def _commands(entry: Entry) -> Iterator[str]:
    for text in (entry.invocation, *entry.params.values()):
        if found := _COMMAND.search(text):
            yield found[0]


def _of_params(params: Mapping[str, str], *, is_log: bool) -> Told:
    name = next((params[key] for key in _NAMES if key in params), "")
    kind = next((params[key] for key in _KINDS if key in params), "pod" if is_log else "")
    container = params.get("container", "") or params.get("container_name", "")
    namespace = params.get("namespace", "")
    return replace(_named(kind, name), namespace=namespace, container=container)


def of_command(command: str) -> Told:
    """What a command line of kubectl says of what it printed."""
    found = _COMMAND.search(command)
    if not found:
        return Told()
    words = _words(_PIPE.split(found[0], maxsplit=1)[0])
    flags, others = _parted(words[1:])
    verb = next((word for word in others if word in _ROLLOUTS), "")
    rest = others[others.index(verb) + 1 :] if verb else []
    if verb == "rollout":
        rest = rest[1:]
    told = Told(
        command=found[0].strip(),
        namespace=flags.get("-n") or flags.get("--namespace", ""),
        container=flags.get("-c") or flags.get("--container", ""),
        is_previous=verb == "logs" and ("--previous" in flags or "-p" in flags),
        is_log=verb == "logs",
    )
    target = rest[0] if rest else ""
    kind, slash, name = target.partition("/")
    if verb == "logs":
        named = _named(kind, name) if slash else _named("pod", target)
    elif slash:
        named = _named(kind, name)
    else:
        named = _named(kind, rest[1] if len(rest) > 1 else "")
    return told.or_else(named).or_else(_selected(flags.get("-l") or flags.get("--selector", "")))


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _parted(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The flags of a command line with their values, and its other words."""
    flags, others, at = dict[str, str](), list[str](), 0
    while at < len(words):
        word, at = words[at], at + 1
        name, is_given, value = word.partition("=")
        if not word.startswith("-"):
            others.append(word)
        elif is_given:
            flags[name] = value
        elif name == "-p" and "logs" in others:
            flags[name] = "true"
        elif name == "-f" and "logs" in others:
            continue
        elif name in _WITH_VALUE and at < len(words):
            flags[name], at = words[at], at + 1
        elif re.fullmatch(r"-[nclo]\S+", word):
            flags[word[:2]] = word[2:]
        else:
            flags[name] = "true"
    return flags, others


def _named(kind: str, name: str) -> Told:
    if not name or any(sign in name for sign in "*{ "):
        return Told()
    word = kind.lower().partition(".")[0]
    if word in _PODS:
        return Told(pod=name)
    return Told(service=name) if word in _MAKERS else Told()


def _selected(selector: str) -> Told:
    labels = dict(one.split("=", 1) for one in selector.replace("==", "=").split(",") if "=" in one)
    return Told(service=next((labels[key] for key in _LABELS if key in labels), ""))


def of_name(path: str) -> Told:
    """What a file's name says of whose log it is: NAMESPACE_POD_CONTAINER.log and the like."""
    at = Path(path).as_posix()
    for pattern in _FILES:
        if found := pattern.search(at):
            said = found.groupdict()
            return Told(
                pod=said["pod"],
                namespace=said.get("namespace") or "",
                container=said["container"] or "",
                is_previous=bool(said["previous"]),
                is_log=True,
            )
    return Told()
