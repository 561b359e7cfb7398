"""GitHub's API, as far as a check of a pull request needs it: its files, and one comment kept.

https://docs.github.com/en/rest/pulls/pulls and /issues/comments; limits as in
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from agent.report.pr_check import ChangedFile, Pull
from lake.errors import InquestError

T = TypeVar("T")

BACKOFF_S = 0.5
PATIENCE_S = 60.0
"""The longest wait that GitHub may ask for."""

_ATTEMPTS = 5
_PAGE, _MOST_PAGES = 100, 100
_TIMEOUT_S = 30.0
_REPO = re.compile(r"[A-Za-z0-9-]+/(?!\.{1,2}$)[\w.-]+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class GitHubError(InquestError):
    """GitHub did not do what was asked.

    `status` is its HTTP status, 0 if there was no answer; `wait_s` is how long it asks to wait
    before the next try, None if another would be no use.
    """

    def __init__(self, sentence: str, status: int = 0, wait_s: float | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.wait_s = wait_s

    @property
    def is_lost(self) -> bool:
        """Whether what was asked may have been done all the same."""
        return self.status == 0 or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True, slots=True)
class _Commit:
    sha: str


@dataclass(frozen=True, slots=True)
class _Pull:
    title: str
    changed_files: int
    base: _Commit
    head: _Commit


@dataclass(frozen=True, slots=True)
class _File:
    filename: str
    status: str
    previous_filename: str = ""


@dataclass(frozen=True, slots=True)
class _Author:
    login: str


@dataclass(frozen=True, slots=True)
class _Comment:
    id: int
    user: _Author | None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class _Files:
    files: list[_File]


@dataclass(frozen=True, slots=True)
class _Data:
    viewer: _Author


@dataclass(frozen=True, slots=True)
class _Viewer:
    data: _Data


_PULL = TypeAdapter(_Pull)
_FILES = TypeAdapter(list[_File])
_CHANGED = TypeAdapter(_Files)
_COMMENT = TypeAdapter(_Comment)
_COMMENTS = TypeAdapter(list[_Comment])
_VIEWER = TypeAdapter(_Viewer)


class GitHub:
    """One repository at GitHub, by its API. Close it, or use `with`."""

    def __init__(self, api: str, token: str, repo: str) -> None:
        url = httpx.URL(api)
        if url.scheme != "https" and url.host not in _LOOPBACK:
            raise GitHubError(f"The API's address is {api!r}; a token is sent over https only.")
        if not _REPO.fullmatch(repo):
            raise GitHubError(f"{repo!r} is no repository; write it as OWNER/NAME.")
        self._api, self._repo = api.rstrip("/"), repo
        headers = {
            "Accept": "application/vnd.github+json",
            "User-Agent": f"inquest/{version('inquest')}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        if token:
            headers["Authorization"] = f"Bearer {token}"
        # httpx leaves Authorization behind where a redirect leads to another host.
        self._http = httpx.Client(headers=headers, timeout=_TIMEOUT_S, follow_redirects=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._http.close()

    def pull(self, number: int) -> Pull:
        """Read a pull request with the files that it changes; GitHub lists 3,000 at most."""
        said = _read(_PULL, self._send("GET", f"/repos/{self._repo}/pulls/{number}"))
        files = self._pages(_FILES, f"/repos/{self._repo}/pulls/{number}/files")
        return Pull(
            repo=self._repo,
            number=number,
            title=said.title,
            base=said.base.sha,
            head=said.head.sha,
            files=tuple(_changed(one) for one in files),
            files_in_all=said.changed_files,
        )

    def files_of(self, revision: str) -> frozenset[str]:
        """Name the files that a commit changed; none if this repository does not know it."""
        if not _COMMIT.fullmatch(revision):
            return frozenset()
        try:
            answer = self._send("GET", f"/repos/{self._repo}/commits/{revision}")
        except GitHubError as error:
            if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}:
                return frozenset()
            raise
        return frozenset(
            path for file in _read(_CHANGED, answer).files for path in _changed(file).paths
        )

    def listed(self, what: str, asked: Mapping[str, str]) -> str:
        """Read the first page of what the repository has, as `deployments`, in its own JSON."""
        return self._send("GET", f"/repos/{self._repo}/{what}", params=asked).text

    def keep_comment(self, number: int, marker: str, body: str) -> int:
        """Edit our comment that begins with `marker`, or write it if there is none; give its id.

        A comment of anyone else's is never taken for ours, whatever it begins with. What may have
        been written, though the answer was lost, is looked for again before it is written again.
        """
        me = self._login()
        for attempt in range(1, _ATTEMPTS + 1):
            known = next((c for c in self._comments(number) if _is_ours(c, me, marker)), None)
            try:
                return self._write(number, known, body)
            except GitHubError as failure:
                if not failure.is_lost or attempt == _ATTEMPTS:
                    raise
                time.sleep(_backoff(attempt))
        raise AssertionError("the last attempt returns or raises")

    def _write(self, number: int, known: _Comment | None, body: str) -> int:
        if known:
            path = f"/repos/{self._repo}/issues/comments/{known.id}"
            return _read(_COMMENT, self._send("PATCH", path, json={"body": body})).id
        path = f"/repos/{self._repo}/issues/{number}/comments"
        return _read(_COMMENT, self._send("POST", path, json={"body": body})).id

    def _comments(self, number: int) -> Iterator[_Comment]:
        return self._pages(_COMMENTS, f"/repos/{self._repo}/issues/{number}/comments")

    def _login(self) -> str:
        """Say whose token this is; REST's /user answers people only, GraphQL answers bots too."""
        path = "/graphql"
        answer = self._send("POST", path, idempotent=True, json={"query": "{viewer{login}}"})
        return _read(_VIEWER, answer).data.viewer.login

    def _pages(self, kind: TypeAdapter[list[T]], path: str) -> Iterator[T]:
        """Read every page; which one is next we count ourselves, a token follows no link."""
        for page in range(1, _MOST_PAGES + 1):
            answer = self._send("GET", path, params={"per_page": _PAGE, "page": page})
            yield from _read(kind, answer)
            if "next" not in answer.links:
                return

    def _send(
        self, method: str, path: str, *, idempotent: bool | None = None, **more: Any
    ) -> httpx.Response:
        """Send a request, again where GitHub asks to wait or, unless it is a POST, fails."""
        again = method != "POST" if idempotent is None else idempotent
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._sent(method, path, **more)
            except GitHubError as failure:
                wait_s = _backoff(attempt) if failure.is_lost and again else failure.wait_s
                if wait_s is None or wait_s > PATIENCE_S or attempt == _ATTEMPTS:
                    raise
                time.sleep(wait_s)
        raise AssertionError("the last attempt returns or raises")

    def _sent(self, method: str, path: str, **more: Any) -> httpx.Response:
        base = self._api.removesuffix("/v3") if path == "/graphql" else self._api
        try:
            answer = self._http.request(method, f"{base}{path}", **more)
        except httpx.TransportError as error:
            raise GitHubError(f"{base} gave no answer to {method} {path}: {error}.") from None
        if not answer.is_success:
            raise _refusal(answer)
        return answer


