"""GitHub's `deployment` and `deployment_status` webhooks, in their full shape.

After https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status
"""

from __future__ import annotations

import base64
import json
import random
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from tests.shop.fleet import Release

OWNER = "shop-example"
SITE = "https://github.com"
API = "https://api.github.com"
BORN = "2023-04-11T08:12:40Z"

USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
REPOSITORY_LINKS = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}


@dataclass(frozen=True)
class Deployment:
    """A deployment as GitHub knows it."""

    id: int
    release: Release
    creator: str
    task: str
    created_at: datetime


@dataclass
class GitHub:
    """Announces deployments to a webhook, with ids that grow as GitHub's do."""

    webhook: str
    random: random.Random
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._last_id = 2_400_000_000 + self.random.randrange(90_000_000)

    def deploy(self, release: Release, creator: str, task: str) -> Deployment:
        """Announce a new deployment."""
        made = Deployment(self._next_id(), release, creator, task, datetime.now(UTC))
        self._send("deployment", deployment_event(made))
        return made

    def status(self, deployment: Deployment, state: str) -> None:
        """Announce a state of a deployment: pending, in_progress, success, ..."""
        self._send("deployment_status", status_event(deployment, self._next_id(), state))

    def _next_id(self) -> int:
        with self._lock:
            self._last_id += self.random.randint(3, 4000)
            return self._last_id

    def _send(self, event: str, payload: dict[str, Any]) -> None:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/044aadd",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": str(uuid.uuid4()),
        }
        body = json.dumps(payload, separators=(",", ":")).encode()
        requests.post(self.webhook, data=body, headers=headers, timeout=5).raise_for_status()


def deployment_event(made: Deployment) -> dict[str, Any]:
    """Give the body of a `deployment` webhook."""
    return {
        "action": "created",
        "deployment": deployment_object(made, made.created_at),
        "workflow": None,
        "workflow_run": None,
        "repository": repository(made.release.service),
        "sender": user(made.creator),
    }


def status_event(made: Deployment, status_id: int, state: str) -> dict[str, Any]:
    """Give the body of a `deployment_status` webhook."""
    at = datetime.now(UTC)
    this = deployment_object(made, at)
    return {
        "action": "created",
        "deployment_status": {
            "url": f"{this['statuses_url']}/{status_id}",
            "id": status_id,
            "node_id": node_id("DeploymentStatus", status_id),
            "state": state,
            "creator": user(made.creator),
            "description": "",
            "environment": "production",
            "target_url": "",
            "created_at": second(at),
            "updated_at": second(at),
            "deployment_url": this["url"],
            "repository_url": this["repository_url"],
            "environment_url": "",
            "log_url": "",
            "performed_via_github_app": None,
        },
        "deployment": this,
        "check_run": None,
        "workflow": None,
        "workflow_run": None,
        "repository": repository(made.release.service),
        "sender": user(made.creator),
    }


def deployment_object(made: Deployment, updated_at: datetime) -> dict[str, Any]:
    """Give the `deployment` object of either webhook."""
    release = made.release
    home = f"{API}/repos/{OWNER}/{release.service}"
    return {
        "url": f"{home}/deployments/{made.id}",
        "id": made.id,
        "node_id": node_id("Deployment", made.id),
        "task": made.task,
        "original_environment": "production",
        "environment": "production",
        "description": release.title,
        "created_at": second(made.created_at),
        "updated_at": second(updated_at),
        "statuses_url": f"{home}/deployments/{made.id}/statuses",
        "repository_url": home,
        "creator": user(made.creator),
        "sha": release.sha,
        "ref": f"v{release.version}",
        "payload": {"service": release.service, "version": release.version},
        "transient_environment": False,
        "production_environment": True,
        "performed_via_github_app": None,
    }


def user(login: str, kind: str = "User") -> dict[str, Any]:
    """Give a user or an organisation."""
    number = stable_id(login)
    return {
        "login": login,
        "id": number,
        "node_id": node_id(kind, number),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": f"{API}/users/{login}",
        "html_url": f"{SITE}/{login}",
        **{key: f"{API}/users/{login}{tail}" for key, tail in USER_LINKS.items()},
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def repository(name: str) -> dict[str, Any]:
    """Give a repository of the shop."""
    number = stable_id(f"{OWNER}/{name}")
    home = f"{API}/repos/{OWNER}/{name}"
    page = f"{SITE}/{OWNER}/{name}"
    return {
        "id": number,
        "node_id": node_id("Repository", number),
        "name": name,
        "full_name": f"{OWNER}/{name}",
        "private": True,
        "owner": user(OWNER, "Organization"),
        "html_url": page,
        "description": None,
        "fork": False,
        "url": home,
        **{key: f"{home}{tail}" for key, tail in REPOSITORY_LINKS.items()},
        "created_at": BORN,
        "updated_at": BORN,
        "pushed_at": BORN,
        "git_url": f"git://github.com/{OWNER}/{name}.git",
        "ssh_url": f"git@github.com:{OWNER}/{name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "homepage": None,
        "size": 412,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": "Python",
        "has_issues": True,
        "has_projects": False,
        "has_downloads": True,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": 0,
        "mirror_url": None,
        "archived": False,
        "disabled": False,
        "open_issues_count": 3,
        "license": None,
        "allow_forking": False,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "visibility": "private",
        "forks": 0,
        "open_issues": 3,
        "watchers": 0,
        "default_branch": "main",
    }


def stable_id(name: str) -> int:
    """Give the number GitHub would have given to `name`, the same every time."""
    return 10_000_000 + random.Random(name).randrange(180_000_000)


def node_id(kind: str, number: int) -> str:
    """Give a node id in GitHub's older form."""
    return base64.b64encode(f"0{len(kind)}:{kind}{number}".encode()).decode()


def second(at: datetime) -> str:
    """Give a time as GitHub writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
