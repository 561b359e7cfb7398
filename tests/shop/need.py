"""Say which Debian packages the shop needs and this machine lacks, and how to get them."""

from __future__ import annotations

import sys

from tests.shop.daemons import missing_packages


def main() -> int:
    """0 if all are there, 2 if one is missing; `--names` prints the names alone and gives 0."""
    missing = " ".join(missing_packages())
    if "--names" in sys.argv:
        sys.stdout.write(missing)
        return 0
    if missing:
        sys.stderr.write(
            f"make e2e starts real servers, and Debian packages are missing: {missing}\n"
            f"Get them with: apt-get update && apt-get install --no-install-recommends {missing}\n"
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
