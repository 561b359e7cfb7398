"""Where a claim stands: the rows of a piece of evidence, read once and searched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from agent.nodes.claims import Claim
from agent.quotes import plain
from agent.redaction.beside import HIDDEN, is_in_order

Rows = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_DAY = 86_400
_TEXT, _NUMBER, _TIME = "(large_)?string", "u?int|double|float|halffloat|decimal", "timestamp"
_UNITS = {
    "ms": "ms", "milliseconds": "ms", "us": "µs", "ns": "ns", "s": "s", "seconds": "s",
    "min": "min", "minutes": "min", "h": "h", "hours": "h", "bytes": "B", "kib": "KiB",
    "mib": "MiB", "gib": "GiB", "percent": "%", "pct": "%", "share": "%", "ratio": "%",
}  # fmt: skip
_SAME = {"us": "µs", "By": "B", "seconds": "s", "milliseconds": "ms", "percent": "%"}
_PLACES = frozenset({"bucket", "buckets", "slots", "row", "rank", "ordinal", "position", "index"})
# What only tells one from another; it is said with what it is: "port 5432".
_IDENTITIES = re.compile(
    r"(?:.*_)?(?:u?id|pid|port|code|status|holder|revision|generation)|has|inside"
)
_LITERAL = re.compile(r"--[^\n]*|/\*.*?\*/|'((?:[^']|'')*)'", re.DOTALL)
_WIDTH = re.compile(r"// \((\d+) \* 1000000\)")
_COMMIT = re.compile(r"[0-9a-f]{7,39}")
_MOST_RATIOS = 64  # rows
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "ms": 1e-3}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a claim was found: of which evidence, in which row (from 1) and column, as what."""

    evidence: str
    row: int = 0
    column: str = ""
    cell: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True)
class Texts:
    """A column's texts, each once as written and as compared, and which row has which."""

    column: str
    written: list[str]
    texts: list[str]
    codes: Ints
    rows: Ints


@dataclass(frozen=True, slots=True)
class Values:
    """A column's numbers, and the row that each is of."""

    column: str
    values: Floats
    rows: Ints

    @property
    def unit(self) -> str:
        """The unit that the column's name tells; "per_min" is none."""
        words = self.column.casefold().replace("per_min", "").split("_")
        return next((_UNITS[word] for word in reversed(words) if word in _UNITS), "")

    def tells(self, called: str) -> bool:
        """Whether its numbers count or measure, or are what the sentence says they are."""
        if self.column in _PLACES:
            return False
        return bool(called) or not _IDENTITIES.fullmatch(self.column)


@dataclass(frozen=True, slots=True)
class Times:
    """A column's times in seconds since 1970, and the row that each is of."""

    column: str
    values: Floats
    rows: Ints


