"""Redaction: what looks like a secret does not leave; every door's text goes through `redact`.

One table of known forms, compiled once. A match leaves what names it and loses what it hides:
`password=[redacted:password]`. Bare ids, digests, times, addresses and numbers are no secrets.

Time is linear: whatever may repeat without limit is followed by nothing that could fail. Redacting
twice changes nothing: no condition looks into a mark, and the text after a mark begins no word.
"""

from __future__ import annotations

import re
from typing import Any, Final

_QUOTE: Final = r"""(?:\\*+["'])?+"""
_IS: Final = rf"{_QUOTE}\s*+(?:=>|:=|[:=>]|%3[aAdD])\s*+{_QUOTE}"
_MARK: Final = r"\[redacted:"
_NOTHING: Final = r"""(?:null|none|nil|true|false|\*+)(?![^\s"',;&)}\]])"""

# A quoted value ends with its quote, a bare one before what closes the expression it stands in.
_VALUE: Final = rf"""(?!{_MARK}|(?i:{_NOTHING}))(?:
    (?<=\\")(?:[^"\\\r\n]|\\++[^"\\\r\n])+
  | (?<=")(?:[^"\\\r\n]|\\.)+
  | (?<=')(?:[^'\\\r\n]|\\.)+
  | (?:[^\s"'`&;<>,)}}\]\\] | [,)}}\]](?![\s"',)}}\]]|\Z) | \\(?!["']))+
)"""
_OPAQUE: Final = (
    rf"""(?=(?:(?!{_MARK})[^\s"'&;<>]){{8}})(?=(?:(?!{_MARK})[^\s"'&;<>]){{0,64}}?\d)"""
)

_LOGIN: Final = r"(?i:pass(?:word|wd|phrase)|pwd|(?<=_)pass)"
_NAMED: Final = r"""(?i:secret|token|credential|signature|(?<=[?&])sig
  | (?:api|access|account|auth|encryption|license|master|private|secret|signing)[\ _-]?key
    (?:_base)?)"""

# Formats that their issuers publish so that they can be found; they start a word.
_TOKENS: Final = {
    "aws": r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    "gcp": r"AIza[\w-]{30,}+|ya29\.[\w-]{20,}+|GOCSPX-[\w-]{20,}+",
    "azure": r"\w{3}8Q~[\w~.-]{30,}+",
    "github": r"gh[pousr]_[A-Za-z0-9]{30,}+|github_pat_\w{22,}+",
    "gitlab": r"gl(?:agent|cbt|dt|ft|imt|oas|pat|ptt|rt|soat)-[\w.-]{16,}+",
    "slack": r"xox[a-z](?:\.xox[a-z])?-[\w-]{10,}+|xapp-[\w-]{10,}+",
    "stripe": r"[rs]k_(?:live|test)_[A-Za-z0-9]{10,}+|whsec_[A-Za-z0-9+/]{20,}+",
    "anthropic": r"sk-ant-[\w-]{16,}+",
    "openai": r"sk-(?=[a-z-]{0,64}[A-Z0-9])[\w-]{20,}+",
    "huggingface": r"hf_[A-Za-z0-9]{30,}+",
    "jwt": r"eyJ[\w-]{8,1024}+\.[\w-]{8,}+(?:\.[\w-]*+)*+",
    "npm": r"npm_[A-Za-z0-9]{30,}+",
    "pypi": r"pypi-AgE[\w-]{16,}+",
    "docker": r"dckr_pat_[\w-]{20,}+",
    "twilio": r"SK[0-9a-f]{32}",
    "sendgrid": r"SG\.[\w-]{16,64}+\.[\w-]{16,}+",
    "vault": r"hv[brs]\.[\w-]{20,}+",
    "databricks": r"dapi[0-9a-f]{32}",
    "digitalocean": r"do[opr]_v1_[0-9a-f]{40,}+",
    "shopify": r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    "grafana": r"gl(?:sa|c)_[\w+/=]{30,}+",
    "newrelic": r"NRAK-[A-Z0-9]{27}",
}
# What stands before the secret and stays, and the secret.
_SETTINGS: Final = {
    "private_key": (
        "",
        r"-----BEGIN[ A-Z0-9]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----"
        # no possessive group: Python 3.11.2's steps over the dashes where it should stop
        r"[^-]*+(?:-(?!----END)[^-]*+)*(?:-----END[ A-Z0-9]{0,40}-----)?",
    ),
    "authorization": (
        rf"(?i:authorization){_IS}",
        r"(?:(?i:basic|bearer|token|digest|negotiate|apikey|aws4-hmac-sha256)\s++)?+" + _VALUE,
    ),
    "bearer": (
        r"(?i:basic|bearer)\s++",
        r"(?=[\w.~+/-]{0,64}?[\d=])[\w.~+/=-]{8,}+",
    ),
    "cookie": (
        rf"(?i:cookie){_IS}",
        r"""[^\s=;,"'\[]{1,128}=[^\r\n"']++""",
    ),
    "password": (
        rf"{_LOGIN}{_IS}|(?<=-){_LOGIN}\s++{_QUOTE}|(?i:password|identified\ by)\s++\\*+'"
        rf"|(?i:requirepass|masterauth)(?:{_IS}|\s++{_QUOTE})"
        rf"|(?:mysql|mariadb)[\w-]{{0,16}}+(?:\s[^\s|;&]{{1,64}}+){{0,8}}?\s-p{_QUOTE}(?!\$)",
        _VALUE,
    ),
    "secret": (rf"{_NAMED}{_IS}|(?<=-){_NAMED}\s++{_QUOTE}", _OPAQUE + _VALUE),
    "url": (
        "://",
        rf"""[^\s/?\#@:"'<>\[\]]{{0,128}}:(?:(?!{_MARK})[^\s/"'<>]){{1,256}}(?=@)""",
    ),
    "dsn": (r"(?<!\[redacted):", rf"""(?:(?!{_MARK})[^\s:/"'<>]){{1,128}}(?=@(?:tcp|unix)\()"""),
    "webhook": (r"hooks\.slack\.com/[a-z]{1,16}/", r"[\w/-]{8,}+"),
}
_WORD_STARTS: Final = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"


def _compiled() -> re.Pattern[str]:
    tokens = "|".join(rf"(?P<{kind}>(?:{form})\w*+)" for kind, form in _TOKENS.items())
    settings = (rf"(?:{kept})(?P<{kind}>{hidden})" for kind, (kept, hidden) in _SETTINGS.items())
    return re.compile("|".join((f"{_WORD_STARTS}(?:{tokens})", *settings)), re.VERBOSE)


_SECRET: Final = _compiled()


def redact(text: str) -> str:
    """Put `[redacted:kind]` in the place of every secret in `text`."""
    return _SECRET.sub(_marked, text)


def redacted(value: Any) -> Any:
    """Redact every text in a JSON-like value, of any depth; keys stay as they are."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return value


def _marked(match: re.Match[str]) -> str:
    kind = str(match.lastgroup)
    return f"{match[0][: match.start(kind) - match.start()]}[redacted:{kind}]"
