"""Whether a sentence only words facts anew: their words, of those of whom they say them.

No grammar is known here. What a sentence adds, denies, moves to another time or says of another
stands in no fact like that; where it blames, it names the culprit; what begins as an order is one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import pairwise

_MARK = r"[;:,()\u2013\u2014]|\.(?!\S)"
_WORD = r"\w(?:[\w./:+-]*\w)?"
_ENDING = re.compile(r"(?:ing|ed|es|s|e)$")
_ITSELF = frozenset({"itself"})  # of whom a clause speaks that has a subject of its own
_FIGURE = "#"
_JOINED = 3  # words between two names of one thing


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called: by a name, in small letters, whatever it may stand for.

    `culprits` are to blame, `reached` felt it: nobody else stands in a sentence that blames.
    """

    known: dict[str, frozenset[str]]
    culprits: frozenset[str] = frozenset()
    reached: frozenset[str] = frozenset()

    def blames(self, named: Iterable[frozenset[str]]) -> bool:
        """Whether there are names, and all are of the culprit."""
        every = list(named)
        return bool(every) and all(one & self.culprits for one in every)


@dataclass(frozen=True, slots=True)
class _Word:
    """A word as it is compared, and where it stands.

    `names` is what it may stand for, `by` of whom it is said and `owned` how it is theirs, `under`
    what turns it round, `before` what it governs, `goes_with` its particle, `behind` what goes
    before. A clause has one subject; a part may rest on a fact of its own.
    """

    said: str
    key: str
    clause: int
    part: int
    names: frozenset[str] = frozenset()
    under: frozenset[str] = frozenset()
    by: frozenset[str] = frozenset()
    owned: str = ""
    behind: str = ""
    goes_with: str = ""
    before: frozenset[str] = frozenset()

    @property
    def is_figure(self) -> bool:
        """Whether it is a number, a time, a version."""
        return any(letter.isdigit() for letter in self.said)

    @property
    def says_something(self) -> bool:
        """Whether it is more than a name or a joint of the sentence."""
        return not self.names and self.said not in _list("joining") | _list("describing")


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence of the engine's; one `about` an innocent change is said only with its name."""

    text: str
    about: str
    words: list[_Word]


def fact(text: str, about: str, names: Names) -> Fact:
    """A sentence of the engine's, read."""
    return Fact(text, about, _read(text, names))


def restates(text: str, facts: Sequence[Fact], names: Names) -> bool:
    """Whether every part of a sentence is carried by a fact, or blames whom the facts blame."""
    words = _read(text, names)
    named = frozenset[str]().union(*(word.names for word in words))
    told = [fact for fact in facts if not fact.about or fact.about in named]
    if not words or not _tells(text, told, names):
        return False
    done = {0}
    for end in range(1, len(words) + 1):
        if end < len(words) and words[end].part == words[end - 1].part:
            continue
        parts = (words[begin:end] for begin in done)
        if any(_carried(part, told, names) for part in parts):
            done.add(end)
    return len(words) in done


def accused(text: str, names: Names) -> frozenset[str]:
    """Whom of the names a sentence names that says who caused what; nobody if it does not."""
    words = _read(text, names)
    if not any(_blames(words, at) for at in range(len(words))):
        return frozenset()
    return frozenset[str]().union(*(word.names for word in words))


def _carried(part: list[_Word], facts: list[Fact], names: Names) -> bool:
    """Whether one fact says all of a part; where it blames, all facts on the culprit together."""
    if not any(word.says_something for word in part):
        return False
    at = [n for n in range(len(part)) if _blames(part, n)]
    if not at:
        return any(_says(fact, part) for fact in facts)
    known = [word for fact in facts if not fact.about for word in fact.words]
    rest = [word for n, word in enumerate(part) if n not in at and word.says_something]
    allowed = names.culprits | names.reached
    return (
        all(word.names & allowed for word in part if word.names)
        and all(_blames_rightly(part, n, names) for n in at)
        and all(_stands(word, known, blaming=True) for word in rest)
    )


def _says(fact: Fact, part: list[_Word]) -> bool:
    """Whether a fact says a part; of what clears a change no word of a clause is left out."""
    if not all(_stands(word, fact.words) for word in part):
        return False
    said = {word.key for word in part}
    telling = [word for word in fact.words if word.says_something]
    used = {word.clause for word in telling if word.key in said}
    left = (word for word in telling if word.clause in used and word.key not in said)
    return not fact.about or all(word.is_figure for word in left)


def _stands(word: _Word, fact: list[_Word], *, blaming: bool = False) -> bool:
    """Whether a fact has a word, said of the same, as it is or as it is not, then or now."""
    if word.names and not (blaming or word.is_figure):
        return any(word.names & one.names for one in fact)
    if not (word.names or word.says_something):
        return True
    return any(_same(word, one, blaming=blaming) for one in fact)


