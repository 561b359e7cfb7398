"""What a change is about, beside what broke: rare words that both have."""

from __future__ import annotations

import numpy as np
import pytest

from agent.analysis.relevance import common, done, relevance, surprises, telling, words

TROUBLE = ["relation coupons does not exist", "payment failed: couponTotal is null"]
CHANGES = [
    "docs: describe the release process",
    "refactor: move CouponTotals into checkout/coupons.py",
    "chore: update dependencies",
    "ci: cache the build",
    "fix: align the tooltip of the cart",
]


def test_identifiers_are_read_as_the_words_that_they_are_made_of() -> None:
    assert words("registerPredefinedAgents HTTPServer dynamo_writer.go") == [
        *("regist", "predefin", "agent"),
        *("http", "serv", "dynamo", "writ"),
    ]


def test_a_change_with_the_rare_words_of_what_broke_comes_first() -> None:
    scores = relevance(CHANGES, TROUBLE)
    assert int(np.argmax(scores)) == 1
    assert scores[0] == 0.0


def test_a_word_that_all_changes_have_says_nothing_much() -> None:
    everywhere = [f"{text} coupon" for text in CHANGES[:1] + CHANGES[2:]]
    rare = relevance(CHANGES, TROUBLE)[1]
    common_word = relevance([CHANGES[1], *everywhere], ["coupon"])[0]
    assert common_word < rare / 3


def test_words_that_are_written_without_trouble_count_less() -> None:
    usual = ["coupon applied", "coupons listed", "coupon total computed"]
    assert relevance(CHANGES, TROUBLE, usual)[1] < relevance(CHANGES, TROUBLE)[1]


def test_how_surprising_a_score_is_is_told_by_those_of_the_others() -> None:
    nats = surprises(np.array([0.0, 5.0, 1.0, 0.0]))
    assert nats[1] == pytest.approx(np.log(4.0))
    assert nats[2] == pytest.approx(np.log(2.0))
    assert nats[0] == 0.0


def test_the_words_in_common_are_told_the_unusual_first() -> None:
    assert common(CHANGES[1], TROUBLE, ["total of the cart"], 2) == ["coupon", "total"]


def test_no_changes_and_no_trouble_are_no_fault() -> None:
    assert relevance([], TROUBLE).size == 0
    assert (relevance(CHANGES, []) == 0.0).all()
    assert surprises(np.zeros(0)).size == 0


def test_a_difference_does_what_is_on_one_of_its_sides() -> None:
    difference = """fix the lookup
@@ src/handler.ts @@ function lookup(name) {
   const agent = registry.find(name);
-  // seeded by registerAll
-  seedAgents(registry);
-  fail(name + " not found");
+  fail(name + " not found", scope);
"""
    assert done(difference) == "registry scope seedAgents"
    assert done("- a list\n+ of points") == ""


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("#define LIMIT 5", "LIMIT define"),
        ("  --max-retries=3 \\", "max retries"),
        ("*count = retries;", "count retries"),
        ("# the cache", ""),
        ("  // the cache", ""),
        ("/* the cache", ""),
        (" * the cache", ""),
        ("-- the cache", ""),
    ],
)
def test_only_a_remark_does_nothing(line: str, names: str) -> None:
    assert done(f"@@\n+{line}") == names


def test_a_difference_ends_where_something_else_is_told() -> None:
    assert done("@@\n+a\n\nNext commit\n- fix the cache timeout bullets") == "a"
    assert done("@@\n+a", "- fix the cache timeout bullets") == "a"
    assert done("@@\n a\n\n-b\n\\ No newline at end of file\n+c") == "b c"


def test_a_name_that_moves_between_files_was_there_before() -> None:
    assert done("@@\n-find(agent)", "@@\n+find(agent, scope)") == "scope"


def test_words_that_are_known_or_of_any_program_tell_nothing() -> None:
    trouble = ["request failed: coupons not found in table of orders"]
    assert telling(trouble, ["orders listed"]) == {"coupon", "found", "table"}
    assert (relevance(CHANGES, TROUBLE, known=["coupons of the checkout"]) < 0.01).sum() == 4
