"""Identifiers of people: each has a pseudonym, the same wherever it stands in reports of one lake.

`[email:3fa9c1]` is an HMAC of the address under the lake's own key, so that it needs no order and
no memory: looks that run side by side, a run that was killed and goes on, and a report of next year
all say the same. Who may read the lake may turn it back; nobody else can.
"""

from __future__ import annotations

import hmac
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Final

from agent.redaction.spans import MARKED, Span, at_each
from agent.redaction.unseen import is_named_id

_log = logging.getLogger(__name__)

KEY_FILE: Final = "identifiers.key"
KEY_BYTES: Final = 32
MARK: Final = re.compile(r"\[(?:email|phone|card|national_id|person):[0-9a-f]{6}\]")
_MARK: Final = re.compile(rf"{MARKED}\w{{1,32}}\]\Z")

_LOCAL: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-")
_DOMAIN: Final = re.compile(
    r"@(?:[A-Za-z0-9-]{1,63}\.){1,8}(?!(?:internal|local|localdomain|lan|svc|service"
    r"|socket|timer|target|mount|scope|slice|device|path|swap|js|ts|py|rb|go|sh|git|tgz|gz|zip|jar)"
    r"\b)[A-Za-z]{2,24}(?![\w@-]|\.[A-Za-z0-9]|:[^\s:]{1,256}/)"
)
_OF_MACHINES: Final = ".gserviceaccount.com"
_INTERNATIONAL: Final = re.compile(r"\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,5}\)?){1,6}(?![\w:]|[.-]\d)")
_IS: Final = r"""\\?["']?\s{0,8}[:=]\s{0,8}\\?["']?"""
_CALLED: Final = re.compile(
    rf"""(?i:(?:phone|mobile|msisdn|fax)(?:[_ -]?(?:number|no|nr))?){_IS}
      (?P<phone>\+?\(?\d[\d ().-]{{5,20}}\d)(?!\w)""",
    re.VERBOSE,
)
_NAMES: Final = ("first", "last", "full", "given", "family", "customer")
_OF_A_NAME: Final = "|".join(rf"(?<={one})|(?<={one}[_ .-])" for one in _NAMES)
_PERSON: Final = re.compile(
    rf"""(?i:(?:{_OF_A_NAME}|(?<=user)|(?<=user_))name|enduser[._]id){_IS}
      (?!\[)(?P<person>(?<=["'])[^"'\\\r\n\[\]]{{1,64}}+|(?<!["'])[^\s"'\\,;&)}}\[\]]{{1,64}}+)""",
    re.VERBOSE,
)
_BY_NAME: Final = (
    ("phone", _CALLED, ("phone", "mobile", "msisdn", "fax")),
    ("person", _PERSON, ("name", "enduser")),
)
_ACCOUNT: Final = re.compile(
    r"(?i)(?:root|admin\w*|administrator|nobody|anonymous|guest|system|daemon|postgres|mysql|redis"
    r"|null|none|nil|unknown|default|user|username|true|false|www-data|ubuntu|ec2-user|-|\*+"
    r"|.*(?:[:/$@\\%{<]|\b(?:bot|svc|service|app|api|db|robot|agent|sa)\b|_(?:svc|app|ro|rw)$).*|\d+)"
)
"""Users that are no people: of machines, services and databases."""

_NUMBERS: Final = re.compile(
    r"""(?=[(\d])(?<![\w./+-])(?:
      (?P<card>(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|65\d\d|64[4-9]\d|35[2-8]\d|62\d\d)
         (?P<by>[ -]?)\d{4}(?P=by)\d{4}(?P=by)\d{4}
       | 3[47]\d\d[ -]?\d{6}[ -]?\d{5} | 3(?:0[0-5]|[68]\d)\d[ -]?\d{6}[ -]?\d{4})
     |(?P<ssn>(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4})
     |(?P<cpf>\d{3}\.\d{3}\.\d{3}-\d\d)
     |(?P<dni>\d{8}-?[A-HJ-NP-TV-Z])
     |(?P<nir>[12][ ]?\d\d[ ]?(?:0[1-9]|1[0-2]|20)[ ]?\d\d[ ]?\d{3}[ ]?\d{3}[ ]?\d\d)
     |(?P<personnummer>\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])[-+]\d{4})
     |(?P<phone>\(?[2-9]\d\d\)?[ -][2-9]\d\d-\d{4})
    )(?![\w]|[.:-]\d)""",
    re.VERBOSE,
)
_LETTERED: Final = re.compile(
    r"""[A-Z](?<![\w./+-].)(?:
      (?P<dni>(?<=[XYZ])-?\d{7}-?[A-HJ-NP-TV-Z])
     |(?P<codice>[A-Z]{5}\d\d[ABCDEHLMPRST]\d\d[A-Z]\d{3}[A-Z])
     |(?P<iban>[A-Z]\d\d(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?)
    )(?![\w]|[.:-]\d)""",
    re.VERBOSE,
)


def identifiers(text: str, lowered: str) -> Iterator[Span]:
    """Find e-mail addresses, phone numbers, payment cards, national ids and names of people."""
    yield from _addresses(text)
    if "+" in text:
        for found in at_each(text, lowered, "+", _INTERNATIONAL):
            before = text[found.start() - 1 : found.start()]
            is_part = before.isalnum() or before in {"+", "/"} or _is_marked(text, found.start())
            if 10 <= _digits(found[0]) <= 15 and not is_part:
                yield _identifier(*found.span(), "phone")
    for form in (_NUMBERS, _LETTERED):
        for found in form.finditer(text):
            kind = next(name for name in _CHECKS if found.groupdict().get(name))
            if _CHECKS[kind](found[0]) and not is_named_id(text, found.start()):
                yield _identifier(*found.span(), _SHOWN.get(kind, "national_id"))
    for kind, form, anchors in _BY_NAME:
        for anchor in anchors:
            for found in at_each(text, lowered, anchor, form):
                if kind == "phone" or not _ACCOUNT.fullmatch(found[kind]):
                    yield _identifier(*found.span(kind), kind)


