"""A cluster that does well, with all that a healthy one shows and an eager eye takes for trouble.

Completed jobs, restarts of weeks ago, a rollout's probes that failed while a process started, a
scaled-to-zero deployment, an autoscaler at work, scanners, retries that succeeded, a leader that
was elected, warnings of what is deprecated, a nightly job's slow query.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Object = dict[str, Any]

TODAY = "2026-03-01T"


def write(folder: Path) -> None:
    """The cluster as a folder of what somebody saved from it."""
    for name, text in _files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _files() -> dict[str, str]:
    return {
        "objects.json": json.dumps({"kind": "List", "items": _objects()}),
        "events.json": json.dumps({"kind": "List", "items": _events()}),
        "pods.txt": PODS,
        "logs/shop/cart-7d9f8b6c54-x2x9z.log": CART,
        "logs/shop/web-5f6d7c8b9d-k4k2p.log": WEB,
        "logs/shop/orders-db-0.log": ORDERS_DB,
        "logs/shop/operator-6b8d5f7c9d-m9m2q.log": OPERATOR,
    }


def _objects() -> list[Object]:
    return [
        *(_node(name) for name in ("node-a", "node-b")),
        _deployment("cart", 2),
        _deployment("web", 1),
        _deployment("operator", 1),
        _deployment("old-reports", 0),
        _daemon_set(),
        _autoscaler(),
        _pod("cart-7d9f8b6c54-x2x9z", "cart", restarts=3, ended=("OOMKilled", 137)),
        _pod("cart-7d9f8b6c54-h7h4d", "cart"),
        _pod("web-5f6d7c8b9d-k4k2p", "web", restarts=1, ended=("Error", 1)),
        _pod("operator-6b8d5f7c9d-m9m2q", "operator"),
        _pod("agent-z8z4x", "agent", owner="DaemonSet"),
        _pod("orders-db-0", "orders-db", owner="StatefulSet"),
        _job(),
        _completed("nightly-29040000-q5q7w"),
    ]


def _meta(name: str, service: str = "", **more: Any) -> Object:
    labels = {"labels": {"app": service}} if service else {}
    made = {"creationTimestamp": "2026-01-10T08:00:00Z"}
    return {"name": name, "namespace": "shop", **made, **labels, **more}


def _condition(kind: str, status: str, reason: str) -> Object:
    since = "2026-02-20T08:00:00Z"
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": since}


def _node(name: str) -> Object:
    conditions = [
        _condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        _condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        _condition("PIDPressure", "False", "KubeletHasSufficientPID"),
        _condition("Ready", "True", "KubeletReady"),
    ]
    size = {"cpu": "4", "memory": "16Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "creationTimestamp": "2026-01-10T08:00:00Z"},
        "status": {"conditions": conditions, "capacity": size, "allocatable": size},
    }


def _deployment(name: str, replicas: int) -> Object:
    counts = {"replicas", "readyReplicas", "availableReplicas", "updatedReplicas"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _meta(name, name),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": _spec(name)},
        },
        "status": {
            **dict.fromkeys(sorted(counts) if replicas else (), replicas),
            "conditions": [
                _condition("Available", "True", "MinimumReplicasAvailable"),
                _condition("Progressing", "True", "NewReplicaSetAvailable"),
            ],
        },
    }


def _daemon_set() -> Object:
    """One in the middle of a rollout: one pod of two is updated and all are ready."""
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": _meta("agent", "agent"),
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {"metadata": {"labels": {"app": "agent"}}, "spec": _spec("agent")},
        },
        "status": {
            "desiredNumberScheduled": 2,
            "currentNumberScheduled": 2,
            "updatedNumberScheduled": 1,
            "numberReady": 2,
            "numberAvailable": 2,
        },
    }


def _autoscaler() -> Object:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _meta("cart"),
        "spec": {
            "minReplicas": 1,
            "maxReplicas": 6,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"},
        },
        "status": {
            "currentReplicas": 2,
            "desiredReplicas": 2,
            "conditions": [
                _condition("AbleToScale", "True", "ReadyForNewScale"),
                _condition("ScalingActive", "True", "ValidMetricFound"),
                _condition("ScalingLimited", "False", "DesiredWithinRange"),
            ],
        },
    }


def _spec(name: str) -> Object:
    limits = {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "100m"}}
    return {"containers": [{"name": name, "image": f"shop/{name}:2.1", "resources": limits}]}


def _pod(
    name: str,
    service: str,
    *,
    restarts: int = 0,
    ended: tuple[str, int] | None = None,
    owner: str = "ReplicaSet",
) -> Object:
    """A pod that is ready; what it was once restarted for is weeks ago."""
    made_by = name.rpartition("-")[0] if owner == "ReplicaSet" else service
    last = ended and {
        "terminated": {
            "reason": ended[0],
            "exitCode": ended[1],
            "startedAt": "2026-02-01T03:00:00Z",
            "finishedAt": "2026-02-01T04:00:00Z",
        }
    }
    status = {
        "name": service,
        "image": f"shop/{service}:2.1",
        "ready": True,
        "started": True,
        "restartCount": restarts,
        "state": {"running": {"startedAt": "2026-02-01T04:00:10Z"}},
        **({"lastState": last} if last else {}),
    }
    owners = {"ownerReferences": [{"kind": owner, "name": made_by, "controller": True}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _meta(name, service, **owners),
        "spec": {**_spec(service), "nodeName": "node-a"},
        "status": {
            "phase": "Running",
            "startTime": "2026-02-01T03:00:00Z",
            "conditions": [
                _condition("Initialized", "True", ""),
                _condition("Ready", "True", ""),
                _condition("ContainersReady", "True", ""),
                _condition("PodScheduled", "True", ""),
            ],
            "containerStatuses": [status],
            "initContainerStatuses": [_done("migrate")],
        },
    }


def _done(name: str) -> Object:
    ended = {"reason": "Completed", "exitCode": 0, "finishedAt": f"{TODAY}02:03:00Z"}
    return {"name": name, "ready": True, "restartCount": 0, "state": {"terminated": ended}}


def _job() -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _meta("nightly-29040000"),
        "spec": {"backoffLimit": 6, "completions": 1},
        "status": {
            "succeeded": 1,
            "startTime": f"{TODAY}02:00:00Z",
            "completionTime": f"{TODAY}02:03:00Z",
            "conditions": [_condition("Complete", "True", "CompletionsReached")],
        },
    }


def _completed(name: str) -> Object:
    pod = _pod(name, "nightly", owner="Job")
    pod["status"] |= {
        "phase": "Succeeded",
        "containerStatuses": [{**_done("nightly"), "ready": False}],
        "conditions": [_condition("Ready", "False", "PodCompleted")],
    }
    pod["metadata"]["ownerReferences"][0]["name"] = "nightly-29040000"
    return pod


def _events() -> list[Object]:
    pod, old = ("Pod", "cart-7d9f8b6c54-h7h4d"), ("Pod", "cart-6c5d4b3a21-b8b8b")
    return [
        _event(*pod, "Scheduled", "Successfully assigned shop/cart-7d9f8b6c54-h7h4d to node-b"),
        _event(*pod, "Pulled", 'Container image "shop/cart:2.1" already present on machine'),
        _event(*pod, "Started", "Started container cart"),
        _event(
            *pod,
            "Unhealthy",
            'Readiness probe failed: Get "http://10.1.0.9:8080/ready": dial tcp 10.1.0.9:8080: '
            "connect: connection refused",
            kind="Warning",
            times=2,
        ),
        _event(*old, "Killing", "Stopping container cart"),
        _event(
            *old,
            "Unhealthy",
            'Readiness probe failed: Get "http://10.1.0.7:8080/ready": EOF',
            kind="Warning",
        ),
        _event("Job", "nightly-29040000", "Completed", "Job completed"),
        _event(
            "HorizontalPodAutoscaler",
            "cart",
            "SuccessfulRescale",
            "New size: 2; reason: cpu resource utilization (percentage of request) above target",
        ),
        _event(
            "Deployment", "cart", "ScalingReplicaSet", "Scaled up replica set cart-7d9f8b6c54 to 2"
        ),
        _event("DaemonSet", "agent", "SuccessfulCreate", "Created pod: agent-z8z4x"),
    ]


def _event(
    of_kind: str, name: str, reason: str, message: str, kind: str = "Normal", times: int = 1
) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{reason}".lower(), "namespace": "shop"},
        "involvedObject": {"kind": of_kind, "namespace": "shop", "name": name},
        "reason": reason,
        "message": message,
        "type": kind,
        "count": times,
        "firstTimestamp": f"{TODAY}09:00:05Z",
        "lastTimestamp": f"{TODAY}09:00:15Z",
    }


PODS = """\
NAMESPACE     NAME                         READY   STATUS      RESTARTS       AGE
kube-system   coredns-6f6b679f8f-8x7kq     1/1     Running     4 (28d ago)    49d
kube-system   kube-proxy-d5kqz             1/1     Running     1 (28d ago)    49d
shop          cart-7d9f8b6c54-x2x9z        1/1     Running     3 (28d ago)    28d
shop          nightly-29040000-q5q7w       0/1     Completed   0              7h
shop          migrate-once-t6t8r           0/1     Completed   0              49d
"""

CART = f"""\
{TODAY}09:00:00.000Z INFO starting cart 2.1, profile production
{TODAY}09:00:01.120Z WARN option spring.old.name is deprecated and will be removed, use spring.name
{TODAY}09:00:02.000Z WARN cache is empty, reading through
{TODAY}09:00:03.000Z INFO started in 3.1 s, errors=0 warnings=2
{TODAY}09:01:10.000Z INFO GET /cart/42 200 12ms
{TODAY}09:02:10.000Z WARN payment answered 503, retry 1 of 3
{TODAY}09:02:10.300Z INFO retry 1 of 3 succeeded, payment answered 200
{TODAY}09:05:00.000Z WARN read ECONNRESET while a client went away
{TODAY}09:07:00.000Z INFO login failed for user "guest": wrong password
{TODAY}09:08:00.000Z INFO feature checkout-v2: timeout=3000ms, failOnError=false
{TODAY}09:08:10.000Z WARN 401 Unauthorized: missing bearer token for GET /api/orders
{TODAY}09:08:20.000Z WARN invalid token presented by client 203.0.113.9: token expired
{TODAY}09:08:30.000Z INFO rate limit for client 203.0.113.9: 429 Too Many Requests
{TODAY}09:08:40.000Z ERROR http: TLS handshake error from 203.0.113.9:53122: EOF
{TODAY}09:08:50.000Z ERROR payment declined for order 42: insufficient funds
{TODAY}09:09:00.000Z INFO loaded 14 certificates; expired certificates removed: 0
{TODAY}09:09:10.000Z INFO cloud call is throttled (ThrottlingException), retrying, attempt 1
{TODAY}09:09:20.000Z WARN slow request: GET /report took 2300 ms
{TODAY}09:09:30.000Z WARN config file /etc/cart/extra.yaml not found, using defaults
{TODAY}09:09:40.000Z INFO breaker payment went from HALF_OPEN to CLOSED
{TODAY}09:09:50.000Z INFO loaded class com.shop.PaymentFailedException
{TODAY}09:10:00.000Z INFO health: ok, 0 failures, 0 timeouts, pool 4 of 20 in use
"""

WEB = """\
10.1.0.1 - - [01/Mar/2026:09:00:10 +0000] "GET / HTTP/1.1" 200 812 "-" "Mozilla/5.0"
10.1.0.1 - - [01/Mar/2026:09:00:20 +0000] "GET /cart HTTP/1.1" 200 1532 "-" "Mozilla/5.0"
203.0.113.9 - - [01/Mar/2026:09:01:00 +0000] "GET /wp-login.php HTTP/1.1" 404 153 "-" "scan/1.0"
203.0.113.9 - - [01/Mar/2026:09:01:01 +0000] "GET /.env HTTP/1.1" 404 153 "-" "scan/1.0"
203.0.113.9 - - [01/Mar/2026:09:01:02 +0000] "GET /admin HTTP/1.1" 401 153 "-" "scan/1.0"
10.1.0.1 - - [01/Mar/2026:09:02:00 +0000] "GET /help/error-500 HTTP/1.1" 200 900 "-" "Mozilla/5.0"
10.1.0.1 - - [01/Mar/2026:09:03:00 +0000] "GET /cart HTTP/1.1" 499 0 "-" "Mozilla/5.0"
10.1.0.1 - - [01/Mar/2026:09:04:00 +0000] "GET /cart HTTP/1.1" 200 1532 "-" "Mozilla/5.0"
"""

ORDERS_DB = """\
2026-03-01 02:00:00.000 UTC [71] LOG:  checkpoint starting: time
2026-03-01 02:01:30.000 UTC [71] LOG:  checkpoint complete: wrote 412 buffers (2.5%)
2026-03-01 02:02:00.000 UTC [90] LOG:  duration: 5321.1 ms  statement: INSERT INTO report SELECT 1
2026-03-01 02:02:30.000 UTC [92] LOG:  automatic vacuum of table "shop.orders": index scans: 0
2026-03-01 09:00:00.000 UTC [95] ERROR:  duplicate key value violates unique constraint "orders_key"
2026-03-01 09:00:00.000 UTC [95] DETAIL:  Key (id)=(42) already exists.
2026-03-01 09:04:00.000 UTC [97] ERROR:  canceling statement due to user request
2026-03-01 09:05:00.000 UTC [99] LOG:  could not receive data from client: Connection reset by peer
"""

OPERATOR = """\
I0301 09:00:00.000000       1 leaderelection.go:250] attempting to acquire leader lease shop/op...
I0301 09:00:17.000000       1 leaderelection.go:260] successfully acquired lease shop/op
W0301 09:00:18.000000       1 warnings.go:70] v1 Endpoints is deprecated; use EndpointSlice
I0301 09:00:19.000000       1 controller.go:178] "Starting workers" worker count=1
I0301 09:00:20.000000       1 request.go:697] Waited for 1.1s due to client-side throttling
I0301 09:00:21.000000       1 reconcile.go:90] the object has been modified; requeue, no error
I0301 09:06:00.000000       1 reflector.go:556] watch of Pod ended with: too old resource version
"""
