"""LangGraph's checkpoints of one run as sealed rows: the last state, and what came after it.

A channel is written again only when it has changed, and only the last checkpoint is kept: it is all
that a resumed run asks for. What cannot be kept is said once and does not end the run.
https://docs.langchain.com/oss/python/langgraph/persistence
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    writes_sort_key,
)

from agent.errors import RunError
from agent.runs.serial import dumps, loads
from agent.runs.store import Row, Store, Table

CHECKPOINTS: Final = Table("inquest_checkpoints", ("run", "ns", "id"), ("body",))
CHANNELS: Final = Table("inquest_channels", ("run", "ns", "channel", "version"), ("body",))
WRITES: Final = Table(
    "inquest_writes", ("run", "ns", "checkpoint", "task", "idx"), ("path", "body")
)


class Saver(BaseCheckpointSaver[int]):
    """Keeps what a graph needs to go on, for one run at a time by its thread id."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The last checkpoint of the thread and what its tasks have done since.

        RunError if a row of it is not as we wrote it, or is gone.
        """
        where = _thread(config)
        with self._store.transaction():
            found, channels, writes = (
                [
                    row
                    for row in self._store.rows(table, run=where["run"])
                    if row["ns"] == where["ns"]
                ]
                for table in (CHECKPOINTS, CHANNELS, WRITES)
            )
        if not found and (channels or writes):
            raise RunError(
                f"What is kept of run {where['run']} lacks its checkpoint; it is refused."
            )
        if not found:
            return None
        last = max(found, key=lambda row: str(row["id"]))
        kept = loads(last["body"])
        checkpoint = kept["checkpoint"]
        checkpoint["channel_values"] = _values(channels, checkpoint, kept["channels"])
        return CheckpointTuple(
            _config(where, last["id"]),
            checkpoint,
            kept["metadata"],
            pending_writes=[
                (row["task"], channel, value)
                for row in sorted(writes, key=_order)
                if row["checkpoint"] == last["id"]
                for channel, value in loads(row["body"])
            ],
        )

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint in the place of the one before, and the channels that have changed."""
        where = _thread(config)
        with self._store.at_best():
            values = checkpoint["channel_values"]
            bare = {key: value for key, value in checkpoint.items() if key != "channel_values"}
            kept = {"checkpoint": bare, "metadata": dict(metadata), "channels": sorted(values)}
            row = {**where, "id": checkpoint["id"], "body": dumps(kept)}
            changed = [
                {**where, "channel": name, "version": version, "body": dumps(values[name])}
                for name, version in new_versions.items()
                if name in values
            ]
            with self._store.transaction():
                self._store.put(CHECKPOINTS, row)
                self._store.delete(CHECKPOINTS, where, but={"id": row["id"]})
                self._store.delete(WRITES, where, but={"checkpoint": row["id"]})
                for name in new_versions:
                    self._store.delete(CHANNELS, {**where, "channel": name})
                for channel in changed:
                    self._store.put(CHANNELS, channel)
        return _config(where, checkpoint["id"])

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Keep what a task of the current step has written, so that it is not run again."""
        with self._store.at_best():
            row = {
                **_thread(config),
                "checkpoint": config["configurable"]["checkpoint_id"],
                "task": task_id,
                "idx": min(WRITES_IDX_MAP.get(channel, 0) for channel, _ in writes),
                "path": task_path,
                "body": dumps(list(writes)),
            }
            with self._store.transaction():
                self._store.put(WRITES, row)

    def delete_thread(self, thread_id: str) -> None:
        """Forget all that is kept of a thread."""
        with self._store.transaction():
            for table in (CHECKPOINTS, CHANNELS, WRITES):
                self._store.delete(table, {"run": thread_id})


def _values(channels: list[Row], checkpoint: Checkpoint, names: list[str]) -> dict[str, Any]:
    """The channels' values as of a checkpoint; each of them must be there."""
    bodies = {(row["channel"], row["version"]): row["body"] for row in channels}
    versions = checkpoint["channel_versions"]
    gone = [name for name in names if (name, versions.get(name)) not in bodies]
    if gone:
        raise RunError(f"What is kept of the run lacks {gone[0]!r}, so it is refused.")
    return {name: loads(bodies[name, versions[name]]) for name in names}


def _thread(config: RunnableConfig) -> dict[str, str]:
    of_config = config["configurable"]
    return {"run": str(of_config["thread_id"]), "ns": str(of_config.get("checkpoint_ns", ""))}


def _config(where: dict[str, str], checkpoint: str) -> RunnableConfig:
    return {
        "configurable": {
            "thread_id": where["run"],
            "checkpoint_ns": where["ns"],
            "checkpoint_id": checkpoint,
        }
    }


def _order(row: Row) -> tuple[str, str, int]:
    return writes_sort_key(row["path"], row["task"], row["idx"])
