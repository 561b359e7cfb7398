"""Registered values: this process's own secrets, and a file's, in every way they are written."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus, urlsplit

from agent.errors import SettingError
from agent.redaction.spans import Span, trie

LEAST: Final = 8
"""Characters below which a value is no secret that could be told from an ordinary word."""

_NAME: Final = re.compile(
    r"(?i)(?:^|_)(?:token|secret|password|passwd|pwd|pgpassword|credentials?|pat|webhook(?:_url)?"
    r"|(?:api|access|private|secret|signing|encryption|master|auth|app|checkpoint|license)_?key"
    r")(?:_base|_id)?$|(?:api|access|secret)key$|(?:_|^)key$|accountkey$"
)
_IS_PUBLIC: Final = re.compile(r"(?i)_(?:key|token|secret)_id$|public")
_ADDRESS: Final = re.compile(r"(?i)(?:_url|_uri|_dsn|_endpoint|_proxy|_checkpoints|^dsn)$")
_HEADERS: Final = re.compile(r"(?i)_headers$")


def of_environment(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The secrets that an environment holds by their names, and a sentence for each too short.

    A value is a secret by its variable's name (`OPENAI_API_KEY`, `SLACK_BOT_TOKEN`, `PGPASSWORD`);
    of an address its password is, of headers (`name=value,...`) their values are. A file is none.
    """
    found = dict(_secrets(environ))
    short = [
        f"The value of {name} stays in what is written: it has {len(value)} characters, "
        f"and fewer than {LEAST} are told from no ordinary word."
        for name, value in found.items()
        if 0 < len(value) < LEAST
    ]
    return {name: value for name, value in found.items() if len(value) >= LEAST}, short


def _secrets(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, given in environ.items():
        value = given.strip()
        if _NAME.search(name) and not _IS_PUBLIC.search(name) and not Path(value).is_absolute():
            yield name, value
        elif _ADDRESS.search(name):
            yield name, _password(value)
        elif _HEADERS.search(name):
            for at, header in enumerate(value.split(",")):
                said = header.partition("=")[2].strip()
                yield f"{name}[{at}]", said.removeprefix("Bearer%20").removeprefix("Bearer ")


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""


def of_file(path: Path) -> dict[str, str]:
    """The secrets of a file, one a line; SettingError if it cannot be read or a value is too short.

    Empty lines are left out; a value is what stands on its line without the spaces around it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8"
        raise SettingError(f"INQUEST_SECRETS is {path}, which cannot be read: {why}.") from None
    values = {f"{path}:{nth}": line.strip() for nth, line in enumerate(lines, 1) if line.strip()}
    for place, value in values.items():
        if len(value) < LEAST:
            raise SettingError(
                f"{place}: a secret of {len(value)} characters cannot be told from ordinary words; "
                f"it has {LEAST} or more."
            )
    return values


def pattern(values: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern of every way in which any of `values` may be written; None if there is none."""
    written = {way for value in values for way in ways(value)}
    return re.compile(trie(written)) if written else None


def ways(value: str) -> set[str]:
    """A value as it is, URL-encoded, in JSON, in hex, and within base64 at each of 3 places."""
    raw = value.encode()
    quoted = {way(value, safe=safe) for way in (quote, quote_plus) for safe in ("", "/")}
    lower = {re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), one) for one in quoted}
    inside = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    escaped = {one.replace("/", r"\/") for one in inside}
    hexed = {raw.hex(), raw.hex().upper()}
    every_character = {"".join(f"%{byte:02{case}}" for byte in raw) for case in "xX"}
    in_base64 = {way for at in range(3) for way in _in_base64(raw, at)}
    return {value} | quoted | lower | inside | escaped | hexed | every_character | in_base64


def _in_base64(raw: bytes, at: int) -> Iterator[str]:
    """What base64 makes of bytes that begin `at` bytes into a group of 3: what is theirs alone."""
    first = (0, 2, 3)[at]
    last = (at + len(raw)) * 8 // 6
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(b"\0" * at + raw).decode()[first:last]


def registered(text: str, known: re.Pattern[str] | None) -> Iterator[Span]:
    """Find registered values."""
    if known:
        yield from (Span(*found.span(), "registered", -1) for found in known.finditer(text))
