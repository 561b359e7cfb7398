"""One run of an agent as a tree: text, markdown, JSON, or a page with a waterfall."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

import orjson

from agent.report import words
from agent.report.axis import Axis, value_axis
from agent.report.html import environment
from agent.report.markdown import text as plain
from agent.report.money import UNKNOWN, paid
from agent.report.spending import Run, Step
from agent.report.words import seconds

LEGEND = {
    "chat": "model call",
    "tool": "tool, retrieval",
    "step": "step",
    "else": "HTTP, stores, others",
    "error": "failed",
}
_KINDS = {
    "chat": "chat", "embeddings": "chat", "tool": "tool", "retrieval": "tool",
    "http": "else", "store": "else", "other": "else",
}  # fmt: skip
_FOLDED = 4  # so many of a name under one parent are one row
_MOST_CHILDREN, _DEEPEST, _MOST_BARS = 24, 40, 120
_NAME = 56
_INDENT, _INDENTED = 12.0, 150.0  # pixels of a level, and the most of all: deep trees take less


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the tree: one step, or several alike that stand for one; `rest` are not shown."""

    steps: tuple[Step, ...]
    depth: int = 0
    lines: str = ""
    rest: int = 0
    share: float = 0.0
    is_slowest: bool = field(default=False)

    @property
    def first(self) -> Step:
        """The step that it is named by."""
        return self.steps[0]

    @property
    def kind(self) -> str:
        """What its bar is coloured by."""
        if self.first.error:
            return "error"
        return _KINDS.get(self.first.operation, "step")

    @property
    def name(self) -> str:
        """The step's name, and how many there are of it."""
        if self.rest:
            return f"{self.rest} more"
        said, model = self.first.name, self.first.model
        said += f" {model}" * (self.kind == "chat" and model not in said)
        return said + f" x{len(self.steps)}" * (len(self.steps) > 1)

    @property
    def took(self) -> str:
        """How long it took; of several all together."""
        return seconds(sum(step.took_s for step in self.steps))

    @property
    def spent(self) -> str:
        """Tokens and money of it, `1,200 → 80 · $0.02`; nothing where no model was called."""
        tokens = [step for step in self.steps if step.tokens]
        told = []
        if tokens:
            given = sum(step.input_tokens or 0 for step in tokens)
            known = any(step.output_tokens is not None for step in tokens)
            made = sum(step.output_tokens or 0 for step in tokens)
            told.append(f"{given:,} → {f'{made:,}' if known else '?'}")
        return " · ".join([*told, *_paid(self.steps)])


def _paid(steps: Sequence[Step]) -> list[str]:
    due = [step for step in steps if step.is_due]
    if not due:
        return ["replayed"] if all(step.replayed for step in steps) else []
    known = [step.usd for step in due if step.usd is not None]
    return [paid(sum(known), is_all=len(known) == len(due))]


def rows(run: Run) -> list[Row]:
    """The tree from the top: what is alike folded, little things left out, the slowest marked."""
    known = {step.uid for step in run.steps}
    below: dict[str, list[Step]] = defaultdict(list)
    for step in run.steps:
        below[step.parent if step.parent in known and step.parent != step.uid else ""].append(step)
    found = [*_tree(below.get("") or [*run.steps[:1]], below, 0, "", set())]
    wall = run.wall_s or 1.0
    shared = [replace(row, share=sum(step.own_s for step in row.steps) / wall) for row in found]
    slowest = max((row for row in shared if not row.rest), key=lambda row: row.share, default=None)
    return [replace(row, is_slowest=row is slowest and row.share > 0) for row in shared]


def _tree(
    steps: Sequence[Step], below: dict[str, list[Step]], depth: int, lines: str, seen: set[str]
) -> Iterator[Row]:
    """Rows of siblings, each followed by what is beneath it; `seen` ends a ring of parents."""
    seen.update(step.uid for step in steps)
    groups = _groups(steps) if depth < _DEEPEST else []
    shown = _telling(groups)
    told = {step.uid for group in shown for step in group}
    left = [step for step in steps if step.uid not in told]
    for at, group in enumerate(shown):
        is_last = at == len(shown) - 1 and not left
        branch = "" if depth == 0 else "└─ " if is_last else "├─ "
        yield Row(tuple(group), depth, lines + branch)
        beneath = [child for step in group for child in below.get(step.uid, [])]
        under = lines + ("" if depth == 0 else "   " if is_last else "│  ")
        children = [child for child in beneath if child.uid not in seen]
        yield from _tree(children, below, depth + 1, under, seen) if children else ()
    if left:
        yield Row(tuple(left), depth, lines + ("└─ " if depth else ""), rest=len(left))


def _groups(steps: Sequence[Step]) -> list[list[Step]]:
    """Siblings in order; many of one name are together, those that failed apart."""
    alike: dict[tuple[str, str, str, bool], list[Step]] = defaultdict(list)
    for step in steps:
        alike[step.service, step.name, step.operation, bool(step.error)].append(step)
    folded = [
        group
        for some in alike.values()
        for group in ([some] if len(some) >= _FOLDED else [[step] for step in some])
    ]
    return sorted(folded, key=lambda group: (group[0].start_s, group[0].uid))