@dataclass
class Standing:
    """The rows of one piece of evidence and the parameters of its query, ready to be searched."""

    evidence: str
    table: pa.Table
    sql: str
    _known: dict[str, list[tuple[Texts, int]]] = field(default_factory=dict)
    _read: dict[str, list[Texts | Values | Times]] = field(default_factory=dict)

    def _column(self, name: str) -> list[Texts | Values | Times]:
        """What a column holds, read when it is first asked for."""
        if name not in self._read:
            chunked = self.table.column(name)
            column = chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()
            rows = np.arange(len(column), dtype=np.int64)
            made = (_made(name, *leaf) for leaf in _leaves(column, rows))
            self._read[name] = [one for one in made if one is not None]
        return self._read[name]

    @cached_property
    def _texts(self) -> list[Texts]:
        return [one for one in self._every(_TEXT) if isinstance(one, Texts)]

    @cached_property
    def _numbers(self) -> list[Values]:
        return [one for one in self._every(_NUMBER) if isinstance(one, Values)]

    @cached_property
    def _times(self) -> list[Times]:
        return [one for one in self._every(_TIME) if isinstance(one, Times)]

    def _every(self, kinds: str) -> Iterator[Texts | Values | Times]:
        """The columns whose type may hold values of a kind; others need not be read."""
        for of_column in self.table.schema:
            if re.search(kinds, str(of_column.type)):
                yield from self._column(of_column.name)

    @cached_property
    def _parameters(self) -> list[str]:
        """The literals of the query, as compared."""
        found = (m[1].replace("''", "'") for m in _LITERAL.finditer(self.sql) if m[1])
        return list(dict.fromkeys(map(_compared, found)))

    @cached_property
    def _bounds(self) -> list[datetime]:
        """The times that the query was asked about."""
        found = []
        for literal in self._parameters:
            try:
                at = datetime.fromisoformat(literal.upper())
            except ValueError:
                continue
            found.append(at if at.tzinfo else at.replace(tzinfo=UTC))
        return found

    def texts(self, columns: frozenset[str]) -> Iterator[str]:
        """The texts of columns, as compared."""
        for name in columns.intersection(self.table.column_names):
            for column in self._column(name):
                if isinstance(column, Texts):
                    yield from column.texts

    def rows_with(self, name: str) -> Rows | None:
        """The rows that say a name; None if no row does."""
        found = self._said(name)
        if not found:
            return None
        mask = np.zeros(len(self.table), dtype=np.bool_)
        for column, code in found:
            mask[column.rows[column.codes == code]] = True
        return mask

    def named(self, name: str) -> Place | None:
        """Where a name stands: in a row by itself, its parts in one row, or asked for."""
        if found := self._said(name):
            column, code = found[0]
            return self._text(column, code)
        if "/" in name and (place := self._joined([p for p in name.split("/") if p], " / ")):
            return place
        asked = next(filter(_holder(_compared(name)), self._parameters), None)
        return None if asked is None else Place(self.evidence, cell=asked, how="asked for")

    def quoted(self, quote: str) -> Place | None:
        """Where a quotation stands: within a cell, or its parts within the cells of one row."""
        shown = _shown(quote)
        if place := self._holding(lambda column, code: is_in_order(shown, column.texts[code])):
            return place
        parts = [p for p in re.split(r": |[=,] ?", quote) if p.strip()]
        if place := self._joined(parts, ": ", whole=False):
            return place
        words = list(map(_shown, parts))
        asked = (p for p in self._parameters if all(is_in_order(word, p) for word in words))
        cell = next(asked, None)
        return None if cell is None else Place(self.evidence, cell=cell, how="asked for")

    def worded(self, number: str) -> Place | None:
        """Where a number stands as all of a text, as that of a version."""
        return self._holding(lambda column, code: column.texts[code] == number)

    def counted(self, claim: Claim, among: Rows | None) -> Place | None:
        """Where a number stands: a cell that rounds to it, a word of a text, or how many there are.

        `among` are the rows that are about what the sentence names; None for all.
        """
        value, decimals = _stated(claim.text)
        parts = self._parts_of(claim.out_of) if claim.out_of else None
        if parts is not None:
            among = parts if among is None else among & parts
        for column, mask in self._measured(claim):
            hits = _rounds_to(column.values, value, decimals)
            for rows in (among, mask):
                if rows is not None:
                    hits &= rows[column.rows]
            if hits.any():
                at = int(hits.argmax())
                return self._cell(column, at, claim.text)
        if place := self._within(claim.text, among, claim.unit):
            return place
        counted = not (claim.unit or decimals) and parts is None
        if counted and (place := self._many(int(value), among)):
            return place
        return self._ratio(value, decimals, among) if claim.unit == "%" else None

    def timed(self, claim: Claim, among: Rows | None) -> Place | None:
        """Where a time stands: in a cell to the second, in a text, or asked about."""
        for column in self._times:
            hits = _at_clock(column.values, claim.text)
            if among is not None:
                hits &= among[column.rows]
            if hits.any():
                at = int(hits.argmax())
                moment = datetime.fromtimestamp(column.values[at], UTC)
                return Place(self.evidence, int(column.rows[at]) + 1, column.column, f"{moment}")
        for bound in self._bounds:
            if _at_clock(np.array([bound.timestamp()]), claim.text)[0]:
                return Place(self.evidence, cell=f"{bound}", how="asked about")
        return self._within(claim.text, among)

    def dated(self, at: datetime) -> Place | None:
        """Where a moment stands: in a cell, as the beginning of a bucket, or asked about."""
        moment = at.timestamp()
        for column in self._times:
            hits = np.abs(column.values - moment) < 1e-3
            if hits.any():
                row = int(column.rows[int(hits.argmax())]) + 1
                return Place(self.evidence, row, column.column, f"{at}")
        if at in self._bounds:
            return Place(self.evidence, cell=f"{at}", how="asked about")
        return self._of_bucket(at)

    def lasted(self, claim: Claim, moments: list[float], among: Rows | None) -> Place | None:
        """Where a duration stands: between a moment of the sentence and a time in a cell."""
        value, decimals = _stated(claim.text)
        size = _SECONDS[claim.unit]
        for column in self._times:
            for moment in moments:
                apart = np.abs(column.values - moment)
                apart = np.minimum(apart % _DAY, _DAY - apart % _DAY) / size
                hits = np.abs(apart - value) <= 0.5 * 10.0**-decimals + 1.0 / size
                if among is not None:
                    hits &= among[column.rows]
                if hits.any():
                    at = int(hits.argmax())
                    cell = f"{datetime.fromtimestamp(column.values[at], UTC)}"
                    row = int(column.rows[at]) + 1
                    return Place(self.evidence, row, column.column, cell, "time between")
        return None

    def _measured(self, claim: Claim) -> Iterator[tuple[Values, Rows | None]]:
        """The numbers that may be meant, and in which rows: those that are in the claim's unit."""
        for column in self._numbers:
            if not column.tells(claim.called):
                continue
            if not claim.unit or column.unit == claim.unit:
                yield column, None
            elif not column.unit:
                yield column, self._in_unit(claim.unit)

    def _in_unit(self, unit: str) -> Rows:
        """The rows whose own column `unit` says it."""
        mask = np.zeros(len(self.table), dtype=np.bool_)
        for column in self._column("unit") if "unit" in self.table.column_names else ():
            if isinstance(column, Texts):
                of_it = [_SAME.get(told, told) == unit for told in column.written]
                mask[column.rows[np.array(of_it, dtype=np.bool_)[column.codes]]] = True
        return mask

    def _parts_of(self, whole: str) -> Rows | None:
        """The rows that hold the number of which another is a part; None where it is counted."""
        mask = np.zeros(len(self.table), dtype=np.bool_)
        value, decimals = _stated(whole)
        for column in self._numbers:
            if column.tells(""):
                mask[column.rows[_rounds_to(column.values, value, decimals)]] = True
        for texts, code in self._said(whole):
            mask[texts.rows[texts.codes == code]] = True
        return mask if mask.any() or not self._many(int(value), None) else None

    def _of_bucket(self, at: datetime) -> Place | None:
        """The bucket that begins or ends at a moment."""
        width, bounds = _WIDTH.search(self.sql), self._bounds
        if not (width and bounds):
            return None
        number = (at - min(bounds)).total_seconds() / int(width[1])
        if number != int(number):
            return None
        for column in self._numbers:
            if column.column in ("bucket", "buckets"):
                hits = (column.values == number) | (column.values == number - 1)
                if hits.any():
                    return self._cell(column, int(hits.argmax()), "", "bucket")
        return None

    def _said(self, name: str) -> list[tuple[Texts, int]]:
        word = _compared(name)
        if word not in self._known:
            holds = _holder(word)
            self._known[word] = [
                (column, code)
                for column in self._texts
                for code, text in enumerate(column.texts)
                if holds(text)
            ]
        return self._known[word]

    def _within(self, word: str, among: Rows | None, unit: str = "") -> Place | None:
        """A cell whose text has a word or, of a number in a unit, both."""
        both = re.compile(rf"(?<![\w.:-]){re.escape(word)} ?{re.escape(unit)}(?![\w/%])", re.I)
        for column, code in self._said(word):
            if unit and not both.search(column.texts[code]):
                continue
            if among is None or among[column.rows[column.codes == code]].any():
                return self._text(column, code)
        return None

    def _joined(self, parts: list[str], joint: str, *, whole: bool = True) -> Place | None:
        """The row whose cells say every part of what was joined."""
        if len(parts) < 2:
            return None
        mask = np.ones(len(self.table), dtype=np.bool_)
        for part in parts:
            has = self.rows_with(part) if whole else self._rows_holding(_shown(part))
            if has is None:
                return None
            mask &= has
        row = int(mask.argmax()) if mask.any() else -1
        return None if row < 0 else Place(self.evidence, row + 1, cell=joint.join(parts))

    def _rows_holding(self, shown: list[str]) -> Rows | None:
        mask = np.zeros(len(self.table), dtype=np.bool_)
        for column in self._texts:
            for code, cell in enumerate(column.texts):
                if is_in_order(shown, cell):
                    mask[column.rows[column.codes == code]] = True
        return mask if mask.any() else None

    def _many(self, count: int, among: Rows | None) -> Place | None:
        """Rows, or rows that are about it, or entries of a cell, of which there are so many."""
        if count == len(self.table) or (among is not None and count == int(among.sum())):
            return Place(self.evidence, cell=f"{count} rows", how="counted")
        for name in self.table.column_names:
            column = self.table.column(name)
            if pa.types.is_list(column.type):
                sizes = pc.list_value_length(column).to_numpy(zero_copy_only=False)
                hits = sizes == count
                if among is not None:
                    hits &= among
                if hits.any():
                    at = int(hits.argmax())
                    return Place(self.evidence, at + 1, name, f"{count} entries", "counted")
        return None

    def _ratio(self, value: float, decimals: int, among: Rows | None) -> Place | None:
        """A share in percent of two counts of one row, where the evidence is small."""
        rows = np.arange(len(self.table)) if among is None else np.flatnonzero(among)
        if len(rows) > _MOST_RATIOS:
            return None
        counts = (c for c in self._numbers if c.tells("") and not c.unit)
        whole = [c for c in counts if (c.values == np.floor(c.values)).all()]
        for row in rows.tolist():
            of_row = [(c.column, float(v)) for c in whole for v in c.values[c.rows == row][:1]]
            for (of, part), (out_of, total) in combinations(of_row, 2):
                for a, b, names in ((part, total, (of, out_of)), (total, part, (out_of, of))):
                    if 0 <= a <= b and b and round(100 * a / b, decimals) == value:
                        return Place(
                            self.evidence, row + 1, "/".join(names), f"{a:g}/{b:g}", "share"
                        )
        return None

    def _holding(self, holds: Callable[[Texts, int], bool]) -> Place | None:
        """The first text for which something holds."""
        for column in self._texts:
            for code in range(len(column.texts)):
                if holds(column, code):
                    return self._text(column, code)
        return None

    def _text(self, column: Texts, code: int) -> Place:
        row = int(column.rows[int((column.codes == code).argmax())]) + 1
        return Place(self.evidence, row, column.column, column.written[code])

    def _cell(self, column: Values, at: int, stated: str, how: str = "") -> Place:
        cell = f"{column.values[at]:.15g}"
        how = how or ("" if cell == stated.replace(",", "") else f"rounds to {stated}")
        return Place(self.evidence, int(column.rows[at]) + 1, column.column, cell, how)


