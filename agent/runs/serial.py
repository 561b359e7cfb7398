"""Values of a run as JSON and back: those that our channels hold, and no others.

What JSON lacks is an object with one key that begins with `!` and names the kind: `!tuple`,
`!time`, `!Evidence`. No name in it is ever imported or called; a kind that is not listed here is
refused.
Every text is redacted on the way in, but for the SQL that is run again and its digest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson
from langgraph.types import Send

from agent import budget, config, state
from agent.errors import RunError
from agent.redaction import redact

AS_IT_IS: Final = frozenset({"sql", "digest"})

_WIDEST: Final = 2**63
_VALUES: Final[dict[str, type]] = {
    name: kind
    for module in (state, config, budget)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module.__name__
}
_FIELDS: Final = {kind: tuple(f.name for f in fields(kind)) for kind in _VALUES.values()}

_WRITE: Final[tuple[tuple[type, str, Callable[[Any], Any]], ...]] = (
    (datetime, "time", datetime.isoformat),
    (date, "date", date.isoformat),
    (time, "clock", time.isoformat),
    (timedelta, "seconds", lambda value: [value.days, value.seconds, value.microseconds]),
    (Decimal, "decimal", str),
    (bytes, "bytes", bytes.hex),
    (Path, "path", str),
    (int, "int", str),
    (float, "float", repr),
)
_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "time": datetime.fromisoformat,
    "date": date.fromisoformat,
    "clock": time.fromisoformat,
    "seconds": lambda value: timedelta(*value),
    "decimal": Decimal,
    "bytes": bytes.fromhex,
    "path": Path,
    "int": int,
    "float": float,
    "tuple": lambda value: tuple(map(_read, value)),
    "set": lambda value: set(map(_read, value)),
    "frozenset": lambda value: frozenset(map(_read, value)),
    "dict": lambda value: {_read(key): _read(item) for key, item in value},
}


def dumps(value: Any) -> bytes:
    """A value as JSON; RunError names the type that no channel of ours holds.

    What several `Send`s hold in common, as one state sent to many, is written once.
    """
    shared = _Shared()
    body = shared.written(value)
    return orjson.dumps({"!shared": [shared.values, body]} if shared.values else body)


def loads(text: bytes) -> Any:
    """The value that `dumps` wrote; RunError if it is none. Nothing but our own kinds is made."""
    try:
        return _read(orjson.loads(text))
    except (ValueError, TypeError, KeyError, IndexError, ArithmeticError, RecursionError) as error:
        raise RunError(
            f"A value kept of a run cannot be read ({type(error).__name__}); expected JSON of "
            "the kinds that an investigation holds."
        ) from error


@lru_cache(maxsize=4096)
def _safe(text: str) -> str:
    return redact(text)


@dataclass(slots=True)
class _Shared:
    """What is written once of one value, and where in `values` each of it stands."""

    values: list[Any] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict)

    def written(self, value: Any) -> Any:
        """A value as orjson takes it."""
        kind = type(value)
        if kind is str:
            return _safe(value)
        if value is None or kind is bool or _is_number(value):
            return value
        if kind in _FIELDS:
            return {f"!{kind.__name__}": {f: self._field(f, value) for f in _FIELDS[kind]}}
        if kind is list:
            return [*map(self.written, value)]
        if kind in (tuple, set, frozenset):
            return {f"!{kind.__name__}": [*map(self.written, value)]}
        if isinstance(value, Mapping):
            return self._mapping(value)
        if kind is Send:
            return {"!Send": [value.node, self._sent(value.arg)]}
        if isinstance(value, BaseException):  # why a node failed: to be read, not to be raised
            return _safe(f"{kind.__name__}: {value}")
        return _leaf(value)

    def _field(self, name: str, of: Any) -> Any:
        value = getattr(of, name)
        return value if name in AS_IT_IS and isinstance(value, str) else self.written(value)

    def _mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        if all(type(key) is str and not key.startswith("!") for key in value):
            return {_safe(key): self.written(item) for key, item in value.items()}
        return {"!dict": [[self.written(key), self.written(item)] for key, item in value.items()]}

    def _sent(self, arg: Any) -> Any:
        if not isinstance(arg, dict):
            return self.written(arg)
        return {key: self._once(item) for key, item in arg.items()}

    def _once(self, item: Any) -> Any:
        if isinstance(item, str | int | float | None):
            return self.written(item)
        if id(item) not in self._places:
            written = self.written(item)
            self._places[id(item)] = len(self.values)
            self.values.append(written)
        return {"!same": self._places[id(item)]}


def _is_number(value: Any) -> bool:
    """Whether JSON holds a number as it is."""
    if type(value) is int:
        return -_WIDEST <= value < _WIDEST
    return type(value) is float and math.isfinite(value)


def _leaf(value: Any) -> dict[str, Any]:
    for known, name, write in _WRITE:
        if isinstance(value, known):
            return {f"!{name}": write(value)}
    raise RunError(
        f"A run cannot keep a {type(value).__name__}; expected a value of an investigation."
    )


def _read(value: Any, shared: Sequence[Any] = ()) -> Any:
    if isinstance(value, list):
        return [_read(item, shared) for item in value]
    if not isinstance(value, dict):
        return value
    kind = next(iter(value), "")
    if not kind.startswith("!"):
        return {key: _read(item, shared) for key, item in value.items()}
    (body,) = value.values()
    if known := _VALUES.get(kind[1:]):
        return known(**{name: _read(item) for name, item in body.items()})
    match kind:
        case "!shared":
            return _read(body[1], _read(body[0]))
        case "!same":
            return shared[body]
        case "!Send":
            return Send(body[0], _read(body[1], shared))
    return _READ[kind[1:]](body)
