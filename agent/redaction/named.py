"""What is called a secret is one: a value behind a name, a scheme, an option or in an address.

A match leaves what names the secret and loses what it hides. Time is linear: whatever may repeat
without limit is followed by nothing that could fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from agent.redaction.spans import MARKED, Span, at_each

_QUOTE: Final = r"""(?:\\*+["'])?+"""
_BREAK: Final = r"(?:\s|\\{1,4}[nrt])"
_WHICH: Final = r"(?i:name|namespace|type|kind|version|path|mode)"
"""How a key ends that says which secret it is, or of what kind, and not the secret."""

_BLOCK: Final = (  # YAML: the value is of a list or a key of its own, if lines became one or not
    rf":{_BREAK}{{1,64}}"
    rf"(?:-[ \t]++)?+(?:(?![\w.-]{{0,64}}{_WHICH}:)[\w.-]{{1,64}}:[ \t]++)?+"
)
_IS: Final = rf"{_QUOTE}\s*+(?>{_BLOCK}|(?:=>|:=|[:=>]|%3[aAdD])\s*+){_QUOTE}"
_VALUE_IS: Final = (
    rf"{_QUOTE}(?:</\w{{1,32}}>)?{_BREAK}{{0,64}}[,;]?\s*+<?{_QUOTE}(?i:\w{{0,16}}?value){_IS}"
)
"""`"name": "DB_PASSWORD", "value":` and its like in YAML and XML, from where the name ends."""

_NOTHING: Final = r"""(?:null|none|nil|true|false|\*+)(?![^\s"',;&)}\]])"""

# A quoted value ends with its quote, a bare one before what closes the expression it stands in.
_ANY: Final = r"""(?P<hidden>
    (?<=\\")(?:[^"\\\r\n]|\\++[^"\\\r\n])+
  | (?<=")(?:[^"\\\r\n]|\\.)+
  | (?<=')(?:[^'\\\r\n]|\\.)+
  | (?:[^\s"'`&;<>,)}\]\\] | [,)}\]](?![\s"',)}\]]|\Z) | \\(?!["']))+
)"""
_VALUE: Final = rf"(?!{MARKED}|(?i:{_NOTHING})){_ANY}"
_INTO: Final = rf"""(?<!["'])(?!{MARKED})(?=[\[{{(])"""
_MANY: Final = rf"(?:s(?={_IS}\[))?"
_OPAQUE: Final = (
    rf"""(?=(?:(?!{MARKED})[^\s"'&;<>]){{8}})(?=(?:(?!{MARKED})[^\s"'&;<>]){{0,64}}?\d)"""
)
_KEYS: Final = (
    *("api", "access", "account", "auth", "client", "encryption", "license", "master", "private"),
    *("secret", "shared", "signing", "storage"),
)
_OF_A_KEY: Final = "|".join(rf"(?<={one})|(?<={one}[\ _-])" for one in _KEYS)

_LOGIN: Final = r"(?i:pass(?:word|wd|phrase|code)|pwd|(?:(?<=_)|(?<=--))pass)"
_NAMED: Final = (
    r"(?i:secret(?:[_-]?id)?|token|credentials?|signature|(?<=[?&])sig"
    rf"|(?:{_OF_A_KEY})key(?:_base)?)"
)
_BASIC: Final = r"(?:(?i:basic|bearer|token|digest|negotiate|apikey|ssws|aws4-hmac-sha256)\s++)?+"

_LISTED: Final = ('"-', "'-", "- -")
_GAP: Final = r"""[\s"',\\]++"""
_NEXT: Final = rf"(?=[\s\"'\\]){_QUOTE}[\s,]++(?:-\s++)?{_QUOTE}"
_GIVEN: Final = rf"(?!-|\$[\w{{(]){_VALUE}"
_ARGUMENTS: Final = rf"""(?:{_GAP}[^\s"',\\|;&][^\s"',\\|;]{{0,200}}+){{0,12}}?{_GAP}"""


def _argument(name: str) -> str:
    """`["--password", "..."]` and its like in YAML: an option in a list, and the next item."""
    return rf"""(?:["']|-\ )--?[\w.-]{{0,64}}?{name}{_NEXT}(?!-)"""


def _reversed(name: str) -> str:
    """`"value": "...", "name": "DB_PASSWORD"`: the name comes after what it names."""
    return (
        rf"""(?i:value){_IS}(?=(?:(?<=["'])[^"'\r\n\\]{{1,256}}+|[^,"'\r\n\\]{{1,256}}+){_QUOTE},?{_BREAK}{{0,64}}{_QUOTE}(?i:name|key)"""
        rf"{_IS}[\w.-]{{0,64}}?{name}(?![\w.-]))"
    )


# What stands before the secret and stays, and the secret; each is tried where its anchors stand.
SETTINGS: Final[tuple[tuple[str, tuple[str, ...], str, str], ...]] = (
    (
        "private_key",
        ("-----begin",),
        "",
        r"(?P<hidden>-----BEGIN[ A-Z0-9]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----"
        # no possessive group: Python 3.11.2's steps over the dashes where it should stop
        r"[^-]*+(?:-(?!----END)[^-]*+)*(?:-----END[ A-Z0-9]{0,40}-----)?)",
    ),
    (
        "authorization",
        ("authorization",),
        rf"(?i:authorization){_IS}",
        _VALUE.replace("(?P<hidden>", rf"(?P<hidden>{_BASIC}(?:", 1) + ")",
    ),
    (
        "bearer",
        ("basic", "bearer"),
        r"(?i:basic|bearer)\s++",
        r"(?=[\w.~+/-]{0,64}?[\d=])(?P<hidden>[\w.~+/=-]{8,}+)",
    ),
    (
        "cookie",
        ("cookie",),
        rf"(?i:cookie){_IS}",
        r"""(?P<hidden>[^\s=;,"'\[]{1,128}=[^\r\n"']++)""",
    ),
    ("session", ("sessionid", "phpsessid", "connect.sid", "session_id"),
     r"(?i:j?sessionid|phpsessid|connect\.sid)=", rf"{_OPAQUE}{_VALUE}"),
    (
        "password",
        ("pass", "pwd", "identified by", "masterauth"),
        rf"(?:{_LOGIN}{_MANY}(?:{_IS}|{_VALUE_IS})|(?<=-){_LOGIN}\s++{_QUOTE}"
        rf"|(?i:password|identified\ by)\s++\\*+'"
        rf"|(?i:pass(?<=requirepass)|masterauth)(?:{_IS}|\s++{_QUOTE}))",
        _VALUE,
    ),
    ("password", _LISTED, _argument(_LOGIN), _VALUE),
    ("password", ("value",), _reversed(_LOGIN), _VALUE),
    ("password", ("mysql", "mariadb"),
     rf"(?:mysql|mariadb)[\w-]{{0,16}}+{_ARGUMENTS}-p{_QUOTE}", _GIVEN),
    ("password", ("redis-cli", "valkey-cli", "keydb-cli"),
     rf"(?:redis|valkey|keydb)-cli{_ARGUMENTS}-a{_NEXT}", _GIVEN),
    ("password", ("login",), rf"login{_ARGUMENTS}-p{_NEXT}", _GIVEN),
    ("password", ("mongo",),
     rf"mongo(?:sh|dump|restore|export|import|stat|top)?{_ARGUMENTS}-p{_NEXT}", _GIVEN),
    ("password", ("ldap",), rf"ldap[a-z]{{1,16}}{_ARGUMENTS}-w{_NEXT}", _GIVEN),
    ("password", ("sqlcmd", "bcp"), rf"(?:sqlcmd|bcp){_ARGUMENTS}-P{_NEXT}", _GIVEN),
    ("password", ("sshpass",),
     rf"sshpass(?:{_GAP}-[ehvV]+){{0,3}}{_GAP}-p(?:{_NEXT})?{_QUOTE}", _GIVEN),
    (
        "password",
        ("curl",),
        rf"""curl{_ARGUMENTS}(?:-[a-zA-Z]{{0,8}}u|--(?:proxy-)?user)=?(?:{_GAP})?"""
        r"""[^\s:"'$@/]{0,128}:""",
        _GIVEN,
    ),
    (
        "secret",
        ("secret", "token", "credential", "signature", "sig", "key"),
        rf"(?:{_NAMED}{_MANY}(?:{_IS}|{_VALUE_IS})|(?<=-){_NAMED}\s++{_QUOTE})",
        rf"{_OPAQUE}{_VALUE}",
    ),
    ("secret", _LISTED, _argument(_NAMED), rf"{_OPAQUE}{_VALUE}"),
    ("secret", ("value",), _reversed(_NAMED), rf"{_OPAQUE}{_VALUE}"),
    (
        "url",
        ("://",),
        "://",
        rf"""(?P<hidden>[^\s/?\#@:"'<>\[\]]{{0,128}}:(?:(?!{MARKED})[^\s/"'<>]){{1,256}}(?=@))""",
    ),
)  # fmt: skip
_NESTED: Final = frozenset({"authorization", "cookie", "password", "secret"})
"""Kinds whose values may be in brackets: a list of passwords, an object of a token."""

_SETTINGS: Final = tuple(
    (
        kind,
        anchors,
        re.compile(
            f"{before}(?:{_INTO}|{hidden})" if kind in _NESTED else before + hidden, re.VERBOSE
        ),
        re.compile(hidden, re.VERBOSE),
    )
    for kind, anchors, before, hidden in SETTINGS
)
_DSN: Final = re.compile(
    r"""(?<!\[redacted):(?P<hidden>[^\s:/"'<>\[\]]{1,128})@(?:tcp|unix)\(""", re.VERBOSE
)
_PART: Final = re.compile(
    rf"""[\s,]*+(?:
        (?P<mark>{MARKED}[^\]\s]{{1,64}}\])
      | (?P<opens>[\[{{(])
      | (?P<closes>[\]}})])
      | (?P<empty>\\*+"\\*+"|\\*+'\\*+')
      | \\*+["'](?P<key>[\w.$/-]{{1,64}})\\*+["']\s*+(?:=>|[:=])
      | (?P<bare>[\w.$/-]{{1,64}})(?:\s*=>|:(?=\s))
      | (?P<leaf>{_QUOTE})
    )""",
    re.VERBOSE,
)
_LEAF: Final = re.compile(_ANY, re.VERBOSE)
_END: Final = re.compile(
    # Go's lists have no commas
    rf"""{_QUOTE}(?=\s*+(?:[,\]}})]|\Z)|[ ][^\[\](){{}}"'\r\n]{{1,200}}\])"""
)
_GOES_ON: Final = re.compile(r"""[^\s"'`&;<>,)}\]\\]""")
_IS_WHICH: Final = re.compile(rf".*{_WHICH}")
_OF_MANY: Final = re.compile(r"(?<=[dnlty])s$")


def settings(text: str, lowered: str) -> Iterator[Span]:
    """Find values that stand behind a name, a scheme or an address that makes them secret."""
    for kind, anchors, form, hidden in _SETTINGS:
        for anchor in anchors:
            until = 0
            for found in at_each(text, lowered, anchor, form):
                if found["hidden"]:
                    yield Span(*found.span("hidden"), kind, 1)
                elif found.start() >= until:
                    within, until = _within(text, found.end(), hidden)
                    yield from (Span(*one, kind, 1) for one in within)
    if "@tcp(" in lowered or "@unix(" in lowered:
        for found in _DSN.finditer(text):
            yield Span(*found.span("hidden"), "dsn", 1)


def _within(text: str, at: int, hidden: re.Pattern[str]) -> tuple[list[tuple[int, int]], int]:
    """The secrets within the brackets that open at `at`, in whatever shape, and where they end."""
    spans: list[tuple[int, int]] = []
    depth, key, bare = 0, "", hidden.match(text, at)
    while part := _PART.match(text, at):
        at = part.end()
        depth += bool(part["opens"]) - bool(part["closes"])
        if depth <= 0:
            break
        if part["leaf"] is not None:
            found = None if says_which(key) else hidden.match(text, at)
            spans += [found.span("hidden")] if found else []
            found = found or _LEAF.match(text, at)
            end = found and _END.match(text, found.end())
            if end is None:
                break
            at = end.end()
        elif part["mark"] and not _END.match(text, at):
            break
        key = part["key"] or part["bare"] or ""
    if bare and not spans and _GOES_ON.match(text, at):
        return [bare.span("hidden")], bare.end()
    return spans, at


def says_which(key: str) -> bool:
    """Whether a key beneath a secret's name is not of the secret, but of which or what it is."""
    return bool(_IS_WHICH.fullmatch(key))


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether what has this name is a secret, if it looks like one at all."""
    return any(
        next(settings(said, said.lower()), None)
        for said in (f'{name}="a=1234567"', f"{name}=1234567")
    )


def singular(name: str) -> str:
    """The name of one of many: a list of `tokens` has a `token` in each place."""
    return _OF_MANY.sub("", name)
