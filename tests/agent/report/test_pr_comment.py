"""The comment on a pull request: as expected, never too long, and nothing quoted in it acts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from agent.report import markdown
from agent.report.pr_check import (
    ChangedFile,
    Check,
    Finding,
    Health,
    Level,
    PastIncident,
    Pull,
    Reach,
    RecentChange,
    dump,
    fit_to_leave,
)
from agent.report.pr_comment import MARKER, MOST, comment, summary
from agent.state import Cost, Evidence, Gap, Statement
from tests.agent.conftest import Golden
from tests.agent.report import markup
from tests.agent.report.test_dress import HOSTILE, poisoned

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
RUN = "https://github.com/shop/shop/actions/runs/42"
HEAD = "3f2c1aa" + "0" * 33
EVIDENCE = Evidence(
    id="E1",
    question="How did each service do before 13:00, from then to 14:00, and after?",
    tool="levels",
    sql="SELECT 1",
    snapshots={"trace_span": 8813},
    rows=4,
    digest="sha256:5e16b1be" + "0" * 56,
)
CHECK = Check(
    pull=Pull(
        repo="shop/shop",
        number=7,
        title="Lower the time-out",
        base="b" * 40,
        head=HEAD,
        files=(
            ChangedFile("deploy/checkout/values.yaml", "modified", services=("checkout",)),
            ChangedFile("Makefile", "modified"),
        ),
        files_in_all=2,
    ),
    created_at=NOW,
    since=NOW - timedelta(days=7),
    verdict="look_twice",
    risk=0.62,
    summary=(
        Statement("It touches checkout (2 files; no service is known for 1 of them)."),
        Statement("checkout: p95 is 610 ms now, it was 200 ms before.", ("E1",)),
    ),
    findings=(
        Finding(
            "high", "health", "checkout", "checkout", "p95 is 610 ms now.", ("E1",), "INC-0412"
        ),
        Finding(
            "low", "change", "checkout", "deploy/a|b.yaml", "Its last change, config 7, is new."
        ),
    ),
    reach=Reach(
        services=(
            Health("checkout", "touched", Level(554, 3, 0.54, 610.0), Level(1618, 8, 0.49, 200.0)),
            Health("web", "caller", None, Level(1618, 8, 0.49, 250.5)),
        ),
        percent=61.0,
        before_since=NOW - timedelta(hours=25),
        now_since=NOW - timedelta(hours=1),
        as_of=NOW,
        evidence=("E1",),
    ),
    changes=(
        RecentChange(
            service="checkout",
            kind="config",
            version="7",
            revision="9" * 40,
            declared_at=NOW - timedelta(minutes=9),
            failed=True,
            evidence=("E1",),
        ),
    ),
    incidents=(
        PastIncident(
            id="INC-0412",
            started_at=NOW - timedelta(days=30),
            title="Retries doubled",
            verdict="cause_found",
            service="checkout",
            indicator="latency",
            change_kind="config",
            revision="9" * 40,
            same_files=("deploy/checkout/values.yaml",),
            evidence=("E1",),
        ),
    ),
    unmapped=("Makefile",),
    gaps=(Gap("no_data", "No telemetry of inventory in the lake."),),
    evidence={"E1": EVIDENCE},
    cost=Cost(queries=6, wall_s=1.24),
    engine_version="0.1.0",
)


def test_a_check_is_dressed_as_expected(golden: Golden) -> None:
    golden(Path(__file__).parent / "goldens" / "pr_comment.md", comment(CHECK, RUN))


def test_what_nothing_speaks_against_has_no_table_and_no_empty_fold() -> None:
    calm = replace(CHECK, verdict="nothing_found", risk=0.0, findings=(), changes=(), gaps=())
    page = comment(calm, RUN)
    assert "### Inquest: nothing speaks against merging · risk 0.00" in page
    assert "| finding |" not in page
    assert "Recent changes" not in page
    assert "Not known" not in page


def test_no_risk_is_stated_where_nothing_could_be_judged() -> None:
    unknown = replace(CHECK, verdict="not_assessable", risk=None)
    assert "### Inquest: not to be judged from this lake alone\n" in comment(unknown)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_formats_links_calls_and_embeds_nothing(hostile: str) -> None:
    page = comment(poisoned(CHECK, hostile), RUN)
    assert markup.structure(page) == markup.structure(comment(poisoned(CHECK, "words"), RUN))
    assert acting(page) == []


def acting(page: str) -> list[str]:
    """What a viewer would make active: a link, a mention, an element that is not ours."""
    viewer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    blocks = viewer.parse(page)
    found = []
    for token in (one for block in blocks for one in (block, *(block.children or ()))):
        ours = {"details", "summary", "code", "sub", f'a href="{RUN}"', "a"}
        if token.type in {"html_block", "html_inline"}:
            bare = re.sub(r"<!-- inquest:pr-check head=[0-9a-f]* -->", "", token.content)
            found += [tag for tag in re.findall(r"</?([^>]*)>", bare) if tag not in ours]
            bare = re.sub(r"<code>[^<]*</code>", "", bare)
            found += re.findall(r"@\w+|www\.", bare)
        elif token.type == "text" and re.search(r"://|www\.|@\w|#\d", token.content):
            found.append(token.content)
        elif token.type in {"image", "link_open", "blockquote_open"}:
            found.append(token.type)
    return found


@pytest.mark.parametrize(
    "raw", ["a|b", r"a\|b", r"a\\|b", "`|`", "http://a|b @c|d", "|", "\\|@x|\\"]
)
def test_a_bar_in_a_file_name_stays_in_its_cell(raw: str) -> None:
    finding = replace(CHECK.findings[0], where=raw, text=raw, seen_before=raw)
    page = comment(replace(CHECK, findings=(finding,)))
    row = next(line for line in page.splitlines() if line.startswith("| **high**"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_a_long_check_is_cut_between_paragraphs_and_says_so() -> None:
    many = tuple(replace(CHECK.findings[0], where="f" * 500, text="@x " * 400) for _ in range(200))
    long = replace(CHECK, findings=many, unmapped=("*" * 500,) * 200)
    page = comment(long, RUN)
    assert page.startswith(MARKER)
    assert len(page) <= MOST
    assert "and 150 findings more" in page
    assert "Cut here" not in page
    short = summary(long, RUN, 36_000)
    assert len(short) <= 36_000
    assert "Cut here" in short
    assert short.count("<details>") == short.count("</details>") == 3
    assert short.rstrip().endswith("</sub>")


def test_what_leaves_is_redacted_after_what_is_unseen_is_taken_out() -> None:
    secret = "ghp_" + "A1b2" * 9
    hidden = f"{secret[:6]}\u200b{secret[6:]}"
    left = fit_to_leave(poisoned(CHECK, f"see {hidden} there"))
    for text in (comment(left), dump(left)):
        assert secret not in text.replace(markdown.text("\\"), "")
    assert left.findings[0].text == "see [redacted:github] there"


def test_what_holds_no_secret_leaves_as_it_is() -> None:
    assert fit_to_leave(CHECK) == CHECK
