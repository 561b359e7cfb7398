"""What several playbooks say of one trouble is told once, by the one that knows most."""

from dataclasses import replace

from agent.analysis.retelling import Tale, outdone, retold

LINE = "dial tcp 10.0.0.7:5432: connect: connection refused"
ENDED = Tale("kubernetes/dependency_unreachable", "Deployment/shop/cart", LINE, "proximate", 0.8)
REFUSED = Tale("service/dependency_refused", "Deployment/shop/cart", LINE, "proximate", 0.7)


def test_one_line_of_one_object_is_told_by_the_surest() -> None:
    assert retold([REFUSED, ENDED]) == {0: 1}


def test_a_deeper_one_tells_it_whatever_the_other_is_sure_of() -> None:
    deep = replace(REFUSED, role="root", certainty=0.5)
    assert retold([ENDED, deep]) == {0: 1}


def test_a_line_cut_short_is_the_same_line() -> None:
    cut = replace(
        REFUSED, said="2026-01-01 ERROR Dial tcp 10.0.0.9:5432: connect: connection refused …"
    )
    assert retold([cut, ENDED]) == {0: 1}


def test_the_same_line_blames_one_object_whoever_says_it() -> None:
    claim = Tale("kubernetes/disk_full", "PersistentVolumeClaim/shop/data", LINE, "root", 0.9)
    assert retold([ENDED, replace(claim, playbook="database/storage_full")]) == {0: 1}


def test_one_symptom_of_one_object_is_one_trouble_whatever_is_quoted() -> None:
    ended = Tale("kubernetes/port_in_use", "Deployment/shop/cart", "bind: in use", "root", 0.9)
    said = replace(ended, playbook="service/port_in_use", said="EADDRINUSE", certainty=0.8)
    assert retold([said, ended]) == {0: 1}
    assert not retold([replace(said, object="Deployment/shop/web"), ended])


def test_who_fails_alike_elsewhere_is_another_finding_of_the_same_playbook() -> None:
    assert not retold([ENDED, replace(ENDED, object="Deployment/shop/web")])


def test_pods_of_a_namespace_that_say_the_same_are_one_finding() -> None:
    one, two = (replace(ENDED, object=f"Pod/shop/cart-{place}") for place in "ab")
    assert retold([one, two]) == {1: 0}
    assert not retold([one, replace(two, object="Pod/bank/cart-b")])


def test_who_quotes_the_server_says_what_the_server_says() -> None:
    server = replace(ENDED, object="Database/stock", said="canceling statement due to time-out")
    client = replace(
        ENDED, object="Service/cart", said="GET /cart: canceling statement due to time-out"
    )
    assert retold([server, client]) == {1: 0}


def test_what_is_known_to_follow_from_a_line_follows_wherever_it_is_said() -> None:
    leak = Tale("database/sessions_leaked", "Database/stock", LINE, "root", 0.9)
    none_left = Tale("database/connections_exhausted", "Service/cart", LINE, "proximate", 0.7)
    assert not retold([leak, none_left])
    assert retold([replace(leak, explains=(none_left.playbook,)), none_left]) == {1: 0}


def test_pieces_of_one_line_of_an_object_are_one_line() -> None:
    left = replace(
        ENDED, said="FATAL required variable PAY_URL is not set in the environment, since"
    )
    right = replace(
        REFUSED, said="variable PAY_URL is not set in the environment, since 2.1 it must"
    )
    assert retold([left, right]) == {1: 0}
    assert not retold([left, replace(right, object="Deployment/shop/web")])


def test_a_symptom_is_told_beside_what_it_follows_from() -> None:
    failed = replace(ENDED, playbook="kubernetes/job_failed", role="symptom")
    assert not retold([ENDED, failed])


def test_two_roots_of_one_area_are_two() -> None:
    taint = Tale("kubernetes/pending_taint", "Deployment/shop/cart", LINE, "root", 0.85)
    assert not retold([taint, replace(taint, playbook="kubernetes/pending_selector")])


def test_words_that_anybody_might_say_are_no_line() -> None:
    assert not retold([replace(ENDED, said="not ready"), replace(REFUSED, said="not ready")])


def test_what_says_how_goes_before_what_says_that() -> None:
    vague = replace(ENDED, playbook="service/unhandled_exception", certainty=0.3, is_vague=True)
    assert outdone([vague, ENDED]) == {0: 1}
    assert not outdone([replace(vague, object="Deployment/shop/web"), ENDED])
    assert not outdone([replace(vague, role="root"), ENDED])


def test_what_nobody_said_gives_way_to_what_is_known() -> None:
    vague = Tale("service/unhandled_exception", "Log", "EOF", "proximate", 0.3, is_vague=True)
    assert outdone([vague, ENDED]) == {0: 1}
