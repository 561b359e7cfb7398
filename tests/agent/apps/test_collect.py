"""`inquest collect`: a bundle is gathered read-only, without secrets, with whatever is there."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from agent.apps.cli import run
from agent.apps.collect import argocd, folder, helm, kubernetes
from agent.apps.collect.folder import conceal
from agent.apps.collect.tool import Answer, verbs
from tests.agent.apps.programs import Program, install

NO_ITEMS = '{"items": []}'
READING = {"get", "describe", "logs", "top", "version", "api-resources"}
READING |= {"app list", "app get", "app history", "app diff", "list", "status", "history"}

Json = dict[str, Any]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH, with the few programs that a script needs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cat", "env"):
        (folder / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def kubectl(path: Path) -> Program:
    """A kubectl whose cluster is empty but for what a test says."""
    return install(path, "kubectl", NO_ITEMS)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "bundle"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "door.log"
    file.write_text("2026-11-20T10:00:00Z INFO door is open\n", encoding="utf-8")
    return file


def pod(name: str, *, restarts: int = 0, ready: bool = True, **spec: Any) -> Json:
    state = {"running": {}} if ready else {"waiting": {"reason": "CrashLoopBackOff"}}
    told = {"name": "app", "ready": ready, "restartCount": restarts, "state": state}
    condition = {"type": "Ready", "status": str(ready)}
    about = {"name": name, "namespace": "door", "creationTimestamp": "2026-11-20T10:00:00Z"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": about,
        "spec": {"containers": [{"name": "app", **spec}]},
        "status": {"phase": "Running", "conditions": [condition], "containerStatuses": [told]},
    }


def items(*objects: Json) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def manifest(out: Path) -> Json:
    told: Json = json.loads((out / "_index.json").read_text(encoding="utf-8"))
    return told


def entry(out: Path, file: str) -> Json:
    return next(each for each in manifest(out)["files"] if each["file"] == file)


def words_of_cluster(*where: str) -> list[list[str]]:
    """Every call that the empty cluster gets, in order."""
    of = [["get", kind, *where, "-o", "json"] for kind in kubernetes._HOME]
    of += [["get", kind, "-o", "json"] for kind in kubernetes._CLUSTER]
    secrets = ["get", "secrets", *where, "-o", f"go-template={kubernetes._SECRETS.read_text()}"]
    top = [["top", "pods", *where, "--containers"], ["top", "nodes"]]
    first = [["version", "-o", "json"], ["api-resources"]]
    return [["--request-timeout=20s", *words] for words in (*first, *of, secrets, *top)]


def test_an_empty_cluster_is_asked_these_words_and_no_others(kubectl: Program, out: Path) -> None:
    assert run(["collect", str(out)]) == 0
    assert kubectl.asked == words_of_cluster("--all-namespaces")


def test_of_what_is_not_well_there_are_descriptions_and_logs_of_both_lives(
    kubectl: Program, out: Path
) -> None:
    kubectl.says("get pods", items(pod("well"), pod("ill", ready=False, restarts=4)))
    kubectl.says("logs ill", "KeyError: 'HINGE'\n")
    assert run(["collect", str(out), "-n", "door", "--since", "30m"]) == 0
    where = ["--namespace", "door"]
    logs = ["--container", "app", "--tail=2000"]
    assert kubectl.asked[len(words_of_cluster(*where)) :] == [
        ["--request-timeout=20s", *words]
        for words in (
            ["describe", "pod", "ill", *where],
            ["logs", "ill", *where, *logs, "--since=1800s"],
            ["logs", "ill", *where, *logs, "--previous"],
            ["logs", "well", *where, *logs, "--since=1800s"],
        )
    ]
    kept = entry(out, "logs/door_ill_app_previous.log")
    assert kept["params"] == {"pod": "ill", "namespace": "door", "container": "app"}
    assert kept["invocation"].endswith("--container app --tail=2000 --previous")
    assert (out / kept["file"]).read_text() == "KeyError: 'HINGE'\n"


def test_without_a_namespace_only_the_logs_of_troubled_containers_are_kept(
    kubectl: Program, out: Path
) -> None:
    kubectl.says("get pods", items(pod("well"), pod("ill", restarts=1)))
    assert run(["collect", str(out)]) == 0
    assert {words[2] for words in kubectl.asked if words[1] == "logs"} == {"ill"}


def test_a_verb_that_is_not_listed_is_not_run(kubectl: Program) -> None:
    for words in (("delete", "pods"), ("--help",), (), ("exec",), ("config", "view")):
        with pytest.raises(ValueError, match="no verb that only reads"):
            kubernetes.KUBECTL.ask(*words)
    assert kubectl.asked == []


def test_every_verb_listed_only_reads() -> None:
    tools = (kubernetes.KUBECTL, argocd.ARGOCD, helm.HELM)
    assert {" ".join(verb) for tool in tools for verb in tool.verbs} == READING


def test_a_tool_that_is_not_here_is_said_in_a_line_and_the_others_go_on(
    path: Path, out: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert path.is_dir()
    words = ["--argocd", "--helm", "--postgres", "postgresql://door@h/d", "--redis", "redis://h"]
    assert run(["collect", str(out), "--logs", str(log), *words]) == 0
    missing = [f"{name} is not installed here" for name in ("kubectl", "argocd", "helm", "psql")]
    assert manifest(out)["notes"] == [*missing, "redis-cli is not installed here"]
    assert capsys.readouterr().err.splitlines() == manifest(out)["notes"]


def test_what_a_tool_refuses_is_kept_in_its_own_words(kubectl: Program, out: Path) -> None:
    refusal = 'Error from server (Forbidden): nodes is forbidden: User "door" cannot list resource'
    kubectl.fails(refusal, "get nodes")
    kubectl.says("get pods", items(pod("well")))
    assert run(["collect", str(out)]) == 0
    assert entry(out, "kubernetes/nodes.json")["status"] == "error"
    assert entry(out, "kubernetes/pods.json")["status"] == "success"
    assert (out / "kubernetes/nodes.json").read_text() == refusal
    assert manifest(out)["notes"] == [f"kubectl: {refusal}"]


def test_of_a_cluster_that_gives_no_answer_no_bundle_is_made(
    kubectl: Program, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = '{"clientVersion": {"gitVersion": "v1.32.4"}}'
    script = kubectl.here.parent / "kubectl"
    script.write_text(f"#!/bin/sh\necho '{client}'\necho refused >&2\nexit 1\n")
    assert run(["collect", str(out)]) == 2
    assert capsys.readouterr().err == (
        f"kubectl: refused\ninquest: Nothing could be gathered, so {out} was not written.\n"
    )


def test_a_cluster_that_gives_no_answer_is_asked_once(
    kubectl: Program, out: Path, log: Path
) -> None:
    kubectl.fails("Unable to connect to the server: dial tcp: i/o timeout", "version")
    assert run(["collect", str(out), "--logs", str(log)]) == 0
    assert len(kubectl.asked) == 1


def test_no_secret_reaches_the_disk(kubectl: Program, out: Path, log: Path) -> None:
    secrets = ["hunter2hunter2", "ghp_" + "a" * 36, "s3cret-of-the-door"]
    env = [{"name": "DOOR_PASSWORD", "value": secrets[0]}, {"name": "HINGE", "value": "left"}]
    kubectl.says("get pods", items(pod("ill", restarts=1, env=env)))
    kubectl.says("logs ill", f"token {secrets[1]}\n")
    log.write_text(f"2026-11-20T10:00:00Z INFO password={secrets[2]}\n", encoding="utf-8")
    assert run(["collect", str(out), "--logs", str(log), "--prompt", f"is {secrets[1]} bad?"]) == 0
    written = "".join(file.read_text() for file in out.rglob("*") if file.is_file())
    assert not [secret for secret in secrets if secret in written]
    assert '{"name": "HINGE", "value": "left"}' in written


def test_redaction_can_be_left_out(path: Path, out: Path, log: Path) -> None:
    assert path.is_dir()
    log.write_text("2026-11-20T10:00:00Z INFO password=oak-and-iron\n", encoding="utf-8")
    assert run(["collect", str(out), "--no-kube", "--no-redact", "--logs", str(log)]) == 0
    assert "oak-and-iron" in (out / "logs/door.log").read_text()


def test_values_of_secrets_are_not_in_what_kubectl_is_asked_to_print() -> None:
    template = kubernetes._SECRETS.read_text(encoding="utf-8")
    assert "range $key, $_ := $secret.data" in template
    assert "$_" not in template.replace("range $key, $_ := $secret.data", "")


def test_a_name_tells_that_its_value_is_a_secret() -> None:
    told = {"name": "API_TOKEN", "value": "abc123def456"}
    assert conceal({"env": [told]}) == {
        "env": [{"name": "API_TOKEN", "value": "[redacted:secret]"}]
    }
    assert conceal({"password": "x", "n": 1, "ok": ["a"]}) == {
        "password": "[redacted:password]",
        "n": 1,
        "ok": ["a"],
    }


@pytest.mark.parametrize(
    "told",
    [
        {"args": ["serve", "--password", "hinge"]},
        {"args": ["--api-key", "hinge12345"]},
        {"password": 12345678},
        {"password": {"value": "hinge"}},
        {"passwords": ["hinge", "oak"]},
        {"env": [{"name": "SECRET_KEY_BASE", "value": "hinge12345"}]},
        {"requirepass": "hinge"},
        {"data": {"redis.conf": "maxmemory 2gb\nrequirepass hinge\nmasterauth hinge\n"}},
    ],
)
def test_a_secret_is_known_by_what_stands_before_or_above_it(told: Json) -> None:
    assert not re.search("hinge|oak|12345", json.dumps(conceal(told)))


@pytest.mark.parametrize(
    "told",
    [
        {"env": [{"name": "DOOR", "valueFrom": {"secretKeyRef": {"name": "door-1", "key": "k"}}}]},
        {"imagePullSecrets": [{"name": "registry-credentials-2"}], "secrets": [{"name": "door-1"}]},
        {"automountServiceAccountToken": True, "tokenExpirationSeconds": 36000000},
        {"volumes": [{"name": "secret", "secret": {"secretName": "door-certificate-1"}}]},
    ],
)
def test_what_only_names_a_secret_stays(told: Json) -> None:
    assert conceal(told) == told


def test_a_file_of_any_name_lies_within_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "bundle"
    inside.mkdir()
    kept = folder.Folder(inside, lambda _: None, redacts=True)
    for name in ("argocd/../../out.json", "/out.json", "a\\b\0\n.json", f"logs/{'long' * 99}.log"):
        kept.keep(name, "logs", Answer("here"))
    assert [each.name for each in tmp_path.iterdir()] == ["bundle"]
    names = [each["file"] for each in kept.files]
    assert names[:3] == ["argocd/out.json", "out.json", "a_b__.json"]
    assert names[3].endswith("long.log")
    assert [(inside / name).read_text() for name in names] == ["here"] * 4


@pytest.mark.parametrize("tool", ["argocd", "helm"])
@pytest.mark.parametrize("said", ["null", "<html>Log in</html>", '{"a": 1}', '[null, {"name": 3}]'])
def test_a_list_that_is_none_ends_only_its_own_part(
    path: Path, out: Path, log: Path, tool: str, said: str
) -> None:
    install(path, tool, said)
    assert run(["collect", str(out), "--no-kube", f"--{tool}", "--logs", str(log)]) == 0
    assert {each["file"] for each in manifest(out)["files"]} == {
        "logs/door.log",
        f"{tool}/list.json",
    }
    notes = manifest(out).get("notes", [])
    is_no_list = said[0] not in "n["
    assert notes == [f"{tool} gave no list of objects as JSON: {said}"] * is_no_list


def test_a_node_is_ill_by_its_conditions_whichever_way_they_read() -> None:
    def node(**conditions: str) -> Json:
        told = [{"type": kind, "status": status} for kind, status in conditions.items()]
        return {"metadata": {"name": "n"}, "status": {"conditions": told}}

    well = node(Ready="True", KernelReady="True", DiskPressure="False", EtcdIsVoter="True")
    ill = [node(Ready="Unknown"), node(KernelReady="False"), node(DiskPressure="True")]
    assert kubernetes.ailing({"nodes": [well]}) == []
    assert len(kubernetes.ailing({"nodes": ill})) == 3


def test_what_a_slow_command_authenticates_with_is_not_kept(path: Path, out: Path) -> None:
    redis = install(path, "redis-cli")
    redis.says("db 6379 INFO", "# Memory\r\nused_memory:7\r\n")
    slow = [["AUTH", "oak"], ["hello", "3", "AUTH", "door", "oak"], ["GET", "hinge"]]
    entries = [[n, 1_795_000_000, 120_000, words, "h:1", ""] for n, words in enumerate(slow)]
    redis.says("db 6379 SLOWLOG", json.dumps(entries))
    assert run(["collect", str(out), "--no-kube", "--redis", "redis://db"]) == 0
    lines = (out / "redis/slowlog.jsonl").read_text().splitlines()
    assert [json.loads(each)["message"] for each in lines] == [
        "AUTH took 120.0 ms",
        "hello took 120.0 ms",
        "GET hinge took 120.0 ms",
    ]


@pytest.mark.parametrize("url", ["redis://db:oak", "redis://[db", "redis://db:99999"])
def test_a_redis_that_cannot_be_meant_is_refused(
    out: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["collect", str(out), "--no-kube", "--redis", url]) == 2
    assert "write it as redis://:PASSWORD@HOST:PORT" in capsys.readouterr().err


def test_a_folder_that_holds_something_is_left_as_it_is(
    out: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out.mkdir()
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    assert run(["collect", str(out), "--no-kube", "--logs", str(log)]) == 2
    assert capsys.readouterr().err.endswith("is there and not empty: collect into a new folder.\n")
    assert [file.name for file in out.iterdir()] == ["mine.txt"]


def test_where_nothing_can_be_gathered_no_folder_is_left(
    tmp_path: Path, path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert path.is_dir()
    assert run(["collect", str(out)]) == 2
    said = capsys.readouterr().err
    assert said == (
        "kubectl is not installed here\n"
        f"inquest: Nothing could be gathered, so {out} was not written.\n"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["bin"]


def test_of_a_log_that_is_too_long_the_end_is_kept(
    out: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.apps.collect.logs.FILE_BYTES", 100)
    log.write_text("".join(f"line {n:03}\n" for n in range(100)), encoding="utf-8")
    assert run(["collect", str(out), "--no-kube", "--logs", str(log)]) == 0
    assert (out / "logs/door.log").read_text().splitlines()[0] == "line 089"
    assert manifest(out)["notes"] == [f"{log} was cut to its last 100 bytes"]


def test_of_a_list_of_objects_that_is_too_long_the_first_are_kept_whole(
    kubectl: Program, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "FILE_BYTES", 1_000)
    monkeypatch.setattr(folder, "LIST_BYTES", 5_000)
    kubectl.says("get pods", items(*(pod(f"p{n}") for n in range(100))))
    assert run(["collect", str(out)]) == 0
    kept = json.loads((out / "kubernetes/pods.json").read_text())["items"]
    assert [each["metadata"]["name"] for each in kept] == [f"p{n}" for n in range(len(kept))]
    assert 0 < len(kept) < 100
    size = (out / "kubernetes/pods.json").stat().st_size
    assert f"kubernetes/pods.json was cut to {size:,} bytes" in manifest(out)["notes"]


def test_what_does_not_fit_the_bundle_is_left_out_and_said(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "BUNDLE_BYTES", 15)
    logs = tmp_path / "many"
    logs.mkdir()
    for name in ("a.log", "b.log"):
        (logs / name).write_text("ten bytes\n", encoding="utf-8")
    assert run(["collect", str(out), "--no-kube", "--logs", f"door={logs}"]) == 0
    assert [each["file"] for each in manifest(out)["files"]] == ["logs/door/many/a.log"]
    assert manifest(out)["notes"] == ["logs/door/many/b.log was left out: a bundle holds 15 bytes"]


def test_two_logs_of_one_name_are_both_kept(out: Path, tmp_path: Path) -> None:
    for name in ("front", "back"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "door.log").write_text(f"{name} door\n", encoding="utf-8")
    logs = [
        word for name in ("front", "back") for word in ("--logs", f"{tmp_path / name}/door.log")
    ]
    assert run(["collect", str(out), "--no-kube", *logs]) == 0
    said = {each["file"]: (out / each["file"]).read_text() for each in manifest(out)["files"]}
    assert said == {"logs/door.log": "front door\n", "logs/door_2.log": "back door\n"}


def test_the_manifest_says_what_was_asked_and_whose_a_log_is(
    out: Path, log: Path, tmp_path: Path
) -> None:
    alert = tmp_path / "page.json"
    alert.write_text('{"alerts": []}', encoding="utf-8")
    words = ["--prompt", "the door is stuck", "--alert", str(alert), "--namespace", "door"]
    assert run(["collect", str(out), "--no-kube", "--logs", f"door={log}", *words]) == 0
    told = manifest(out)
    assert told.pop("captured_at")
    assert told == {
        "id": "bundle",
        "prompt": "the door is stuck",
        "namespace": "door",
        "alert": "alert.json",
        "files": [
            {"file": "alert.json", "kind": "alert", "status": "success"},
            {
                "file": "logs/door/door.log",
                "kind": "logs",
                "params": {"path": str(log), "kind": "service", "name": "door"},
                "status": "success",
            },
        ],
    }


def test_a_length_of_time_that_is_none_is_refused(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["collect", str(out), "--since", "soon"]) == 2
    assert "'soon' is no length of time; write 90s, 30m, 1h or 2d." in capsys.readouterr().err


def test_applications_in_trouble_come_first_and_differences_only_where_there_are_some(
    path: Path, out: Path
) -> None:
    program = install(path, "argocd")
    states = [("a", "Synced", "Healthy"), ("b", "OutOfSync", "Healthy")]
    applications = [
        {"metadata": {"name": n}, "status": {"sync": {"status": s}, "health": {"status": h}}}
        for n, s, h in states
    ]
    program.says("app list", json.dumps(applications))
    assert run(["collect", str(out), "--no-kube", "--argocd"]) == 0
    assert program.asked == [
        ["app", "list", "-o", "json"],
        ["app", "get", "argocd/b", "-o", "json"],
        ["app", "history", "argocd/b"],
        ["app", "diff", "argocd/b"],
        ["app", "get", "argocd/a", "-o", "json"],
        ["app", "history", "argocd/a"],
    ]


def test_of_a_helm_release_its_status_and_history_are_kept_never_its_values(
    path: Path, out: Path
) -> None:
    program = install(path, "helm")
    program.says("list", json.dumps([{"name": "door", "namespace": "house", "revision": "3"}]))
    assert run(["collect", str(out), "--no-kube", "--helm"]) == 0
    output = ["--output", "json"]
    assert program.asked == [
        ["list", "--all-namespaces", "--all", "--date", "--reverse", *output],
        ["status", "door", "--namespace", "house"],
        ["history", "door", "--namespace", "house", *output],
    ]


def test_a_password_is_in_no_command_line_and_a_server_may_not_be_written_to(
    path: Path, out: Path
) -> None:
    psql, redis = install(path, "psql"), install(path, "redis-cli")
    psql.fails("FATAL:  sorry, too many clients already")
    redis.says("db 6379 INFO", "# Memory\r\nused_memory:7\r\nerrorstat_OOM:count=3\r\n")
    redis.says("db 6379 SLOWLOG", '[[1,1795000000,120000,["KEYS","*"],"h:1","door"]]')
    stores = ["--postgres", "postgresql://door:iron%21@db:5/d", "--redis", "redis://:oak@db"]
    assert run(["collect", str(out), "--no-kube", *stores]) == 0
    called = "".join(word for words in psql.asked + redis.asked for word in words)
    assert "iron" not in called
    assert "oak" not in called
    assert "PGPASSWORD=iron!" in psql.environment
    assert "default_transaction_read_only=on" in psql.environment
    assert "REDISCLI_AUTH=oak" in redis.environment
    asked = [["INFO", "everything"], ["SLOWLOG", "GET", "25"]]
    assert [words[words.index("6379") + 1 :] for words in redis.asked] == asked


@pytest.mark.parametrize("dsn", ["host=db password=iron", "postgresql://db/d?password=iron"])
def test_a_password_that_cannot_be_hidden_is_refused(
    out: Path, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["collect", str(out), "--no-kube", "--postgres", dsn]) == 2
    said = capsys.readouterr().err
    assert "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE" in said
    assert "iron" not in said


def test_what_stores_say_comes_out_as_metrics_and_lines_and_a_refusal_as_evidence(
    path: Path, out: Path
) -> None:
    psql, redis = install(path, "psql"), install(path, "redis-cli")
    psql.fails("FATAL:  sorry, too many clients already")
    redis.says("db 6379 INFO", "# Memory\r\nused_memory:7\r\nerrorstat_OOM:count=3\r\n")
    redis.says("db 6379 SLOWLOG", '[[1,1795000000,120000,["KEYS","*"],"h:1","door"]]')
    stores = ["--postgres", "postgresql://door@db/d", "--redis", "redis://db"]
    assert run(["collect", str(out), "--no-kube", *stores]) == 0
    assert entry(out, "postgres/sessions.jsonl")["status"] == "error"
    assert (out / "postgres/sessions.jsonl").read_text().startswith("FATAL:  sorry, too many")
    metrics = (out / "redis/metrics.prom").read_text()
    assert 'redis_memory_used_bytes{service="redis"} 7 ' in metrics
    assert 'redis_errors_total{err="OOM",service="redis"} 3 ' in metrics
    slow = json.loads((out / "redis/slowlog.jsonl").read_text())
    assert (slow["timestamp"], slow["message"]) == (1_795_000_000, "KEYS * took 120.0 ms")


class Web:
    """Servers of others on loopback: what each path answers, and what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.asked: list[tuple[str, Json]] = []
        self.url = ""


