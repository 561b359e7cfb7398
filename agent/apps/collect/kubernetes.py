"""Kubernetes, by `kubectl`: its objects, its events, and what is not well in full.

Of Secrets a template lets kubectl print names, types and keys; their values never come here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.apps.collect.folder import Folder
from agent.apps.collect.tool import Answer, Tool, ToolError, verbs

KUBECTL: Final = Tool(
    "kubectl",
    verbs("get", "describe", "logs", "top", "version", "api-resources"),
    ("--request-timeout=20s",),
)
MOST_DESCRIBED: Final = 40
MOST_LOGS: Final = 60
LINES: Final = "2000"

_HOME: Final = (
    "pods",
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
    "services",
    "endpointslices",
    "ingresses",
    "networkpolicies",
    "configmaps",
    "horizontalpodautoscalers",
    "poddisruptionbudgets",
    "persistentvolumeclaims",
    "resourcequotas",
    "limitranges",
    "serviceaccounts",
    "roles",
    "rolebindings",
    "events",
)
_CLUSTER: Final = (
    "nodes",
    "persistentvolumes",
    "storageclasses",
    "ingressclasses",
    "priorityclasses",
    "clusterroles",
    "clusterrolebindings",
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "apiservices",
)
_SECRETS: Final = Path(__file__).parent / "secrets.gotemplate"
_ENDED: Final = {"Succeeded"}
_PARTS: Final = ("initContainers", "containers")
_GOOD_IF_TRUE: Final = re.compile(r"Ready$|^EtcdIsVoter$")
"""Of a node's conditions; every other tells of a trouble, as MemoryPressure does."""


@dataclass(frozen=True, slots=True)
class Object:
    """An object by its kind as kubectl takes it, its namespace, empty if it has none, and name."""

    kind: str
    namespace: str
    name: str

    @property
    def where(self) -> tuple[str, ...]:
        """Give the words that say where it is."""
        return ("--namespace", self.namespace) if self.namespace else ()

    @property
    def params(self) -> dict[str, str]:
        """Give what the manifest says of it."""
        told = {"kind": self.kind, "name": self.name, "namespace": self.namespace}
        return {key: value for key, value in told.items() if value}


def gather(folder: Folder, namespace: str, since_s: float) -> None:
    """Keep objects, events, versions and use; of what is not well descriptions and logs."""
    _keep_version(folder)
    folder.ask(KUBECTL, "kubernetes/api_resources.txt", "k8s_api_resources", "api-resources")
    where = ("--namespace", namespace) if namespace else ("--all-namespaces",)
    found = {kind: _objects(folder, kind, *where) for kind in _HOME}
    found |= {kind: _objects(folder, kind) for kind in _CLUSTER}
    _keep_secrets(folder, where)
    for what, words in (("pods", (*where, "--containers")), ("nodes", ())):
        folder.ask(KUBECTL, f"kubernetes/top_{what}.txt", "k8s_top", "top", what, *words)
    for one in _first(folder, "descriptions", ailing(found), MOST_DESCRIBED):
        _describe(folder, one)
    _keep_logs(folder, found["pods"], since_s, all_of_them=bool(namespace))


def _keep_version(folder: Folder) -> None:
    """Keep the cluster's version; ToolError if no cluster answers, where kubectl says its own."""
    words = ("version", "-o", "json")
    spelled = KUBECTL.invocation(*words)
    folder.tell(spelled)
    answer = KUBECTL.ask(*words)
    if answer.error:
        raise ToolError(f"{KUBECTL.name}: {answer.error}")
    file = "kubernetes/version.json"
    folder.keep(file, "k8s_version", answer, tool=KUBECTL.name, invocation=spelled)


def ailing(found: dict[str, list[dict[str, Any]]]) -> list[Object]:
    """Name the objects that say of themselves that they are not well, nodes first."""
    signs = {
        "nodes": _is_bad_node,
        "persistentvolumeclaims": _is_unbound,
        "pods": _is_bad_pod,
        "deployments": _lacks_replicas,
        "statefulsets": _lacks_replicas,
        "daemonsets": _lacks_nodes,
        "jobs": _has_failed,
    }
    return [
        _object(kind.removesuffix("s"), each)
        for kind, is_bad in signs.items()
        for each in found.get(kind, ())
        if is_bad(each)
    ]


def _objects(folder: Folder, kind: str, *where: str) -> list[dict[str, Any]]:
    kept = "k8s_events" if kind == "events" else "k8s_get"
    words = ("get", kind, *where, "-o", "json")
    params = {"kind": kind} | ({"namespace": where[1]} if where[1:] else {})
    folder.tell(KUBECTL.invocation(*words))
    answer = KUBECTL.ask(*words)
    items = _items(answer)
    if items or answer.error:
        spelled = KUBECTL.invocation(*words)
        file = f"kubernetes/{kind}.json"
        folder.keep(file, kept, answer, tool=KUBECTL.name, invocation=spelled, params=params)
    return items


