"""Argo CD, by `argocd`: applications, those in trouble in full, and what differs from git."""

from __future__ import annotations

from typing import Any, Final

from agent.apps.collect.folder import Folder
from agent.apps.collect.tool import Answer, Tool, objects, verbs

MOST: Final = 20
ARGOCD: Final = Tool("argocd", verbs("app list", "app get", "app history", "app diff"))


def gather(folder: Folder) -> None:
    """Keep the list of applications, and each one's state and history: those in trouble first."""
    answer = folder.ask(ARGOCD, "argocd/list.json", "argocd", "app", "list", "-o", "json")
    if answer.error:
        return
    listed = [one for one in objects(ARGOCD, answer) if (one.get("metadata") or {}).get("name")]
    found = sorted(listed, key=_is_well)
    if len(found) > MOST:
        folder.note(f"argocd: of {len(found)} applications {MOST} were asked for")
    for application in found[:MOST]:
        about = application["metadata"]
        name, spelled = str(about["name"]), f"{about.get('namespace', 'argocd')}/{about['name']}"
        said = {"app_name": name}
        words = ("app", "get", spelled, "-o", "json")
        folder.ask(ARGOCD, f"argocd/{name}.json", "argocd", *words, params=said)
        file = f"argocd/{name}_history.txt"
        folder.ask(ARGOCD, file, "argocd", "app", "history", spelled, params=said)
        if _state(application, "sync") == "OutOfSync":
            _keep_difference(folder, name, spelled)


def _keep_difference(folder: Folder, name: str, spelled: str) -> None:
    """Keep how an application differs from git; `argocd app diff` ends with 1 where it does."""
    words = ("app", "diff", spelled)
    answer = ARGOCD.ask(*words)
    said = Answer(answer.output) if answer.output else answer
    folder.keep(
        f"argocd/{name}.diff",
        "argocd",
        said,
        tool=ARGOCD.name,
        invocation=ARGOCD.invocation(*words),
        params={"app_name": name},
    )


def _is_well(application: dict[str, Any]) -> bool:
    return (_state(application, "sync"), _state(application, "health")) == ("Synced", "Healthy")


def _state(application: dict[str, Any], what: str) -> str:
    told = (application.get("status") or {}).get(what) or {}
    return str(told.get("status", ""))
