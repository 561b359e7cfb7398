"""What a browser or a markdown viewer would make of a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """Elements with their attributes, their nesting checked as they come."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> inside <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def shape(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Every element and the names of its attributes, in order."""
    return [(tag, tuple(attributes)) for tag, attributes in Page(html).elements]


def _tokens(markdown: str) -> list[Token]:
    viewer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    blocks = viewer.parse(markdown)
    return [token for block in blocks for token in (block, *(block.children or ()))]


def active(markdown: str) -> list[str]:
    """What the markdown would load, link, embed or call, besides our own folds."""
    found = []
    for token in _tokens(markdown):
        if token.type in {"image", "link_open", "html_inline", "table_open", "blockquote_open"}:
            found.append(f"{token.type} {token.content or token.attrs}")
        if token.type == "html_block" and not re.fullmatch(
            r"</details>\n?|<details><summary>SQL</summary>\n?", token.content
        ):
            found.append(token.content)
        if token.type == "text" and re.search(r"://|www\.|@\w|#\d", token.content):
            found.append(token.content)
    return found


def headings(markdown: str) -> int:
    """How many headings a viewer shows."""
    return sum(token.type == "heading_open" for token in _tokens(markdown))


def structure(markdown: str) -> list[str]:
    """The blocks and emphasis, in order, whatever the words."""
    words = {"text", "code_inline", "text_special", "softbreak"}
    return [token.type for token in _tokens(markdown) if token.type not in words]