def _items(answer: Answer) -> list[dict[str, Any]]:
    try:
        return list(json.loads(answer.output)["items"])
    except (ValueError, KeyError, TypeError):
        return []


def _keep_secrets(folder: Folder, where: tuple[str, ...]) -> None:
    template = _SECRETS.read_text(encoding="utf-8")
    words = ("get", "secrets", *where, "-o", f"go-template={template}")
    folder.ask(KUBECTL, "kubernetes/secrets.json", "k8s_get", *words, params={"kind": "secrets"})


def _describe(folder: Folder, one: Object) -> None:
    file = f"kubernetes/describe/{'_'.join(filter(None, (one.kind, one.namespace, one.name)))}.txt"
    words = ("describe", one.kind, one.name, *one.where)
    folder.ask(KUBECTL, file, "k8s_describe", *words, params=one.params)


def _keep_logs(
    folder: Folder, pods: list[dict[str, Any]], since_s: float, *, all_of_them: bool
) -> None:
    """Keep logs of containers that are not ready or were restarted; of all, if that is asked."""
    chosen = [(pod, *rest) for pod in pods for rest in _containers(pod)]
    chosen = [each for each in chosen if all_of_them or each[2] or each[3]]
    chosen.sort(key=lambda each: (not each[2], not each[3]))
    for pod, container, _, restarts in _first(folder, "logs", chosen, MOST_LOGS):
        one = _object("pod", pod)
        words = ("logs", one.name, *one.where, "--container", container, f"--tail={LINES}")
        params = {"pod": one.name, "namespace": one.namespace, "container": container}
        stem = f"logs/{one.namespace}_{one.name}_{container}"
        since = f"--since={since_s:.0f}s"
        folder.ask(KUBECTL, f"{stem}.log", "logs", *words, since, params=params)
        if restarts:
            file = f"{stem}_previous.log"
            folder.ask(KUBECTL, file, "logs", *words, "--previous", params=params)


def _containers(pod: dict[str, Any]) -> Iterator[tuple[str, bool, int]]:
    """Give a pod's containers: name, whether it is not well, how often it was started again."""
    status = pod.get("status") or {}
    for part in _PARTS:
        for told in status.get(f"{part.removesuffix('s')}Statuses") or ():
            state = told.get("state") or {}
            if "waiting" in state and not told.get("restartCount") and not told.get("lastState"):
                continue  # it has never run, so there is nothing to read
            ended_well = (state.get("terminated") or {}).get("exitCode") == 0
            is_bad = not told.get("ready") and not ended_well
            yield str(told["name"]), is_bad, int(told.get("restartCount", 0))


def _first(folder: Folder, what: str, found: list[Any], most: int) -> list[Any]:
    if len(found) > most:
        folder.note(f"kubectl: of {len(found)} {what} the first {most} were taken")
    return found[:most]


def _object(kind: str, told: dict[str, Any]) -> Object:
    about = told["metadata"]
    return Object(kind, str(about.get("namespace", "")), str(about["name"]))


def _is_bad_pod(pod: dict[str, Any]) -> bool:
    status = pod.get("status") or {}
    if status.get("phase") in _ENDED:
        return False
    containers = list(_containers(pod))
    ready = _conditions(status).get("Ready") == "True"
    return not ready or any(is_bad or restarts for _, is_bad, restarts in containers)


def _is_bad_node(node: dict[str, Any]) -> bool:
    told = _conditions(node.get("status") or {})
    is_held = bool((node.get("spec") or {}).get("unschedulable"))
    return is_held or any(
        (state == "True") != bool(_GOOD_IF_TRUE.search(name)) for name, state in told.items()
    )


def _conditions(status: dict[str, Any]) -> dict[str, str]:
    return {str(one["type"]): str(one["status"]) for one in status.get("conditions") or ()}


def _is_unbound(claim: dict[str, Any]) -> bool:
    return (claim.get("status") or {}).get("phase") != "Bound"


def _lacks_replicas(workload: dict[str, Any]) -> bool:
    wanted = (workload.get("spec") or {}).get("replicas", 1)
    return bool((workload.get("status") or {}).get("readyReplicas", 0) < wanted)


def _lacks_nodes(daemons: dict[str, Any]) -> bool:
    status = daemons.get("status") or {}
    return bool(status.get("numberReady", 0) < status.get("desiredNumberScheduled", 0))


def _has_failed(job: dict[str, Any]) -> bool:
    return bool((job.get("status") or {}).get("failed"))
