"""Plant a fault, let it fail, and keep what a person would collect of it.

`python -m tests.planted.plant FAULT OUT`; without words it names the faults.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.planted import databases, services
from tests.planted.site import opened

FAULTS = (
    databases.connections_exhausted,
    databases.lock_pile_up,
    databases.deadlock,
    databases.redis_full,
    services.upstream_refused,
    services.certificate_expired,
    services.setting_missing,
    services.port_taken,
    services.disk_full,
    services.files_exhausted,
    services.healthy,
)


def plant(fault: str, out: Path) -> None:
    """Run one of `FAULTS` by its name; `out` becomes its bundle."""
    chosen = next(each for each in FAULTS if each.__name__ == fault)
    with opened() as site:
        chosen(site, out)


def main(words: list[str]) -> int:
    """0 when the bundle is there, 2 for a fault that nobody knows."""
    names = [each.__name__ for each in FAULTS]
    if len(words) != 2 or words[0] not in names:
        sys.stderr.write(f"usage: python -m tests.planted.plant FAULT OUT, of {', '.join(names)}\n")
        return 2
    plant(words[0], Path(words[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