@pytest.fixture
def web() -> Iterator[Web]:
    told = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            told.asked.append((asked.path, parse_qs(asked.query)))
            body = told.answers.get(asked.path)
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write((body or "{}").encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()


def test_prometheus_is_asked_for_alerts_and_signals_and_empty_answers_are_no_files(
    web: Web, out: Path
) -> None:
    alerts = {"status": "success", "data": {"alerts": [{"labels": {"alertname": "Door"}}]}}
    web.answers["/api/v1/alerts"] = json.dumps(alerts)
    web.answers["/api/v1/query_range"] = '{"status":"success","data":{"result":[]}}'
    words = ["--prometheus", web.url, "--since", "1h"]
    assert run(["collect", str(out), "--no-kube", *words]) == 0
    assert [each["file"] for each in manifest(out)["files"]] == ["prometheus/alerts.json"]
    ranges = [asked for path, asked in web.asked if path == "/api/v1/query_range"]
    assert "up" in [asked["query"][0] for asked in ranges]
    assert {float(a["end"][0]) - float(a["start"][0]) for a in ranges} == {3600.0}
    assert manifest(out)["notes"] == ["Prometheus answered 404 to targets: {}"]


def test_a_prometheus_that_is_not_there_is_asked_once(out: Path, log: Path) -> None:
    words = ["--prometheus", "http://127.0.0.1:9", "--logs", str(log)]
    assert run(["collect", str(out), "--no-kube", *words]) == 0
    (note,) = manifest(out)["notes"]
    assert note.startswith("Prometheus at http://127.0.0.1:9 gave no answer: ")


def test_github_is_asked_what_changed_and_what_it_refuses_is_said(
    web: Web, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", web.url)
    web.answers["/repos/shop/door/deployments"] = '[{"id": 1, "sha": "abc"}]'
    assert run(["collect", str(out), "--no-kube", "--github", "shop/door"]) == 0
    assert [path for path, _ in web.asked] == [
        f"/repos/shop/door/{what}" for what in ("deployments", "pulls", "releases", "actions/runs")
    ]
    assert [each["file"] for each in manifest(out)["files"]] == ["github/deployments.json"]
    assert len(manifest(out)["notes"]) == 3


def test_nginx_status_comes_out_as_metrics(web: Web, out: Path) -> None:
    web.answers["/status"] = (
        "Active connections: 2 \nserver accepts handled requests\n 16 15 31 \n"
        "Reading: 0 Writing: 1 Waiting: 1 \n"
    )
    assert run(["collect", str(out), "--no-kube", "--nginx-status", f"{web.url}/status"]) == 0
    metrics = (out / "nginx/metrics.prom").read_text()
    assert 'nginx_connections_accepted{service="nginx"} 16 ' in metrics
    assert 'nginx_http_requests_total{service="nginx"} 31 ' in metrics


def test_a_bundle_can_be_ingested_as_it_is(
    kubectl: Program, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl.says("get pods", items(pod("ill", ready=False, restarts=2)))
    kubectl.says("logs ill", "2026-11-20T10:00:00Z ERROR the hinge is gone\n")
    assert run(["collect", str(out)]) == 0
    lake = ["--lake", str(tmp_path / "lake")]
    assert run(["ingest", str(out), *lake]) == 0
    capsys.readouterr()
    rows = "SELECT workload.pod AS pod, message FROM log_record WHERE message LIKE '%hinge%'"
    assert run(["ask", rows, *lake, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["pod"] == "ill"


def test_verbs_are_spelled_as_they_are_typed() -> None:
    assert verbs("get", "app list") == {("get",), ("app", "list")}