def _is_marked(text: str, at: int) -> bool:
    """Whether what stands right before `at` was redacted, so that it was a word that went on."""
    return text[at - 1 : at] == "]" and bool(_MARK.search(text[max(0, at - 40) : at]))


def _identifier(start: int, end: int, kind: str) -> Span:
    return Span(start, end, kind, 5, keeps=True)


def _addresses(text: str) -> Iterator[Span]:
    at = text.find("@")
    while at >= 0:
        start = at
        while start > max(0, at - 64) and text[start - 1] in _LOCAL:
            start -= 1
        while start < at and text[start] in ".%+-":
            start += 1
        found = _DOMAIN.match(text, at) if start < at else None
        if found and text[start:at] != "git" and not found[0].endswith(_OF_MACHINES):
            yield _identifier(start, found.end(), "email")
        at = text.find("@", found.end() if found else at + 1)


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _luhn(text: str) -> bool:
    """Whether the digits of `text` pass ISO/IEC 7812-1's check."""
    digits = [int(one) for one in text if one.isdigit()][::-1]
    return sum(digits[::2] + [sum(divmod(2 * one, 10)) for one in digits[1::2]]) % 10 == 0


def _iban(text: str) -> bool:
    """Whether `text` passes ISO 13616's check, as real numbers of 15 to 34 characters do."""
    plain = text.replace(" ", "")
    moved = "".join(str(int(one, 36)) for one in plain[4:] + plain[:4])
    return 15 <= len(plain) <= 34 and int(moved) % 97 == 1


def _dni(text: str) -> bool:
    plain = text.replace("-", "")
    number = plain[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == plain[-1]


def _cpf(text: str) -> bool:
    digits = [int(one) for one in text if one.isdigit()]
    sums = (sum(d * (n + 1 - i) for i, d in enumerate(digits[:n])) for n in (9, 10))
    return [one * 10 % 11 % 10 for one in sums] == digits[9:]


def _nir(text: str) -> bool:
    plain = text.replace(" ", "")
    return 97 - int(plain[:13]) % 97 == int(plain[13:])


def _codice(text: str) -> bool:
    odd = (
        1,
        0,
        5,
        7,
        9,
        13,
        15,
        17,
        19,
        21,
        2,
        4,
        18,
        20,
        11,
        3,
        6,
        8,
        12,
        14,
        16,
        10,
        22,
        25,
        24,
        23,
    )
    values = [int(one) if one.isdigit() else ord(one) - 65 for one in text[:15]]
    total = sum(odd[one] if at % 2 == 0 else one for at, one in enumerate(values))
    return chr(65 + total % 26) == text[15]


_SHOWN: Final = {"card": "card", "phone": "phone"}
_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "card": _luhn,
    "ssn": lambda _: True,
    "cpf": _cpf,
    "dni": _dni,
    "nir": _nir,
    "personnummer": _luhn,
    "codice": _codice,
    "phone": lambda _: True,
    "iban": _iban,
}


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """What identifiers are called under one key; `known` is what each pseudonym stands for."""

    key: bytes = field(repr=False)
    known: dict[str, str] = field(default_factory=dict, repr=False)

    def of(self, kind: str, value: str) -> str:
        """The pseudonym of an identifier, however it is spelled."""
        plain = value.lower() if kind in {"email", "person"} else re.sub(r"[^\w+]", "", value)
        digest = hmac.digest(self.key, f"{kind}\0{plain}".encode(), sha256)
        mark = f"[{kind}:{digest.hex()[:6]}]"
        if self is not _OF_NO_LAKE:
            self.known.setdefault(mark, value)
        return mark


_OF_NO_LAKE: Final = Pseudonyms(token_bytes(KEY_BYTES))
"""Where no lake is open nobody turns a pseudonym back: its key goes with the process."""

_pseudonyms: ContextVar[Pseudonyms] = ContextVar("pseudonyms", default=_OF_NO_LAKE)


def pseudonym(kind: str, value: str) -> str:
    """What an identifier is called here and now."""
    return _pseudonyms.get().of(kind, value)


@contextmanager
def identified(lake: Path) -> Iterator[Pseudonyms]:
    """Call people by the pseudonyms of `lake` for the time of the `with`, and remember whom."""
    within = Pseudonyms(_key(lake / KEY_FILE))
    token = _pseudonyms.set(within)
    try:
        yield within
    finally:
        _pseudonyms.reset(token)


def _key(path: Path) -> bytes:
    """The key in a file that only its owner may read, made when it is first asked for.

    Where it is of no use, which is told, the key is this process's: nobody finds a way back.
    """
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        why = f"{path} can be neither read nor made: {error.strerror}"
    else:
        if len(key) == KEY_BYTES:
            return key
        why = f"{path} holds {len(key)} bytes, expected {KEY_BYTES}; without it one is made"
    _log.warning("Pseudonyms of people are those of this run alone: %s.", why)
    return _OF_NO_LAKE.key


def _make(path: Path) -> None:
    """Write a new key as a whole file; who comes second takes that of the first."""
    draft = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
