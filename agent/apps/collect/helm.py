"""Helm, by `helm`: releases and their history, never their values, which hold secrets."""

from __future__ import annotations

from typing import Final

from agent.apps.collect.folder import Folder
from agent.apps.collect.tool import Tool, objects, verbs

MOST: Final = 20
HELM: Final = Tool("helm", verbs("list", "status", "history"))


def gather(folder: Folder, namespace: str) -> None:
    """Keep the list of releases, and of the latest ones status and history."""
    where = ("--namespace", namespace) if namespace else ("--all-namespaces",)
    words = ("list", *where, "--all", "--date", "--reverse", "--output", "json")
    answer = folder.ask(HELM, "helm/list.json", "helm", *words)
    if answer.error:
        return
    releases = [one for one in objects(HELM, answer) if one.get("name") and one.get("namespace")]
    if len(releases) > MOST:
        folder.note(f"helm: of {len(releases)} releases the latest {MOST} were asked for")
    for release in releases[:MOST]:
        name, home = str(release["name"]), str(release["namespace"])
        said = {"name": name, "namespace": home}
        words = ("status", name, "--namespace", home)
        folder.ask(HELM, f"helm/{home}_{name}_status.txt", "helm", *words, params=said)
        words = ("history", name, "--namespace", home, "--output", "json")
        folder.ask(HELM, f"helm/{home}_{name}_history.json", "helm", *words, params=said)