def _leaves(array: Any, rows: Ints) -> Iterator[tuple[Any, Ints]]:
    """The flat arrays of a column of any depth, without NULLs, and the row of each value."""
    if array.null_count:
        kept = array.is_valid().to_numpy(zero_copy_only=False)
        array, rows = array.filter(pa.array(kept)), rows[kept]
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        parents = pc.list_parent_indices(array).to_numpy()
        yield from _leaves(array.flatten(), rows[parents])
    elif pa.types.is_struct(array.type):
        for place in range(array.type.num_fields):
            yield from _leaves(array.field(place), rows)
    else:
        yield array, rows


def _made(name: str, array: Any, rows: Ints) -> Texts | Values | Times | None:
    """The values of a flat array by what they are; None of what no sentence tells."""
    kind = str(array.type)
    if re.match(_TEXT, kind):
        encoded = array.dictionary_encode()
        written = encoded.dictionary.to_pylist()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return Texts(name, written, list(map(_compared, written)), codes, rows)
    if re.match(_TIME, kind):
        return Times(name, _seconds(array), rows)
    return Values(name, _floats(array), rows) if re.match(_NUMBER, kind) else None


def _floats(array: Any) -> Floats:
    found: Floats = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return found


def _seconds(array: Any) -> Floats:
    micros = array.cast(pa.timestamp("us", tz="UTC"), safe=False).cast(pa.int64())
    found: Floats = micros.to_numpy(zero_copy_only=False) / 1e6
    return found