def _same(word: _Word, one: _Word, *, blaming: bool) -> bool:
    if word.names:
        return bool(word.names & one.names) and _timed(word) == _timed(one)
    denied = bool(word.under & _keys("denying")) != bool(one.under & _keys("denying"))
    if word.key != one.key or denied:
        return False
    if word.is_figure:
        return _timed(word) == _timed(one)
    if word.key in _keys("particles"):
        return word.behind == one.behind
    nobody = not one.by or bool(one.by & _ITSELF)
    of_it = not word.by or bool(word.by & one.by) or (nobody and (blaming or word.by & _ITSELF))
    return (
        bool(of_it)
        and (one.owned != "'s" or bool(word.owned))
        and (word.key not in _turning() or bool(word.before & one.before))
        and (word.goes_with == one.goes_with or word.said in _list("complete"))
    )


def _timed(word: _Word) -> frozenset[str]:
    return word.under & _keys("timing")


def _blames(part: list[_Word], at: int) -> bool:
    """Whether a word says who caused what."""
    said = part[at].said
    if said in _list("arising") and at + 1 < len(part) and part[at + 1].said in _list("whence"):
        return not (at + 2 < len(part) and part[at + 2].is_figure and not part[at + 2].names)
    return any(said in _list(kind) for kind in ("pushing", "pulling", "naming"))


def _blames_rightly(part: list[_Word], at: int, names: Names) -> bool:
    """Whether the culprit stands where a word has the cause."""
    said, behind = part[at].said, part[at + 1 :]
    pulls = behind and behind[0].said in _list("whence")
    if said in _list("pushing") and not pulls:
        if at and part[at - 1].said in _list("helping"):
            return False
        return names.blames(word.names for word in part[:at] if word.names)
    if said in _list("naming"):
        return names.blames(word.names for word in _but_what_was_caused(part, at) if word.names)
    cause = [word.names for word in behind if word.clause == behind[0].clause and word.names]
    if not cause and behind and behind[0].said in ("it", "its"):  # ... because it did
        return names.blames(word.names for word in part if word.names)
    return names.blames(cause)


def _but_what_was_caused(part: list[_Word], at: int) -> list[_Word]:
    """The words about "the cause of this": without "of this"."""
    behind = part[at + 1 :]
    if not behind or behind[0].said != "of":
        return part
    verbs = (n for n, word in enumerate(behind) if word.said in _list("helping"))
    return part[:at] + behind[next(verbs, len(behind)) :]


# ---- how a sentence is read


def _read(text: str, names: Names) -> list[_Word]:
    """The words of a sentence, each with whom it is said of and what turns it round."""
    words: list[_Word] = []
    clause = part = 0
    under: frozenset[str] = frozenset()
    tokens = _tokens(text, names)
    for said, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if re.fullmatch(_MARK, said):
            clause, part = clause + 1, part + 1
            if said != "," or not words or words[-1].key not in _turning():
                under = frozenset()
            continue
        if said in _list("parting"):
            clause, part, under = clause + 1, part + 1, frozenset()
        elif said == "and":
            part, clause = part + 1, clause + (following in _list("beginning"))
        key = _key(said)
        words.append(_Word(said, key, clause, part, names.known.get(said, frozenset()), under))
        under |= {key} & _turning()
    return [_placed(words, at) for at in range(len(words))]


def _tokens(text: str, names: Names) -> list[str]:
    text = re.sub(r"n['\u2019]t\b", " not", text.lower())
    text = re.sub(r"\bin short\b", "namely", re.sub(r"['\u2019]s\b", " 's ", text))
    return _pattern(frozenset(names.known)).findall(text)


@cache
def _pattern(known: frozenset[str]) -> re.Pattern[str]:
    called = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    name = rf"(?<![\w.:/-])(?:{called})(?![\w/-]|[.:]\w)|" if called else ""
    return re.compile(rf"{name}{_WORD}|'s|{_MARK}")


def _placed(words: list[_Word], at: int) -> _Word:
    """A word with what stands about it."""
    word = words[at]
    behind = next((w.key for w in reversed(words[:at]) if w.says_something), "")
    ahead = next((w.key for w in words[at + 1 :] if w.says_something and w.part == word.part), "")
    governed = [w for w in words[at + 1 :] if word.key in w.under]
    before = {next((w.key for w in governed if w.says_something), "")}
    return replace(
        word,
        by=_subject(words, at),
        owned=_owned(words, at),
        behind=behind,
        goes_with=ahead if ahead in _keys("particles") else "",
        before=frozenset(before | {_FIGURE} if any(w.is_figure for w in governed) else before),
    )


