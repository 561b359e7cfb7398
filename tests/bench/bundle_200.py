"""A bundle of 200 files and 50 MB, as one who is on call saves it; the same bytes every time.

120 logs of pods in six formats, 20 of JSON lines, 40 outputs of kubectl (objects as JSON and YAML,
`get`, `describe`), 15 exports of metrics, and five alerts. One deployment loses its database after
a change of its configuration; the others are as ever.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BEGIN = datetime(2025, 1, 15, 10, tzinfo=UTC)
NAMESPACE = "shop"
SERVICES = tuple(f"{one}-api" for one in ("orders", "ledger", "cart", "search", "mail", "stock"))
ILL = SERVICES[0]
LOG_BYTES = 320_000
METRIC_POINTS = 2_400

_HASH = "bcdfghjklm"
_SAYS = (
    "GET /v1/items/{n} took {ms} ms",
    "order {n} placed by user {u}",
    "cache miss for key item:{n}",
    "sent batch {n} with {u} messages",
    "retrying call {n} in {ms} ms",
)
_FAILS = "connection to ledger-db:5432 refused after {ms} ms"


def pod(service: str, replica: int) -> str:
    """The name of a pod of a deployment, as Kubernetes makes it."""
    return f"{service}-7d9c5b8f4c-{'x2z9'}{_HASH[replica]}"


def write(folder: Path) -> int:
    """Write the bundle into a folder, and count its bytes."""
    for name, text in _files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _files() -> Iterator[tuple[str, str]]:
    forms = (_spring, _python, _klog, _logfmt, _plain, _postgresql)
    for number in range(120):
        service = SERVICES[number % 6]
        name = f"{NAMESPACE}_{pod(service, number // 6 % 10)}_main-{number // 60}.log"
        yield f"logs/{name}", _log(forms[number // 6 % 6], service, number)
    for number in range(20):
        service = SERVICES[number % 6]
        yield f"json/{service}-{number}.json", _log(_json, service, 1000 + number)
    for service in SERVICES:
        yield f"kubectl/{service}-pods.json", json.dumps(_list([*_pods(service)]), indent=1)
        yield f"kubectl/{service}-deployment.yaml", _yaml(_deployment(service))
        yield f"kubectl/{service}-describe.txt", "\n\n".join(map(_described, _pods(service)))
        yield f"kubectl/{service}-pods.txt", _table(service)
        yield f"kubectl/{service}-events.json", json.dumps(_list([*_events(service)]))
        yield f"kubectl/{service}-service.yaml", _yaml(_service(service))
    yield "kubectl/configmaps.json", json.dumps(_list([_configuration(one) for one in SERVICES]))
    yield "kubectl/nodes.json", json.dumps(_list([_node(number) for number in range(3)]))
    yield "kubectl/nodes.txt", _nodes()
    yield "kubectl/deployments.json", json.dumps(_list([_deployment(one) for one in SERVICES]))
    for number in range(15):
        yield f"metrics/{number}.json", json.dumps(_metric(number))
    for number in range(5):
        yield f"alerts/{number}.json", json.dumps(_alert(number), indent=1)


def _log(line: Callable[[random.Random, datetime, str, str], str], service: str, seed: int) -> str:
    """Lines of a log up to its size; one of the ill service fails from half an hour on."""
    rng, at, lines, size = random.Random(seed), BEGIN, list[str](), 0
    while size < LOG_BYTES:
        at += timedelta(milliseconds=rng.randrange(1, 2_000))
        fails = service == ILL and at > BEGIN + timedelta(minutes=30) and rng.random() < 0.3
        says = _FAILS if fails else rng.choice(_SAYS)
        text = says.format(n=rng.randrange(10**6), u=rng.randrange(1000), ms=rng.randrange(1000))
        lines.append(line(rng, at, "ERROR" if fails else "INFO", text))
        size += len(lines[-1])
    return "".join(lines)


def _stamp(at: datetime) -> str:
    return at.isoformat(" ", "milliseconds").removesuffix("+00:00")


def _spring(rng: random.Random, at: datetime, level: str, text: str) -> str:
    trace = "\n\tat shop.Orders.place(Orders.java:41)" * 3 if level == "ERROR" else ""
    thread = f"[exec-{rng.randrange(8)}]"
    return f"{_stamp(at)} {level:5} 1 --- {thread} shop.Orders : {text}{trace}\n"


def _python(rng: random.Random, at: datetime, level: str, text: str) -> str:
    return f"{_stamp(at).replace('.', ',')} - shop.worker.{rng.randrange(4)} - {level} - {text}\n"


def _klog(rng: random.Random, at: datetime, level: str, text: str) -> str:
    return f"{level[0]}{at:%m%d %H:%M:%S.%f}       1 worker.go:{rng.randrange(900)}] {text}\n"


def _logfmt(rng: random.Random, at: datetime, level: str, text: str) -> str:
    when = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'time={when} level={level.lower()} msg="{text}" worker={rng.randrange(8)}\n'


def _plain(rng: random.Random, _: datetime, level: str, text: str) -> str:
    return f"[worker {rng.randrange(8)}] {level.lower()}: {text}\n"


def _postgresql(rng: random.Random, at: datetime, level: str, text: str) -> str:
    who = f"[{rng.randrange(100, 200)}] app@shop"
    return f"{_stamp(at)} UTC {who} {'ERROR' if level == 'ERROR' else 'LOG'}:  {text}\n"


def _json(rng: random.Random, at: datetime, level: str, text: str) -> str:
    record = {
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level.lower(),
        "logger": "shop.orders",
        "message": text,
        "trace_id": rng.randbytes(16).hex(),
        "tenant": "acme",
    }
    return json.dumps(record) + "\n"


def _list(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _named(name: str, at: datetime = BEGIN, **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE, "creationTimestamp": _z(at), **more}


def _z(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _container(service: str) -> dict[str, Any]:
    return {
        "name": "main",
        "image": f"registry.example/{service}:2.8.1",
        "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m"}},
        "envFrom": [{"configMapRef": {"name": f"{service}-config"}}],
        "env": [{"name": f"SETTING_{number}", "value": str(number)} for number in range(40)],
    }


def _pods(service: str) -> Iterator[dict[str, Any]]:
    for replica in range(10):
        is_ill = service == ILL
        state = {"running": {"startedAt": _z(BEGIN)}}
        if is_ill:
            state = {"waiting": {"reason": "CrashLoopBackOff"}}
        ended = {"exitCode": 1, "reason": "Error", "finishedAt": _z(BEGIN + timedelta(minutes=40))}
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": _named(pod(service, replica), labels={"app": service}),
            "spec": {"containers": [_container(service)], "nodeName": f"node-{replica % 3}"},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": str(not is_ill)}],
                "containerStatuses": [
                    {
                        "name": "main",
                        "ready": not is_ill,
                        "restartCount": 9 if is_ill else 0,
                        "state": state,
                        "lastState": {"terminated": ended} if is_ill else {},
                    }
                ],
            },
        }


def _deployment(service: str) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _named(service, labels={"app": service}),
        "spec": {
            "replicas": 10,
            "selector": {"matchLabels": {"app": service}},
            "template": {
                "metadata": {"labels": {"app": service}},
                "spec": {"containers": [_container(service)]},
            },
        },
        "status": {"replicas": 10, "readyReplicas": 0 if service == ILL else 10},
    }


def _service(service: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _named(service),
        "spec": {"selector": {"app": service}, "ports": [{"port": 80, "targetPort": 8080}]},
    }


def _configuration(service: str) -> dict[str, Any]:
    at = BEGIN + timedelta(minutes=29 if service == ILL else 0)
    data = {"DATABASE": "ledger-db:5432", "POOL": "20"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _named(f"{service}-config", at),
    } | {"data": data}


def _node(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"node-{number}", "creationTimestamp": _z(BEGIN)},
        "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]},
    }


def _events(service: str) -> Iterator[dict[str, Any]]:
    for number in range(200):
        at = _z(BEGIN + timedelta(seconds=18 * number))
        is_ill = service == ILL and number > 100
        yield {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": _named(f"{service}.{number:x}"),
            "involvedObject": {
                "kind": "Pod",
                "namespace": NAMESPACE,
                "name": pod(service, number % 10),
            },
            "type": "Warning" if is_ill else "Normal",
            "reason": "BackOff" if is_ill else "Pulled",
            "message": "Back-off restarting failed container" if is_ill else "Image is present",
            "count": 1 + number // 10,
            "firstTimestamp": at,
            "lastTimestamp": at,
        }


def _yaml(value: Any, depth: int = 0) -> str:
    """Block YAML of objects, lists and scalars, as kubectl prints it."""
    pad = "  " * depth
    if isinstance(value, dict):
        return "".join(
            f"{pad}{key}: {json.dumps(one)}\n"
            if not isinstance(one, dict | list) or not one
            else f"{pad}{key}:\n{_yaml(one, depth + 1)}"
            for key, one in value.items()
        )
    return "".join(f"{pad}-{_yaml(one, depth + 1)[len(pad) + 1 :]}" for one in value)


def _described(found: dict[str, Any]) -> str:
    (status,) = found["status"]["containerStatuses"]
    state = next(iter(status["state"]))
    return "\n".join(
        [
            f"Name:             {found['metadata']['name']}",
            f"Namespace:        {NAMESPACE}",
            f"Node:             {found['spec']['nodeName']}/10.0.1.42",
            "Start Time:       Wed, 15 Jan 2025 10:00:00 +0000",
            f"Labels:           app={found['metadata']['labels']['app']}",
            "Status:           Running",
            "Containers:",
            "  main:",
            f"    Image:          {found['spec']['containers'][0]['image']}",
            f"    State:          {state.capitalize()}",
            f"    Ready:          {status['ready']}",
            f"    Restart Count:  {status['restartCount']}",
            "Events:           <none>",
        ]
    )


def _table(service: str) -> str:
    rows = [f"{'NAME':40} READY   STATUS             RESTARTS   AGE"]
    for one in _pods(service):
        (status,) = one["status"]["containerStatuses"]
        is_ready = status["ready"]
        told = "1/1     Running            0          44m"
        ill = "0/1     CrashLoopBackOff   9          44m"
        rows.append(f"{one['metadata']['name']:40} {told if is_ready else ill}")
    return "\n".join(rows) + "\n"


def _nodes() -> str:
    rows = [f"node-{number}   Ready    <none>   41d   v1.31.2" for number in range(3)]
    return "\n".join(["NAME     STATUS   ROLES    AGE   VERSION", *rows]) + "\n"


def _metric(number: int) -> dict[str, Any]:
    """An answer of Prometheus to a query over a range: a series a pod."""
    rng = random.Random(number)
    begin = int(BEGIN.timestamp())
    series = [
        {
            "metric": {
                "__name__": f"metric_{number}_total",
                "namespace": NAMESPACE,
                "pod": pod(service, 0),
            },
            "values": [
                [begin + 15 * step, f"{rng.random():.4f}"] for step in range(METRIC_POINTS // 6)
            ],
        }
        for service in SERVICES
    ]
    return {"status": "success", "data": {"resultType": "matrix", "result": series}}


def _alert(number: int) -> dict[str, Any]:
    service = SERVICES[number]
    labels = {"alertname": "ErrorRate", "namespace": NAMESPACE, "service": service}
    alert = {
        "status": "firing" if service == ILL else "resolved",
        "labels": labels | {"severity": "critical"},
        "annotations": {"summary": f"{service} fails"},
        "startsAt": _z(BEGIN + timedelta(minutes=35)),
        "endsAt": "0001-01-01T00:00:00Z" if service == ILL else _z(BEGIN + timedelta(minutes=38)),
        "fingerprint": f"{number:016x}",
    }
    return {"version": "4", "status": alert["status"], "receiver": "web", "alerts": [alert]}


if __name__ == "__main__":
    sys.stdout.write(f"{write(Path(sys.argv[1])):,} bytes\n")
