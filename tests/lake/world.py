"""Rows to put into a lake."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def logs(*messages: str | None, at: datetime = NOON, **columns: Any) -> pa.Table:
    """Log records a second apart, with the same further columns."""
    return pa.Table.from_pylist(
        [
            {"time": at + timedelta(seconds=i), "ingested_at": at, "message": message, **columns}
            for i, message in enumerate(messages)
        ]
    )