def _subject(words: list[_Word], at: int) -> frozenset[str]:
    """Of whom a word is said: the name before it in its clause, else behind it, else in the text.

    What is compared with says nothing of itself; what is somebody's is not all of them.
    """
    naming = [n for n, w in enumerate(words) if w.names and _key("against") not in w.under]
    if not naming:
        return frozenset()
    here = [n for n, word in enumerate(words) if word.clause == words[at].clause]
    named = [n for n in naming if n in here]
    begins = (words[n].said for n in here if words[n].said not in _list("parting") | {"and"})
    own = _ITSELF if not named and next(begins, "") in _list("beginning") else frozenset()
    among = named or naming
    nearest = max((n for n in among if n < at), default=among[0])
    return own.union(*(words[n].names for n in _of_one_thing(words, naming, nearest)))


def _owned(words: list[_Word], at: int) -> str:
    """How a word of a clause with a name is said to be theirs: by "'s", by "its", not at all."""
    here = [word for word in words if word.clause == words[at].clause]
    said = {word.said for word in here}
    return "'s" if "'s" in said else next(iter(said & {"of", "its", "their"}), "")


def _of_one_thing(words: list[_Word], naming: list[int], at: int) -> set[int]:
    """The names that "of" joins to one."""
    joined = {at}
    for left, right in (*pairwise(naming), *pairwise(naming[::-1])):
        between = words[min(left, right) + 1 : max(left, right)]
        if left in joined and len(between) < _JOINED and "of" in (w.said for w in between):
            joined.add(right)
    return joined


# ---- what is no statement


def _tells(text: str, facts: Sequence[Fact], names: Names) -> bool:
    """Whether a sentence says that something was, and no part of it begins as an order does."""
    known = " ".join(fact.text.lower() for fact in facts)
    parts = (part.strip() for part in re.split(rf"{_MARK}|\b(?:and|but)\b", text.lower()))
    own = (_begun(_tokens(part, names)) for part in parts if part not in known)
    said = [part for part in own if part]
    verbs = any(_has_verb(part) or any(word.endswith("s") for word in part) for part in said)
    ordered = (_orders(part, names) or _advises(part, names) for part in said)
    return not said or (verbs and not any(ordered))


def _begun(part: list[str]) -> list[str]:
    """A part without what only leads to it: in short, as is known."""
    leads = [n for n, said in enumerate(part[:3]) if said in _list("describing")]
    return part[leads[-1] + 1 :] if leads else part


def _orders(part: list[str], names: Names) -> bool:
    """Whether a part begins with what may be a verb, and goes on without one that says who did."""
    first, rest = part[0], part[1:]
    if first in names.known or not _is_bare(first):
        return False
    end = next((n for n, said in enumerate(rest) if said in _list("linking")), len(rest))
    return rest[:1] != ["of"] and not _has_verb(rest[:end])


def _advises(part: list[str], names: Names) -> bool:
    """Whether something is to do: but what was caused to fail failed."""
    if any(said in _list("pushing") for said in part):
        return False
    behind = (said for ahead, said in pairwise(part) if ahead == "to" and said not in names.known)
    return any(_is_bare(said) for said in behind)


def _is_bare(said: str) -> bool:
    """Whether a word may be a verb as it is in orders."""
    formed = said in _list("past") or said.endswith(("ed", "s", "ing", "er"))
    return said.isalpha() and not formed and _key(said) not in _keys("joining") | _turning()


def _has_verb(part: list[str]) -> bool:
    """Whether a word is a verb of the past, or one that helps; behind an article it is none."""
    pairs = zip(["", *part], part, strict=False)
    return any(_is_verb(said) and ahead not in _list("beginning") for ahead, said in pairs)


def _is_verb(said: str) -> bool:
    return said.endswith("ed") or any(said in _list(kind) for kind in ("helping", "past"))


# ---- words


@cache
def _lists() -> dict[str, str]:
    return tomllib.loads(files("agent").joinpath("nodes", "wording.toml").read_text("utf-8"))


@cache
def _list(kind: str) -> frozenset[str]:
    return frozenset(_lists()[kind].split())


@cache
def _keys(kind: str) -> frozenset[str]:
    return frozenset(map(_key, _list(kind)))


@cache
def _turning() -> frozenset[str]:
    return _keys("denying") | _keys("timing")


@cache
def _alike() -> dict[str, str]:
    lines = (line.split() for line in _lists()["alike"].splitlines() if line)
    return {_stem(word): _stem(line[0]) for line in lines for word in line}


@cache
def _key(word: str) -> str:
    """A word without its ending, or what the engine says for it."""
    return _alike().get(_stem(word), _stem(word))


def _stem(word: str) -> str:
    """A word without its ending, where enough of it is left."""
    if not word.isalpha() or len(word) < 4:
        return word
    return word.removesuffix("s") if len(word) == 4 else _ENDING.sub("", word)
