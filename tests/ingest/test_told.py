"""Whom a file is about, by a command line, a manifest or its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.manifest import Entry
from ingest.told import Told, of_command, of_entry, of_name


@pytest.mark.parametrize(
    ("command", "namespace", "pod", "service", "container"),
    [
        ("kubectl logs press-0 -n print", "print", "press-0", "", ""),
        ("kubectl -n print logs pod/press-0 -c ink --tail 5", "print", "press-0", "", "ink"),
        ("kubectl logs deployment/press --namespace=print", "print", "", "press", ""),
        ("kubectl logs -l app=press,tier=web -nprint | grep -i 'jam", "print", "", "press", ""),
        ("kubectl logs -f press-0 --context x -n print", "print", "press-0", "", ""),
        ("kubectl describe pod press-0 -n print", "print", "press-0", "", ""),
        ("kubectl get deploy press -o yaml -n print", "print", "", "press", ""),
        (
            "kubectl rollout history deployment/press -n print --revision=2",
            "print",
            "",
            "press",
            "",
        ),
        ("kubectl get pods -n print", "print", "", "", ""),
        ("kubectl describe node worker-1", "", "", "", ""),
        ("kubectl get pods -A | grep press", "", "", "", ""),
        ("ls -l", "", "", "", ""),
    ],
)
def test_a_command_line_says_whom_it_asked_about(
    command: str, namespace: str, pod: str, service: str, container: str
) -> None:
    told = of_command(command)
    assert (told.namespace, told.pod, told.service, told.container) == (
        namespace,
        pod,
        service,
        container,
    )


@pytest.mark.parametrize("flag", ["--previous", "-p"])
def test_the_log_of_the_container_before_is_kept_apart(flag: str) -> None:
    now, before = of_command("kubectl logs press-0"), of_command(f"kubectl logs {flag} press-0")
    assert (now.is_previous, before.is_previous) == (False, True)
    assert now.pod == before.pod == "press-0"
    assert now.whom != before.whom


def test_a_manifest_says_it_by_parameters_and_a_command_in_them() -> None:
    by_name = Entry(
        Path("a"), "logs", "previous_logs", {"pod_name": "press-0", "namespace": "print"}
    )
    assert of_entry(by_name) == Told(
        kind="logs", pod="press-0", namespace="print", is_previous=True, is_log=True
    )
    by_command = Entry(Path("a"), "logs", "bash", {"command": "kubectl logs press-0 -n print"})
    assert (of_entry(by_command).pod, of_entry(by_command).namespace) == ("press-0", "print")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("x/print_press-0_ink.log", ("print", "press-0", "ink", False)),
        ("print_press-6d5f7c8b9-x2k4j.txt", ("print", "press-6d5f7c8b9-x2k4j", "", False)),
        ("press-6d5f7c8b9-x2k4j.previous.log.gz", ("", "press-6d5f7c8b9-x2k4j", "", True)),
        (
            "namespaces/print/pods/press-0/ink/ink/logs/previous.log",
            ("print", "press-0", "ink", True),
        ),
    ],
)
def test_a_files_name_says_whose_log_it_is(name: str, told: tuple[str, str, str, bool]) -> None:
    found = of_name(name)
    assert (found.namespace, found.pod, found.container, found.is_previous) == told


@pytest.mark.parametrize("name", ["my_app_log.log", "access.log", "2025_03_04.txt", "print.json"])
def test_other_names_say_nothing(name: str) -> None:
    assert of_name(name) == Told()
