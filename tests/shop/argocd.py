"""Argo CD's `Application` objects, in their full shape, as a watch sees them change.

After https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml and the status of
https://github.com/argoproj/argo-cd/blob/master/pkg/apis/application/v1alpha1/types.go
"""

from __future__ import annotations

import json
import random
import uuid
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import requests

from tests.shop.fleet import Configuration, first_configuration, now
from tests.shop.github import BORN, OWNER, SITE, second

Json = dict[str, Any]

SERVER = "https://kubernetes.default.svc"
REGISTRY = "registry.shop.example"


@dataclass(frozen=True)
class Sync:
    """One sync of an application, up to some moment: begun, done, or all its pods healthy."""

    id: int
    configuration: Configuration
    image: str
    creator: str | None
    started_at: datetime
    finished_at: datetime | None = None
    healthy_at: datetime | None = None

    @property
    def health(self) -> str:
        """Give the application's health, in Argo CD's words."""
        return "Progressing" if self.finished_at and not self.healthy_at else "Healthy"


@dataclass
class ArgoCD:
    """Syncs applications, one a service, and shows a watcher each whenever it has changed."""

    watcher: str
    random: random.Random
    _history: defaultdict[str, list[Sync]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._version = self.random.randrange(80_000_000, 90_000_000)

    def sync(self, configuration: Configuration, version: str, creator: str | None) -> Sync:
        """Begin to sync an application; nobody's is Argo CD's own."""
        service = configuration.service
        image, at = f"{REGISTRY}/{service}:{version}", now()
        past = self._history[service] = self._history[service] or [
            some_days_ago(service, image, at)
        ]
        sync = Sync(past[-1].id + 1, configuration, image, creator, at)
        self._show(sync, past)
        return sync

    def finish(self, sync: Sync) -> Sync:
        """End a sync: the cluster has taken it, the new pods are still to come."""
        done = replace(sync, finished_at=now())
        past = self._history[sync.configuration.service]
        past.append(done)
        self._show(done, past)
        return done

    def settle(self, sync: Sync) -> None:
        """Say that all pods of a finished sync are healthy."""
        self._show(replace(sync, healthy_at=now()), self._history[sync.configuration.service])

    def _show(self, sync: Sync, past: list[Sync]) -> None:
        self._version += self.random.randint(3, 400)
        body = json.dumps(application(sync, past, self._version), separators=(",", ":"))
        requests.post(self.watcher, data=body.encode(), timeout=5).raise_for_status()


def some_days_ago(service: str, image: str, now: datetime) -> Sync:
    """Give the sync that an application had seen last."""
    number = random.Random(service).randrange(20, 60)
    at = now - timedelta(days=6, hours=4, minutes=number)
    done, healthy = at + timedelta(seconds=1), at + timedelta(seconds=40)
    return Sync(number, first_configuration(service), image, None, at, done, healthy)


def application(sync: Sync, past: list[Sync], version: int) -> Json:
    """Give a whole Application; `past` are the syncs that came to their end, this one included."""
    name = sync.configuration.service
    this = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": "argocd",
            "uid": str(uuid.UUID(int=random.Random(name).getrandbits(128), version=4)),
            "resourceVersion": str(version),
            "generation": 3 * sync.id + (sync.finished_at is not None),
            "creationTimestamp": BORN,
            "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"},
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {
            "project": "shop",
            "source": source(name),
            "destination": {"server": SERVER, "namespace": "shop"},
            # the release pipeline sets the image, Argo CD everything else
            "ignoreDifferences": [
                {
                    "group": "apps",
                    "kind": "Deployment",
                    "jsonPointers": ["/spec/template/spec/containers/0/image"],
                }
            ],
            "syncPolicy": {"automated": {}, "syncOptions": ["RespectIgnoreDifferences=true"]},
            "revisionHistoryLimit": 10,
        },
        "status": status(sync, past),
    }
    return this if sync.finished_at else this | {"operation": operation(sync)}


def status(sync: Sync, past: list[Sync]) -> Json:
    """Give what Argo CD says of an application."""
    name = sync.configuration.service
    changed_at = sync.healthy_at or sync.finished_at
    return {
        "sync": {
            "status": "Synced" if sync.finished_at else "OutOfSync",
            "comparedTo": {
                "source": source(name),
                "destination": {"server": SERVER, "namespace": "shop"},
            },
            "revision": sync.configuration.sha,
        },
        "health": {
            "status": sync.health,
            "lastTransitionTime": second(changed_at or past[-1].healthy_at or sync.started_at),
        },
        "history": [entry(each) for each in past],
        "reconciledAt": second(changed_at or sync.started_at),
        "operationState": operation_state(sync),
        "resources": resources(sync),
        "sourceType": "Kustomize",
        "summary": {"images": [sync.image]},
        "controllerNamespace": "argocd",
    }


def source(name: str) -> Json:
    return {
        "repoURL": f"{SITE}/{OWNER}/deploy.git",
        "path": f"apps/{name}/production",
        "targetRevision": "main",
    }


def initiator(sync: Sync) -> Json:
    return {"username": sync.creator} if sync.creator else {"automated": True}


def entry(sync: Sync) -> Json:
    """Give a sync's line in the application's history."""
    return {
        "id": sync.id,
        "revision": sync.configuration.sha,
        "deployStartedAt": second(sync.started_at),
        "deployedAt": second(sync.finished_at or sync.started_at),
        "initiatedBy": initiator(sync),
        "source": source(sync.configuration.service),
    }


def operation(sync: Sync) -> Json:
    """Give what was asked for."""
    asked = {"revision": sync.configuration.sha, "syncStrategy": {"hook": {}}}
    return {"sync": asked, "initiatedBy": initiator(sync), "retry": {}}


def operation_state(sync: Sync) -> Json:
    """Give how far it has come."""
    state: Json = {
        "operation": operation(sync),
        "phase": "Succeeded" if sync.finished_at else "Running",
        "message": "one or more tasks are running",
        "startedAt": second(sync.started_at),
        "syncResult": {
            "revision": sync.configuration.sha,
            "source": source(sync.configuration.service),
            "resources": applied(sync),
        },
    }
    if sync.finished_at:
        state["message"] = "successfully synced (all tasks run)"
        state["finishedAt"] = second(sync.finished_at)
    return state


def applied(sync: Sync) -> list[Json]:
    """Give what the sync did to each resource: new settings, hence new pods, of the same image."""
    name = sync.configuration.service
    config = f"configmap/{name}-config configured"
    pods = f"deployment.apps/{name} configured"
    return [
        {"group": ""} | resource("ConfigMap", f"{name}-config", task(config)),
        {"group": ""} | resource("Service", name, task(f"service/{name} unchanged")),
        {"group": "apps"} | resource("Deployment", name, task(pods) | {"images": [sync.image]}),
    ]


def task(message: str) -> Json:
    return {"status": "Synced", "message": message, "hookPhase": "Running", "syncPhase": "Sync"}


def resources(sync: Sync) -> list[Json]:
    """Give the state of each resource; what has no health of its own has none here."""
    name = sync.configuration.service
    synced = {"status": "Synced" if sync.finished_at else "OutOfSync"}
    healthy, pods = ({"health": {"status": health}} for health in ("Healthy", sync.health))
    return [
        resource("ConfigMap", f"{name}-config", synced),
        resource("Service", name, {"status": "Synced"} | healthy),
        {"group": "apps"} | resource("Deployment", name, synced | pods),
    ]


def resource(kind: str, name: str, more: Json) -> Json:
    return {"version": "v1", "kind": kind, "namespace": "shop", "name": name} | more
