"""`inquest sources`: what raw forms can be read, and whether a folder of sources is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.apps.options import FormatOption
from agent.apps.table import dress
from agent.apps.terminal import say

app = typer.Typer(name="sources", help="List or test sources.", no_args_is_help=True)
