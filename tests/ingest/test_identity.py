"""One pod is one pod, whatever speaks of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingest.bundle import take
from lake.store import Lake

POD, NODE, UID = "cart-6d5f8c7b9d-x2x4z", "node-7", "0b1c2d3e-0000-4000-8000-000000000001"
AT = "2026-01-15T10:00:00Z"
META = {"name": POD, "namespace": "shop", "uid": UID, "creationTimestamp": AT}
OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-6d5f8c7b9d"}


def attributes(**given: str) -> list[dict[str, Any]]:
    return [
        {"key": key.replace("_", "."), "value": {"stringValue": value}}
        for key, value in given.items()
    ]


def span() -> dict[str, Any]:
    resource = attributes(
        service_name="cart", k8s_pod_name=POD, k8s_namespace_name="shop", k8s_node_name=NODE
    )
    one = {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "name": "GET /cart",
        "startTimeUnixNano": "1768471200000000000",
        "endTimeUnixNano": "1768471200100000000",
    }
    scopes = [{"spans": [one]}]
    return {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": scopes}]}


def event() -> dict[str, Any]:
    about = {"kind": "Pod", "name": POD, "namespace": "shop", "uid": UID}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{POD}.1", "namespace": "shop", "creationTimestamp": AT},
        "involvedObject": about,
        "reason": "BackOff",
        "message": "Back-off restarting failed container",
        "type": "Warning",
        "count": 3,
        "firstTimestamp": AT,
        "lastTimestamp": AT,
        "source": {"component": "kubelet", "host": NODE},
    }


def pod() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**META, "ownerReferences": [OWNER]},
        "spec": {"nodeName": NODE, "containers": [{"name": "cart", "image": "cart:2.8.0"}]},
        "status": {"phase": "Running", "startTime": AT},
    }


def metric() -> dict[str, Any]:
    labels = {"__name__": "up", "service": "cart", "pod": POD, "namespace": "shop", "node": NODE}
    data = {"resultType": "vector", "result": [{"metric": labels, "value": [1768471200, "1"]}]}
    return {"status": "success", "data": data}


def test_a_pod_has_one_name_in_a_log_a_span_an_event_a_state_and_a_metric(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    log = folder / "pods" / f"shop_{POD}_{UID}" / "cart" / "0.log"
    log.parent.mkdir(parents=True)
    log.write_text("2026-01-15T10:00:00.123456789Z stdout F started\n")
    others = {"span": span(), "event": event(), "pod": pod(), "metric": metric()}
    for name, document in others.items():
        (folder / f"{name}.json").write_text(json.dumps(document) + "\n")
    with Lake.create(tmp_path / "lake") as lake:
        summaries = take(lake, [folder])
        assert {one.source: dict(one.quarantined) for one in summaries} == {
            "cri": {},
            "kubernetes_objects": {},
            "otlp_traces": {},
            "prometheus_query": {},
        }
        tables = sorted({table for one in summaries for table in one.classes})
        said = {
            table: lake.at().ask(f"SELECT DISTINCT workload FROM {table}").dicts()
            for table in tables
        }
    assert tables == [
        "kubernetes_event",
        "kubernetes_object",
        "log_record",
        "metric_point",
        "trace_span",
    ]
    for table, rows in said.items():
        ((workload,),) = (row.values() for row in rows)
        named = {name: workload[name] for name in ("service", "namespace", "pod", "instance")}
        assert named == {"service": "cart", "namespace": "shop", "pod": POD, "instance": POD}, table
        assert workload["node"] in (NODE, None)
