"""GitHub when it is slow, strict or broken: asked again where that helps, and told where not."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agent.apps import github
from agent.apps.github import GitHub, GitHubError
from tests.agent.apps.github_server import BOT, REPO, TOKEN, Hub, Refusal, serving

MARKER = "<!-- ours "


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github, "BACKOFF_S", 0.0)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as served:
        yield served


@pytest.fixture
def client(hub: Hub) -> Iterator[GitHub]:
    with GitHub(hub.api, TOKEN, REPO) as opened:
        yield opened


def limited(status: int, **headers: str) -> Refusal:
    """A refusal for having asked too often."""
    message = "You have exceeded a secondary rate limit."
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal("GET", r"/pulls/7$", status, named, message)


@pytest.mark.parametrize(
    "refusals",
    [
        [limited(429, retry_after="0")],
        [limited(403, retry_after="0")] * 2,
        [Refusal("GET", r"/pulls/7$", 502)] * 4,
    ],
)
def test_what_passes_is_waited_for(hub: Hub, client: GitHub, refusals: list[Refusal]) -> None:
    hub.refusals = refusals
    assert client.pull(7).title == hub.title
    assert hub.refusals == []


@pytest.mark.parametrize(
    ("refusals", "expected", "tries"),
    [
        ([Refusal("GET", r"/pulls/7$", 502)] * 9, "502 to GET", 5),
        ([limited(429, retry_after="3600")], "rate limit does not allow GET", 1),
        (
            [
                limited(
                    403, x_ratelimit_remaining="0", x_ratelimit_reset=f"{time.time() + 3600:.0f}"
                )
            ],
            "rate limit does not allow GET",
            1,
        ),
        ([Refusal("GET", r"/pulls/7$", 403, message="No")], "A fork's may only read", 1),
        ([Refusal("GET", r"/pulls/7$", 404, message="No")], "may the token see it", 1),
        ([Refusal("GET", r"/pulls/7$", 418, message="a\n teapot")], "418 to GET", 1),
    ],
)
def test_what_does_not_pass_is_one_sentence(
    hub: Hub, client: GitHub, refusals: list[Refusal], expected: str, tries: int
) -> None:
    hub.refusals = refusals
    with pytest.raises(GitHubError, match=expected) as told:
        client.pull(7)
    assert "\n" not in str(told.value)
    assert TOKEN not in str(told.value)
    assert hub.made("GET") == tries


def test_nobody_there_is_one_sentence() -> None:
    with serving() as gone:
        pass
    with (
        GitHub(gone.api, TOKEN, REPO) as client,
        pytest.raises(GitHubError, match="gave no answer"),
    ):
        client.pull(7)


@pytest.mark.parametrize("done", [False, True])
def test_a_comment_whose_answer_was_lost_is_looked_for_before_it_is_written_again(
    hub: Hub, client: GitHub, *, done: bool
) -> None:
    hub.refusals = [Refusal("POST", r"/comments$", 502, done=done)]
    number = client.keep_comment(7, MARKER, f"{MARKER}-->\nhello")
    assert [(one["id"], one["user"]["login"]) for one in hub.comments] == [(number, BOT)]


def test_a_comment_that_may_not_be_written_is_tried_once(hub: Hub, client: GitHub) -> None:
    hub.may_write = False
    with pytest.raises(GitHubError, match="403 to POST"):
        client.keep_comment(7, MARKER, MARKER)
    assert hub.made("POST") == 2, "who we are, and the comment"


def test_a_person_has_comments_of_their_own(hub: Hub) -> None:
    hub.logins["of-ada"] = "ada"
    hub.say(BOT, MARKER)
    for _ in range(2):
        with GitHub(hub.api, "of-ada", REPO) as client:
            client.keep_comment(7, MARKER, MARKER)
    assert [one["user"]["login"] for one in hub.comments] == [BOT, "ada"]


def test_a_commit_that_is_not_here_has_no_files(hub: Hub, client: GitHub) -> None:
    hub.commits["a" * 40] = ["x.py"]
    assert client.files_of("a" * 40) == {"x.py"}
    assert client.files_of("b" * 40) == frozenset()
    assert client.files_of("../../user") == frozenset()


@pytest.mark.parametrize(
    ("api", "repo"),
    [
        ("http://github.example", REPO),
        ("https://api.github.com", "shop"),
        ("https://api.github.com", "shop/.."),
        ("https://api.github.com", "shop/shop?x=1"),
        ("https://api.github.com", "shop/shop/pulls"),
    ],
)
def test_no_token_goes_where_it_should_not(api: str, repo: str) -> None:
    with pytest.raises(GitHubError):
        GitHub(api, TOKEN, repo)


def test_an_answer_in_another_shape_is_named(
    hub: Hub, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull(_: Any) -> Any:
        return {"title": "no more"}

    monkeypatch.setattr("tests.agent.apps.github_server._Handler._pull", pull)
    said = f"{re.escape(f'/repos/{REPO}/pulls/7')} is not as documented at changed_files"
    with pytest.raises(GitHubError, match=said):
        client.pull(7)
    assert hub.made("GET") == 1
