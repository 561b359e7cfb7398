"""Where a JSON document tells what it tells: every name counts, usual or not, however spelled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest.source import SOURCES, connect

LISTS = {
    "at": "json_times",
    "level": "json_levels",
    "message": "json_messages",
    "scope": "json_scopes",
    "trace": "json_traces",
    "span": "json_spans",
    "service": "json_services",
    "version": "json_versions",
    "error": "json_errors",
    "why": "json_reasons",
    "stack": "json_stacks",
    "host": "json_hosts",
}


def holding(pointer: str, value: str) -> dict[str, Any]:
    """A document that holds a value at a JSON pointer, and nothing else."""
    document: Any = value
    for name in reversed(pointer.split("/")[1:]):
        document = {name.replace("~1", "/"): document}
    return {**document}


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" if letter.isalpha() else letter for letter in text)


@pytest.mark.parametrize("spelled", [json.dumps, lambda it: escaped(json.dumps(it))])
@pytest.mark.parametrize(("kind", "names"), LISTS.items())
def test_every_name_is_found_where_it_stands_alone(kind: str, names: str, spelled: Any) -> None:
    with connect(SOURCES / "logs") as connection:
        ((pointers,),) = connection.execute(f"SELECT {names}()").fetchall()
        documents = [spelled(holding(pointer, "7")) for pointer in pointers]
        found = connection.execute(
            f'SELECT json_firsts(f)."{kind}" FROM '
            "(SELECT json_found(doc) AS f FROM (SELECT unnest(?) AS doc))",
            [documents],
        ).fetchall()
    assert [nth for (nth,) in found] == list(range(1, len(pointers) + 1))


@pytest.mark.parametrize("message", ['{"half": ', "{} items", {"a": 1}])
def test_a_message_that_begins_with_a_brace_gives_way_to_the_next(message: object) -> None:
    document = json.dumps({"message": message, "msg": "told"})
    with connect(SOURCES / "logs") as connection:
        ((told,),) = connection.execute(
            "SELECT json_told(f, i).message FROM (SELECT *, json_firsts(f) AS i FROM "
            "(SELECT json_found(?::VARCHAR) AS f))",
            [document],
        ).fetchall()
    assert told == "told"
