"""Lakes that are made anew each time: the demo's, and those of bundles."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import RequestError

if TYPE_CHECKING:
    from lake.store import Lake

MARKER = ".inquest-scratch"


def fresh(folder: Path) -> Lake:
    """Make an empty lake in `folder`, emptied first if it holds an earlier one made here.

    RequestError if the folder holds anything else: nothing that Inquest did not make is deleted.
    """
    from lake.store import Lake

    if (folder / MARKER).is_file() and not folder.is_symlink():
        shutil.rmtree(folder)
    elif folder.is_symlink() or folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise RequestError(
            f"{folder} was not made by Inquest, so it is not emptied: "
            "move it away, or work in another folder."
        )
    lake = Lake.create(folder)
    (folder / MARKER).write_text("Made by inquest; emptied by its next run.\n", encoding="utf-8")
    return lake
