"""What is called a secret is one: a value behind a name, a scheme or in an address.

A match leaves what names the secret and loses what it hides. Time is linear: whatever may repeat
without limit is followed by nothing that could fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from agent.redaction.spans import MARKED, Span, at_each

_QUOTE: Final = r"""(?:\\*+["'])?+"""
_IS: Final = rf"{_QUOTE}\s*+(?:=>|:=|[:=>]|%3[aAdD])\s*+{_QUOTE}"
_NOTHING: Final = r"""(?:null|none|nil|true|false|\*+)(?![^\s"',;&)}\]])"""

# A quoted value ends with its quote, a bare one before what closes the expression it stands in.
_VALUE: Final = rf"""(?!{MARKED}|(?i:{_NOTHING}))(?P<hidden>
    (?<=\\")(?:[^"\\\r\n]|\\++[^"\\\r\n])+
  | (?<=")(?:[^"\\\r\n]|\\.)+
  | (?<=')(?:[^'\\\r\n]|\\.)+
  | (?:[^\s"'`&;<>,)}}\]\\] | [,)}}\]](?![\s"',)}}\]]|\Z) | \\(?!["']))+
)"""
_OPAQUE: Final = (
    rf"""(?=(?:(?!{MARKED})[^\s"'&;<>]){{8}})(?=(?:(?!{MARKED})[^\s"'&;<>]){{0,64}}?\d)"""
)
_KEYS: Final = (
    *("api", "access", "account", "auth", "client", "encryption", "license", "master", "private"),
    *("secret", "shared", "signing", "storage"),
)
_OF_A_KEY: Final = "|".join(rf"(?<={one})|(?<={one}[\ _-])" for one in _KEYS)

_LOGIN: Final = r"(?i:pass(?:word|wd|phrase|code)|pwd|(?<=_)pass)"
_NAMED: Final = (
    r"(?i:secret(?:[_-]?id)?|token|credential|signature|(?<=[?&])sig"
    rf"|(?:{_OF_A_KEY})key(?:_base)?)"
)
_BASIC: Final = r"(?:(?i:basic|bearer|token|digest|negotiate|apikey|ssws|aws4-hmac-sha256)\s++)?+"

# What stands before the secret and stays, and the secret; each is tried where its anchors stand.
SETTINGS: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    (
        "private_key",
        ("-----begin",),
        r"(?P<hidden>-----BEGIN[ A-Z0-9]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----"
        # no possessive group: Python 3.11.2's steps over the dashes where it should stop
        r"[^-]*+(?:-(?!----END)[^-]*+)*(?:-----END[ A-Z0-9]{0,40}-----)?)",
    ),
    (
        "authorization",
        ("authorization",),
        rf"(?i:authorization){_IS}" + _VALUE.replace("(?P<hidden>", rf"(?P<hidden>{_BASIC}(?:", 1)
        + ")",
    ),
    (
        "bearer",
        ("basic", "bearer"),
        r"(?i:basic|bearer)\s++(?=[\w.~+/-]{0,64}?[\d=])(?P<hidden>[\w.~+/=-]{8,}+)",
    ),
    (
        "cookie",
        ("cookie",),
        rf"(?i:cookie){_IS}" r"""(?P<hidden>[^\s=;,"'\[]{1,128}=[^\r\n"']++)""",
    ),
    ("session", ("sessionid", "phpsessid", "connect.sid", "session_id"),
     rf"(?i:j?sessionid|phpsessid|connect\.sid)={_OPAQUE}{_VALUE}"),
    (
        "password",
        ("pass", "pwd", "identified by", "masterauth"),
        rf"(?:{_LOGIN}{_IS}|(?<=-){_LOGIN}\s++{_QUOTE}|(?i:password|identified\ by)\s++\\*+'"
        rf"|(?i:pass(?<=requirepass)|masterauth)(?:{_IS}|\s++{_QUOTE})){_VALUE}",
    ),
    (
        "password",
        ("mysql", "mariadb"),
        r"(?:mysql|mariadb)[\w-]{0,16}+(?:\s[^\s|;&]{1,64}+){0,8}?\s-p" rf"{_QUOTE}(?!\$){_VALUE}",
    ),
    (
        "secret",
        ("secret", "token", "credential", "signature", "sig", "key"),
        rf"(?:{_NAMED}{_IS}|(?<=-){_NAMED}\s++{_QUOTE}){_OPAQUE}{_VALUE}",
    ),
    (
        "url",
        ("://",),
        rf"""://(?P<hidden>[^\s/?\#@:"'<>\[\]]{{0,128}}:(?:(?!{MARKED})[^\s/"'<>]){{1,256}}(?=@))""",
    ),
)  # fmt: skip
_SETTINGS: Final = tuple(
    (kind, anchors, re.compile(form, re.VERBOSE)) for kind, anchors, form in SETTINGS
)
_DSN: Final = re.compile(
    r"""(?<!\[redacted):(?P<hidden>[^\s:/"'<>\[\]]{1,128})@(?:tcp|unix)\(""", re.VERBOSE
)


def settings(text: str, lowered: str) -> Iterator[Span]:
    """Find values that stand behind a name, a scheme or an address that makes them secret."""
    for kind, anchors, form in _SETTINGS:
        for anchor in anchors:
            for found in at_each(text, lowered, anchor, form):
                yield Span(*found.span("hidden"), kind, 1)
    if "@tcp(" in lowered or "@unix(" in lowered:
        for found in _DSN.finditer(text):
            yield Span(*found.span("hidden"), "dsn", 1)
