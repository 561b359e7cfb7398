"""What refers to what in a cluster, as the relation `refs` tells it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from agent.playbook.compile import whole
from lake.ask import bind
from lake.schema import arrow_schema
from lake.store import Lake

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW.replace(hour=13)
TABLE = "kubernetes_object"

Row = dict[str, Any]
Refs = Callable[..., list[tuple[Any, ...]]]


def seen(kind: str, name: str, labels: Row | None = None, /, **object_: Any) -> Row:
    return {
        "object": {"kind": kind, "namespace": "shop", "name": name},
        "attributes": labels,
        "unmapped": {"object": object_},
    }


@pytest.fixture
def refs(tmp_path: Path) -> Refs:
    """`relation, target, detail, whether it is there or what is missing`, in their order."""

    def ask(*objects: Row) -> list[tuple[Any, ...]]:
        with Lake.create(tmp_path / str(len([*tmp_path.iterdir()]))) as lake:
            rows = [_row(one) for one in objects]
            lake.append(TABLE, pa.Table.from_pylist(rows, arrow_schema(TABLE)), "batch")
            found = lake.at().ask(bind(whole("SELECT * FROM refs"), end=LATER)).dicts()
        return sorted(
            (r["relation"], f"{r['to_kind']}/{r['to_name']}", r["detail"] or "", _there(r))
            for r in found
        )

    return ask


def _there(found: Row) -> Any:
    return found["missing"] or found["is_there"]


def _row(given: Row) -> Row:
    """A row with its times, whose JSON is text."""
    texts = {key: json.dumps(given[key]) for key in ("attributes", "unmapped") if given.get(key)}
    return {"time": NOW, "ingested_at": NOW, **given, **texts}


def pod(**spec: Any) -> Row:
    return seen("Pod", "cart-1", {"app": "cart"}, spec=spec)


def test_what_a_pod_mounts_and_uses_is_there_or_not_or_lacks_a_key(refs: Refs) -> None:
    env = [
        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "prices", "key": "eur"}}},
        {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "prices", "key": "usd"}}},
        {"name": "C", "valueFrom": {"secretKeyRef": {"name": "key", "key": "k"}}},
    ]
    asks = pod(
        containers=[{"name": "cart", "env": env, "envFrom": [{"configMapRef": {"name": "gone"}}]}],
        volumes=[
            {"name": "p", "configMap": {"name": "prices", "items": [{"key": "eur", "path": "e"}]}},
            {"name": "o", "configMap": {"name": "other", "optional": True}},
        ],
    )
    assert refs(asks, seen("ConfigMap", "prices", data={"eur": "sha256:1"})) == [
        ("mounts", "ConfigMap/other", "", True),
        ("mounts", "ConfigMap/prices", "eur", True),
        ("uses", "ConfigMap/gone", "", "object"),
        ("uses", "ConfigMap/prices", "eur", True),
        ("uses", "ConfigMap/prices", "usd", "key"),
        ("uses", "Secret/key", "k", None),
    ]


def test_a_ready_pod_proves_that_what_was_not_listed_is_there(refs: Refs) -> None:
    asks = pod(volumes=[{"name": "v", "configMap": {"name": "gone"}}]) | {"is_ready": True}
    assert refs(asks, seen("ConfigMap", "prices"))[0][3] is None


def test_a_selector_is_matched_by_all_its_labels(refs: Refs) -> None:
    service = seen("Service", "cart", spec={"selector": {"app": "cart"}})
    wrong = seen("Service", "cart", spec={"selector": {"app": "cart", "tier": "web"}})
    assert refs(pod(), service) == [("selects", "Pod/cart-1", '{"app":"cart"}', True)]
    assert refs(pod(), wrong) == [("selects", "Pod/None", '{"app":"cart","tier":"web"}', "match")]
    assert refs(service)[0][3] is None


def test_a_selector_of_pods_that_do_not_run_selects_what_would_make_them(refs: Refs) -> None:
    template = {"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": []}}
    deployment = seen("Deployment", "cart", spec={"replicas": 0, "template": template})
    budget = seen("PodDisruptionBudget", "cart", spec={
        "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["cart"]}]}
    })  # fmt: skip
    assert [r[:2] + r[3:] for r in refs(deployment, budget)] == [
        ("selects", "Deployment/cart", True)
    ]


def test_an_ingress_routes_to_a_port_of_a_service(refs: Refs) -> None:
    def backend(name: str, port: Row) -> Row:
        return {"backend": {"service": {"name": name, "port": port}}}

    paths = [backend("cart", {"number": 80}), backend("cart", {"name": "grpc"})]
    ingress = seen("Ingress", "web", spec={
        "ingressClassName": "nginx",
        "rules": [{"http": {"paths": [*paths, backend("gone", {"number": 80})]}}],
        "tls": [{"hosts": ["shop.example"], "secretName": "cert"}],
    })  # fmt: skip
    service = seen("Service", "cart", spec={"ports": [{"name": "http", "port": 80}]})
    assert refs(ingress, service, seen("Secret", "key")) == [
        ("routes to", "Service/cart", "80", True),
        ("routes to", "Service/cart", "grpc", "port"),
        ("routes to", "Service/gone", "80", "object"),
        ("uses", "IngressClass/nginx", "", None),
        ("uses", "Secret/cert", "tls", "object"),
    ]


def test_a_description_tells_of_volumes_and_environment(refs: Refs) -> None:
    told = {
        "Service Account": "cart",
        "Node": "node-1/10.0.0.1",
        "Containers": "cart:\n    Environment Variables from:\n"
        "      prices  ConfigMap  Optional: false\n    Environment:\n"
        "      KEY:  <set to the key 'k' in secret 'key'>  Optional: true",
        "Volumes": "v:\n    Type:      ConfigMap (a volume populated by a ConfigMap)\n"
        "    Name:      rules\n    Optional:  false\n  d:\n    Type:       PersistentVolumeClaim "
        "(a reference to one)\n    ClaimName:  data\n    ReadOnly:   false\n  s:\n"
        "    Type:        Secret (a volume populated by a Secret)\n    SecretName:  cert",
    }
    described = {
        "object": {"kind": "Pod", "namespace": "shop", "name": "cart-1"},
        "workload": {"node": "node-1"},
        "unmapped": {"described": told},
    }
    assert refs(described, seen("ConfigMap", "prices")) == [
        ("mounts", "ConfigMap/rules", "", "object"),
        ("mounts", "PersistentVolumeClaim/data", "", None),
        ("mounts", "Secret/cert", "", None),
        ("runs as", "ServiceAccount/cart", "", None),
        ("runs on", "Node/node-1", "", None),
        ("uses", "ConfigMap/prices", "", True),
        ("uses", "Secret/key", "k", True),
    ]


def test_who_owns_is_told_by_reference_or_by_name(refs: Refs) -> None:
    owned = pod() | {"workload": {"service": "cart", "namespace": "shop"}}
    deployment = seen("Deployment", "cart", spec={})
    assert refs(owned, deployment) == [("owns", "Pod/cart-1", "by its name", True)]
    owned["object"] = owned["object"] | {"owner": {"kind": "Deployment", "name": "cart"}}
    assert refs(owned, deployment) == [("owns", "Pod/cart-1", "", True)]


def test_roles_classes_webhooks_and_claims_are_followed(refs: Refs) -> None:
    found = refs(
        seen("RoleBinding", "b", roleRef={"kind": "Role", "name": "reader"},
          subjects=[{"kind": "ServiceAccount", "name": "cart"}]),
        seen("PersistentVolumeClaim", "data",
          spec={"storageClassName": "fast", "volumeName": "pv-1"}),
        seen("ValidatingWebhookConfiguration", "w",
          webhooks=[{"clientConfig": {"service": {"name": "check", "namespace": "shop"}}}]),
        seen("HorizontalPodAutoscaler", "cart",
          spec={"scaleTargetRef": {"kind": "Deployment", "name": "cart"}}),
        seen("Certificate", "tls", spec={"secretName": "cert", "issuerRef": {"name": "ca"}}),
    )  # fmt: skip
    assert [one[:2] for one in found] == [
        ("binds", "PersistentVolume/pv-1"),
        ("binds", "StorageClass/fast"),
        ("calls", "Service/check"),
        ("creates", "Secret/cert"),
        ("grants", "Role/reader"),
        ("grants to", "ServiceAccount/cart"),
        ("scales", "Deployment/cart"),
        ("uses", "Issuer/ca"),
    ]


def test_malformed_objects_refer_to_nothing(refs: Refs) -> None:
    odd: list[Row] = [pod(containers="x", volumes={"a": 1}, serviceAccountName=7)]
    odd += [seen(kind, "odd", spec=[1]) for kind in ("Ingress", "Service", "StatefulSet")]
    assert [one[0] for one in refs(*odd)] in ([], ["runs as"])
