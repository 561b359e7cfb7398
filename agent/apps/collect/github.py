"""GitHub: what was deployed, merged, released and run lately."""

from __future__ import annotations

import os
from typing import Final

from agent.apps.collect.folder import Folder
from agent.apps.collect.tool import Answer
from agent.apps.github import GitHub, GitHubError

_ASKED: Final = {
    "deployments": ("deployments", {"per_page": "50"}),
    "pulls": (
        "pulls",
        {"state": "closed", "sort": "updated", "direction": "desc", "per_page": "50"},
    ),
    "releases": ("releases", {"per_page": "30"}),
    "workflow_runs": ("actions/runs", {"per_page": "50"}),
}


def gather(folder: Folder, repo: str) -> None:
    """Keep the newest page of each list; what the token may not see is said."""
    api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    with GitHub(api, os.environ.get("GITHUB_TOKEN", ""), repo) as hub:
        for name, (path, asked) in _ASKED.items():
            folder.tell(f"asking GitHub: {name}")
            try:
                text = hub.listed(path, asked)
            except GitHubError as error:
                folder.note(str(error))
                continue
            if text.strip() != "[]":
                spelled = f"GET /repos/{repo}/{path}"
                folder.keep(
                    f"github/{name}.json",
                    "changes",
                    Answer(text),
                    tool="github",
                    invocation=spelled,
                )
