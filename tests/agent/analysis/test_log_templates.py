import itertools
from random import Random

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.analysis.log_templates import MASKS, grouped, mask, novelty

LINES = {
    "2026-11-02T10:00:00.123Z payment failed for order 12345 in 35.2ms": (
        "<time> payment failed for order <num> in <num>"
    ),
    '[02/Nov/2026:10:00:00 +0000] "GET /orders/123?x=1 HTTP/1.1" 502 12': (
        "[<time>] <str> <5xx> <num>"
    ),
    "Nov  2 10:00:00 node-3 kubelet[77]: pod checkout-7d9f8b6c5-x2k4z failed": (
        "<time> node-<num> kubelet[<num>]: pod checkout-<id> failed"
    ),
    "connection to 10.0.0.12:5432 refused": "connection to <ip> refused",
    "dial fe80::1ff:fe23:4567:890a failed": "dial <ip> failed",
    "relation 'orders' can't be found; don't retry": "relation <str> can't be found; don't retry",
    "trace 4bf92f3577b34da6a3ce929d0e0e4736 at 0xdeadBEEF": "trace <id> at <id>",
    "id=550e8400-e29b-41d4-a716-446655440000 took 1m30.5s": "id=<id> took <num>",
    "status=503 for user_12 on worker7, 404 bytes": (
        "status=<5xx> for user_<num> on worker<num>, <num> bytes"
    ),
    "GET http://svc:8080/api/items/99?q=z&r=1 code: 404": (
        "GET http://svc:<num>/api/items/<num>?<query> code: <4xx>"
    ),
    "token a8Fk29xQ rejected, facade decade": "token <id> rejected, facade decade",
    "is it down? yes": "is it down? yes",
}


def in_duckdb(lines: list[str]) -> list[str]:
    expression = "line"
    for pattern, stands in MASKS:
        expression = f"regexp_replace({expression}, $re${pattern}$re$, $re${stands}$re$, 'g')"
    sql = f"SELECT {expression} FROM (SELECT unnest($1::VARCHAR[]) AS line)"
    return [row[0] for row in duckdb.execute(sql, [lines]).fetchall()]


@pytest.mark.parametrize(("line", "template"), LINES.items())
def test_what_varies_is_masked_and_words_stay(line: str, template: str) -> None:
    assert mask(line) == template


def test_sql_and_python_make_the_same_templates() -> None:
    assert in_duckdb(list(LINES)) == list(LINES.values())


fragments = st.sampled_from(
    [*" :/.-_'\"?=[]{}+Tx", "0", "12", "ab", "2026-11-02", "10:00:00", "status", "503", "é", "ms"]
)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(fragments, max_size=14).map("".join), min_size=1, max_size=40))
def test_sql_and_python_agree_on_anything(lines: list[str]) -> None:
    assert in_duckdb(lines) == [mask(line) for line in lines]


def test_two_occurrences_share_a_template() -> None:
    assert mask("order 17 of user ab12cd34 failed after 3 s") == mask(
        "order 904512 of user 99ff00aa failed after 12 s"
    )


def test_templates_are_new_gone_more_less_or_the_same() -> None:
    found = novelty([0, 600, 600, 600, 600, 0], [40, 0, 300, 20, 101, 1], 3600.0, 600.0)
    assert found.kind.tolist() == ["new", "gone", "more", "less", "same", "same"]
    assert found.ratio[2] == pytest.approx(3.0, rel=0.01)
    assert (found.p_value[:4] < 1e-6).all()
    assert np.isfinite(found.ratio).all()


def test_a_certain_but_small_change_of_rate_is_no_news() -> None:
    found = novelty([1_000_000], [1_500_000], 60.0, 60.0)
    assert found.p_value[0] < 1e-12
    assert found.kind[0] == "same"


def test_thousands_of_unchanged_templates_bring_no_news() -> None:
    random = np.random.default_rng(1)
    rates = random.lognormal(0, 2, 5000)
    found = novelty(random.poisson(rates * 60), random.poisson(rates * 10), 60.0, 10.0)
    assert (found.kind != "same").sum() <= 1


def test_no_templates_bring_no_news() -> None:
    assert novelty([], [], 60.0, 60.0).kind.size == 0


def test_templates_that_differ_at_one_place_are_a_group_and_two_outcomes_are_not() -> None:
    users = [f"login of {name} from the office went well" for name in ("ann", "bob", "eve", "joe")]
    outcomes = ["the payment of the order failed", "the payment of the order succeeded"]
    groups = grouped(users + outcomes)
    assert len({groups[user] for user in users}) == 1
    assert len({groups[outcome] for outcome in outcomes}) == 2


def test_lists_and_fields_in_brackets_are_data_and_sentences_are_not() -> None:
    of_one = [
        "found Trip(id=<id>, stops=[Paris, Lyon])",
        "found Trip(id=<num>, stops=[Rome, Milan, Pisa])",
        "found Trip(id=<id>, stops=[Paris, Lyon, Nic",
    ]
    failed = "call failed [nested exception: no instances of the cart service are there]"
    groups = grouped([*of_one, failed])
    assert len({groups[template] for template in of_one}) == 1
    assert groups[failed] == failed


def test_several_places_that_vary_at_once_are_found_in_a_crowd() -> None:
    words = ["".join(pair) for pair in itertools.product("abcdefghijkl", repeat=2)]
    crowd = [
        f"user {a} saw page {b} and left again" for a, b in zip(words, words[::-1], strict=True)
    ]
    assert set(grouped(crowd).values()) == {"user <*> saw page <*> and left again"}


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(fragments, max_size=14).map("".join), max_size=30), st.randoms())
def test_the_order_of_templates_does_not_move_a_group(lines: list[str], random: Random) -> None:
    shuffled = random.sample(lines, len(lines))
    assert grouped(lines) == grouped(shuffled)


def test_junk_is_grouped_like_anything() -> None:
    junk = ["[" * 1000, "(a=" * 300, "[a, " * 250, "\x00\x01{é:", "", " ", "<*>" * 300]
    assert set(grouped(junk)) == set(junk)
