"""What holds in every dress: the expected pages, and text that stays text."""

import re
from dataclasses import fields, is_dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from agent.report.as_json import ReportError, dump, load
from agent.report.dress import Format, render
from agent.report.html import html
from agent.report.terminal import terminal
from agent.state import Report
from tests.agent.conftest import Golden
from tests.agent.report import markup, samples

GOLDENS = Path(__file__).parent / "goldens"
REPORTS = {
    "cause_found": samples.cause_found(),
    "no_incident": samples.no_incident(),
    "inconclusive": samples.inconclusive(),
}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></text></svg></style><iframe src=//evil.example></iframe>",
    "]]><!-- --><base href=//evil.example>",
    "![pixel](http://evil.example/p.png) [go](http://evil.example)",
    "<http://evil.example> www.evil.example me@evil.example @everyone #1",
    "| a | b |\n|---|---|\n# heading\n> quote\n```\nfence",
    "`code` ``double`` \\`escaped\\` **bold** _it_ ~~gone~~ [^1] &lt; &copy;",
    "{{ 7 * 7 }} {% raw %} {# #}",
    "[red]markup[/red] :boom: [link=http://evil.example]x[/link]",
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x9b2J \x1bc \x07\r\x08",
    "right-to-left \u202e gnp.exe \u2066 \u200b zero",
    "javascript:alert(1)",
    "é漢字🔥",
)


def poisoned(value: Any, text: str) -> Any:
    """`value` with every free text in it replaced; closed words, times and numbers stay."""
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value,
            **{
                part.name: _poisoned_field(str(part.type), getattr(value, part.name), text)
                for part in fields(value)
            },
        )
    if isinstance(value, tuple):
        return tuple(poisoned(part, text) for part in value)
    return value


def _poisoned_field(kind: str, value: Any, text: str) -> Any:
    if kind in {"str", "str | None"} or kind.startswith("Annotated[str"):
        return text
    if kind == "tuple[str, ...]":
        return tuple(text for _ in value)
    if isinstance(value, dict):
        return {key: poisoned(part, text) for key, part in value.items()}
    if kind.startswith("tuple[dict"):
        return tuple(dict.fromkeys([text], text) for _ in value)
    return poisoned(value, text)


DRESSED = [  # the page of cause_found is tested in its parts: the whole is no one's to read
    (name, form, suffix)
    for name in REPORTS
    for form, suffix in (("markdown", "md"), ("text", "txt"), ("html", "html"))
    if (name, form) != ("cause_found", "html")
]


@pytest.mark.parametrize(("name", "form", "suffix"), DRESSED)
def test_a_report_is_dressed_as_expected(
    name: str, form: Format, suffix: str, golden: Golden
) -> None:
    golden(GOLDENS / f"{name}.{suffix}", render(REPORTS[name], form))


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ReportError, match="format 'pdf' is not one of text, json, markdown, html"):
        render(REPORTS["no_incident"], cast("Format", "pdf"))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", REPORTS)
def test_json_keeps_hostile_text_as_it_is(name: str, hostile: str) -> None:
    report: Report = poisoned(REPORTS[name], hostile)
    assert load(dump(report)) == report


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", REPORTS)
def test_hostile_text_changes_no_element_or_attribute_of_the_page(name: str, hostile: str) -> None:
    shown = " ".join(render(_titled(hostile), "text").splitlines()[1].split())
    harmless = "x" * len(shown)
    assert markup.shape(html(poisoned(REPORTS[name], hostile))) == markup.shape(
        html(poisoned(REPORTS[name], harmless))
    )


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", REPORTS)
def test_hostile_text_formats_links_and_embeds_nothing_in_markdown(name: str, hostile: str) -> None:
    page = render(poisoned(REPORTS[name], hostile), "markdown")
    benign = render(poisoned(REPORTS[name], "words"), "markdown")
    assert markup.active(page) == []
    assert markup.headings(page) == markup.headings(benign)
    assert markup.structure(page) == markup.structure(benign)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", REPORTS)
def test_hostile_text_moves_no_cursor_of_a_terminal(name: str, hostile: str) -> None:
    out = StringIO()
    console = Console(file=out, width=100, force_terminal=True, color_system="standard")
    console.print(terminal(poisoned(REPORTS[name], hostile)))
    uncoloured = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", uncoloured)


def test_markup_of_the_terminal_library_is_shown_and_not_obeyed() -> None:
    assert "[red]alert[/red] :boom:" in render(_titled("[red]alert[/red] :boom:"), "text")


def _titled(title: str) -> Report:
    return replace(REPORTS["no_incident"], title=title)