def _telling(groups: list[list[Step]]) -> list[list[Step]]:
    """The siblings that are shown: those that failed, were waited for, or took longest."""

    def weight(group: list[Step]) -> tuple[bool, float, float]:
        waited = sum(step.own_s for step in group)
        return bool(group[0].error), waited, sum(step.took_s for step in group)

    most = sorted(groups, key=weight, reverse=True)[:_MOST_CHILDREN]
    kept = {group[0].uid for group in most}
    return [group for group in groups if group[0].uid in kept]


def slowest(run: Run, tree: Sequence[Row]) -> str:
    """The sentence that says what was waited for longest."""
    row = next((row for row in tree if row.is_slowest), None)
    if row is None:
        return "Nothing took any time."
    own = sum(step.own_s for step in row.steps)
    where = f" of {row.first.service}" if len(run.services) > 1 and row.first.service else ""
    return (
        f"Longest waited for: {row.name}{where}, {seconds(own)} of {seconds(run.wall_s)} "
        f"({words.share(row.share)})."
    )


def headline(run: Run) -> str:
    """Who ran, when, how long, and what it took."""
    calls = [step for step in run.steps if step.is_call]
    tokens = [step for step in run.steps if step.tokens]
    failed = sum(1 for step in run.steps if step.error)
    told = [
        f"{words.listed(run.services)} · {words.day(run.began_at)} {words.clock(run.began_at)} UTC",
        f"took {seconds(run.wall_s)}",
        words.plural(len(run.steps), "span"),
        *([words.plural(len(calls), "model call")] if calls else []),
        *([f"{sum(step.input_tokens or 0 for step in tokens):,} tokens in"] if tokens else []),
        *([f"{made:,} out"] if (made := sum(step.output_tokens or 0 for step in tokens)) else []),
        *(f"price {one}" if one == UNKNOWN else one for one in _paid(run.steps)),
        *([f"{words.plural(failed, 'span')} failed"] if failed else []),
    ]
    return " · ".join(told)


def about(run: Run) -> str:
    """The run's ids: trace, conversation, report and verdict, as far as there are any."""
    told = [
        f"trace {run.trace}",
        f"conversation {run.conversation}" * bool(run.conversation),
        f"report {run.report}" * bool(run.report),
        words.spoken(run.verdict),
    ]
    return " · ".join(filter(None, told))


def text(run: Run) -> str:
    """The tree for a terminal."""
    safe = run.safe()
    tree = rows(safe)
    cells = [_cells(row, services=len(safe.services) > 1) for row in tree]
    wide = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        f"{name.ljust(wide[0])}  {took.rjust(wide[1])}  {share.rjust(wide[2])}  "
        f"{spent.rjust(wide[3])}  {said}".rstrip()
        for name, took, share, spent, said in cells
    ]
    return "\n".join([headline(safe), about(safe), slowest(safe, tree), "", *lines])


def _cells(row: Row, *, services: bool) -> tuple[str, str, str, str, str]:
    step = row.first
    where = f"  [{step.service}]" if services and step.service and not row.rest else ""
    share = words.share(row.share) if row.share >= 0.0005 else ""
    said = "".join(
        [
            "◀ longest waited for " * row.is_slowest,
            f"✕ {words.shorten(step.error, 100)}" if step.error and not row.rest else "",
        ]
    )
    name = row.lines + words.shorten(row.name, _NAME) + where
    return name, row.took, share, row.spent, said.rstrip()


def markdown(run: Run) -> str:
    """The same as GitHub-flavoured markdown; the tree is by indents."""
    safe = run.safe()
    tree = rows(safe)
    lines = [plain(headline(safe)), "", plain(about(safe)), "", plain(slowest(safe, tree)), ""]
    lines += ["| step | took | waited for | tokens, paid | |", "| --- | ---: | ---: | ---: | --- |"]
    for row in tree:
        _, took, share, spent, said = _cells(row, services=False)
        name = "&emsp;" * row.depth + plain(words.shorten(row.name, _NAME))
        lines.append(f"| {name} | {took} | {share} | {plain(spent)} | {plain(said)} |")
    return "\n".join(lines) + "\n"


def json(run: Run) -> str:
    """The same for programs: every span, with when it was waited for."""
    safe = run.safe()
    shown = {name: value for name, value in asdict(safe).items() if name != "steps"}
    steps = [asdict(step) | {"own_s": round(step.own_s, 9)} for step in safe.steps]
    return orjson.dumps(shown | {"steps": steps}, option=orjson.OPT_INDENT_2).decode()


def html(run: Run) -> str:
    """A page that loads nothing: the waterfall, and what was waited for drawn full."""
    safe = run.safe()
    tree = rows(safe)
    axis = value_axis([safe.wall_s], "s", zoom=False, most=6)
    page = environment().get_template("trace.html.j2")
    return page.render(
        run=safe,
        tree=tree,
        axis=axis,
        place=_place(axis),
        headline=headline(safe),
        about=about(safe),
        slowest=slowest(safe, tree),
        legend={kind: LEGEND[kind] for kind in LEGEND if any(row.kind == kind for row in tree)},
        most=_MOST_BARS,
        indent=min(_INDENT, _INDENTED / max(1, *(row.depth for row in tree))),
    )


def _place(axis: Axis) -> object:
    """From a stretch in seconds to the left and width of a bar in per cent."""

    def place(since: float, until: float) -> str:
        left, right = (100 * axis.place(at) for at in (since, until))
        return f"left:{left:.2f}%;width:{right - left:.2f}%"

    return place