def _read(kind: TypeAdapter[T], answer: httpx.Response) -> T:
    """Read an answer's JSON as `kind`; what else it holds is of no interest."""
    try:
        return kind.validate_json(answer.content)
    except ValidationError as error:
        what = error.errors(include_url=False)[0]
        place = ".".join(map(str, what["loc"])) or "the whole"
        asked = f"{answer.request.method} {answer.request.url.path}"
        raise GitHubError(f"GitHub's answer to {asked} is not as documented at {place}.") from None


def _changed(file: _File) -> ChangedFile:
    return ChangedFile(file.filename, file.status, file.previous_filename)


def _is_ours(comment: _Comment, me: str, marker: str) -> bool:
    by_us = comment.user is not None and comment.user.login == me
    return by_us and (comment.body or "").startswith(marker)


def _backoff(attempt: int) -> float:
    return float(BACKOFF_S * 2 ** (attempt - 1))


def _asked_to_wait(answer: httpx.Response) -> float | None:
    """How many seconds GitHub asks to wait; None where waiting would not help."""
    if answer.status_code not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return None
    if (after := answer.headers.get("retry-after", "")).isdecimal():
        return float(after)
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(0.0, float(reset) - time.time()) + 1.0
    limited = answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or "rate limit" in answer.text
    return PATIENCE_S if limited else None


_HELP: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "is GITHUB_TOKEN valid?",
    HTTPStatus.FORBIDDEN: "may the token do that? A fork's may only read.",
    HTTPStatus.NOT_FOUND: "does it exist, and may the token see it?",
}


def _refusal(answer: httpx.Response) -> GitHubError:
    asked, status = f"{answer.request.method} {answer.request.url.path}", answer.status_code
    wait_s = _asked_to_wait(answer)
    if wait_s is not None:
        sentence = f"GitHub's rate limit does not allow {asked} now; try later."
        return GitHubError(sentence, status, wait_s)
    return GitHubError(
        f"GitHub answered {status} to {asked}: {_HELP.get(status) or _said(answer)}", status
    )


def _said(answer: httpx.Response) -> str:
    try:
        said = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        said = answer.reason_phrase
    return f"{' '.join(str(said).split())[:200]}."