def _compared(text: str) -> str:
    """A text as it is compared: without the marks that quote, white space and case."""
    return " ".join(plain(text).split()).casefold()


def _shown(text: str) -> list[str]:
    """What a text shows, as compared, beside what it hides."""
    return HIDDEN.split(_compared(text))


def _holder(word: str) -> Callable[[str], bool]:
    """Tells whether a text holds a word by itself, or what of it is not hidden."""
    if len(shown := HIDDEN.split(word)) > 1:
        return lambda text: is_in_order(shown, text)
    alone = _alone(word)
    return lambda text: word in text and alone.search(text) is not None


def _alone(word: str) -> re.Pattern[str]:
    """Finds a word by itself, not as a part of a longer name, number or time.

    A commit's first digits stand for all of them.
    """
    more = "[0-9a-f]*" if _COMMIT.fullmatch(word) else ""
    return re.compile(rf"(?<![\w.:-]){re.escape(word)}{more}(?![\w-]|[.:]\w)")


def _stated(stated: str) -> tuple[float, int]:
    """A number as written, and to how many decimals."""
    bare = stated.replace(",", "")
    return float(bare), len(bare.partition(".")[2])


def _rounds_to(cells: Floats, value: float, decimals: int) -> Rows:
    """Which cells round to a number as stated, by its decimals or by three digits."""
    with np.errstate(invalid="ignore", over="ignore"):
        hits: Rows = np.abs(cells - value) <= 0.5 * 10.0**-decimals * (1 + 1e-9)
        if value and value == float(f"{value:.3g}"):
            digit = 10.0 ** (np.floor(np.log10(abs(value))) - 2)
            hits |= np.abs(cells - value) <= 0.5 * digit * (1 + 1e-9)
    return hits


def _at_clock(seconds: Floats, stated: str) -> Rows:
    """Which moments are at a time of day as written: `14:06:10`, `14:06`, `21 Nov 14:06:10`."""
    day, _, clock = stated.rpartition(" ")
    hours, minutes, *rest = map(int, clock.split(":"))
    size = 1 if rest else 60
    wanted = (hours * 3600 + minutes * 60 + sum(rest)) // size
    hits: Rows = (np.floor(seconds) % _DAY) // size == wanted
    if day:
        dates = [f"{datetime.fromtimestamp(s, UTC):%d %b}" for s in seconds[hits]]
        hits[hits] = [date.lstrip("0") == day.lstrip("0") for date in dates]
    return hits
