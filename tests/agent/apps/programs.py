"""Programs of others, as files on PATH: each notes how it was called and says what it is told.

What kubectl and its like are in the world, these are in a test: nothing of ours is replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_SCRIPT = r"""#!/bin/sh
here='{here}'
for word in "$@"; do printf '%s\037' "$word" >> "$here/asked"; done
printf '\036' >> "$here/asked"
env > "$here/environment"
for word in '' "$@"; do
  case "$word" in ''|-*) ;; *) name="$name${{name:+ }}$word" ;; esac
  if [ -f "$here/fails $name" ]; then cat "$here/fails $name" >&2; exit 1; fi
  if [ -f "$here/says $name" ]; then cat "$here/says $name"; exit 0; fi
done
printf '{otherwise}'
"""


@dataclass(frozen=True)
class Program:
    """A program on PATH, and the folder where it looks for what to say."""

    here: Path

    def says(self, words: str, output: str) -> None:
        """Let it print something when its words, without options, begin so."""
        (self.here / f"says {words}").write_text(output, encoding="utf-8")

    def fails(self, error: str, words: str = "") -> None:
        """Let it fail with a message when its words, without options, begin so, or always."""
        (self.here / f"fails {words}").write_text(error, encoding="utf-8")

    @property
    def asked(self) -> list[list[str]]:
        """Give every command line so far, without the program's name."""
        if not (self.here / "asked").exists():
            return []
        calls = (self.here / "asked").read_text(encoding="utf-8").split("\036")
        return [call.split("\037")[:-1] for call in calls if call]

    @property
    def environment(self) -> str:
        """Give the environment of the last call."""
        return (self.here / "environment").read_text(encoding="utf-8")


def install(folder: Path, name: str, otherwise: str = "") -> Program:
    """Put a program into a folder of PATH; `otherwise` is what it says when nothing was told."""
    here = folder / f".{name}"
    here.mkdir(parents=True)
    script = folder / name
    script.write_text(_SCRIPT.format(here=here, otherwise=otherwise), encoding="utf-8")
    script.chmod(0o755)
    return Program(here)
