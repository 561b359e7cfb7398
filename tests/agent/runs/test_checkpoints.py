"""A stopped graph goes on from its last step; rows that are not as we wrote them are refused."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from agent.errors import RunError
from agent.runs.checkpoints import CHANNELS, CHECKPOINTS, WRITES, Saver
from agent.runs.store import Store, master_key
from agent.state import Gap

KEY = b"of-the-test-16-bytes"
CONFIG: Any = {"configurable": {"thread_id": "one"}}


class Counting(TypedDict, total=False):
    """What the small graph passes on."""

    gaps: Annotated[list[Gap], operator.add]
    seen: Annotated[list[int], operator.add]
    subject: int


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "runs.sqlite", KEY)
    yield store
    store.close()


def counted(store: Store, fails: set[str], ran: list[str]) -> Any:
    """A graph of four steps, the second of them three times side by side."""

    def node(name: str) -> Any:
        def run(state: Counting, config: RunnableConfig) -> Counting:
            subject = state.get("subject", "") if name == "each" else ""
            here = f"{name}{subject}"
            ran.append(here)
            if here in fails:
                await_others(name, config)
                raise OSError(f"{here} failed")
            return {"seen": [len(ran)], "gaps": [Gap("no_data", here)]}

        return run

    def await_others(name: str, config: RunnableConfig) -> None:
        """Fail once the others side by side are kept: LangGraph drops what ends after a failure."""
        thread = config["configurable"]["thread_id"]
        while name == "each" and len(store.rows(WRITES, run=thread)) < 2:
            Event().wait(0.001)

    graph = StateGraph(Counting)
    for name in ("first", "each", "last"):
        graph.add_node(name, node(name))
    graph.add_edge(START, "first")
    graph.add_conditional_edges(
        "first", lambda state: [Send("each", {**state, "subject": n}) for n in range(3)], ["each"]
    )
    graph.add_edge("each", "last")
    graph.add_edge("last", END)
    return graph.compile(checkpointer=Saver(store))


@pytest.mark.parametrize("stopped_in", ["first", "each0", "each1", "last"])
def test_what_was_done_is_not_done_again_and_the_end_is_the_same(
    store: Store, stopped_in: str
) -> None:
    ran: list[str] = []
    with pytest.raises(OSError, match=stopped_in):
        counted(store, {stopped_in}, ran).invoke({"gaps": []}, CONFIG, durability="sync")
    done = [name for name in ran if name != stopped_in]
    state = counted(store, set(), ran).invoke(None, CONFIG, durability="sync")
    names = ["first", "each0", "each1", "each2", "last"]
    assert [gap.text for gap in state["gaps"]] == names
    assert sorted(ran) == sorted([*names, stopped_in])
    assert all(ran.count(name) == 1 for name in done)


def test_only_the_last_state_is_kept_and_a_forgotten_thread_leaves_nothing(store: Store) -> None:
    graph = counted(store, set(), [])
    graph.invoke({"gaps": []}, CONFIG, durability="sync")
    assert len(store.rows(CHECKPOINTS)) == 1
    channels = [row["channel"] for row in store.rows(CHANNELS)]
    assert len(channels) == len(set(channels))
    Saver(store).delete_thread("one")
    assert [store.rows(table) for table in (CHECKPOINTS, CHANNELS, WRITES)] == [[], [], []]


def test_another_key_reads_nothing(store: Store, tmp_path: Path) -> None:
    counted(store, set(), []).invoke({"gaps": []}, CONFIG, durability="sync")
    other = Store.open(tmp_path / "runs.sqlite", b"another-key-of-16-bytes")
    with pytest.raises(RunError, match="is not as Inquest wrote it"):
        Saver(other).get_tuple(CONFIG)
    other.close()


def test_a_channel_that_is_gone_is_missed(store: Store) -> None:
    counted(store, set(), []).invoke({"gaps": []}, CONFIG, durability="sync")
    store.delete(CHANNELS, {"channel": "gaps"})
    with pytest.raises(RunError, match="lacks 'gaps'"):
        Saver(store).get_tuple(CONFIG)


def test_threads_and_stores_write_side_by_side(store: Store, tmp_path: Path) -> None:
    other = Store.open(tmp_path / "runs.sqlite", KEY)

    def write(to: Store, thread: str) -> None:
        config: Any = {"configurable": {"thread_id": thread}}
        counted(to, set(), []).invoke({"gaps": []}, config, durability="sync")

    threads = [
        Thread(target=write, args=(to, f"{n}{to is store}"))
        for n in range(3)
        for to in (store, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert len(store.rows(CHECKPOINTS)) == len(threads)


def test_what_is_undone_halfway_leaves_the_rows_as_they_were(store: Store) -> None:
    row = {"run": "one", "ns": "", "id": "1", "body": b"{}"}
    store.put(CHECKPOINTS, row)
    with suppress(KeyError), store.transaction():
        store.put(CHECKPOINTS, row | {"body": b"[]"})
        raise KeyError
    assert store.rows(CHECKPOINTS) == [row]


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    place = tmp_path / "runs.key"
    assert master_key(place) == master_key(place)
    assert place.stat().st_mode & 0o777 == 0o600
    place.chmod(0o644)
    with pytest.raises(RunError, match="can be read by others"):
        master_key(place)
    assert master_key(place, "a-key-that-was-given") == b"a-key-that-was-given"
    with pytest.raises(RunError, match="INQUEST_CHECKPOINT_KEY has 5 characters"):
        master_key(place, "short")


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(RunError, match="cannot be used: file is not a database"):
        Store.open(tmp_path / "runs.sqlite", KEY)
