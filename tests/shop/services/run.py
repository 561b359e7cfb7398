"""Start one instance of one service: `... services.run payment 2.7.9 --port 18131`.

Everything else an instance needs stands in its environment, under the names OpenTelemetry and
libpq give them, and `SHOP_*` where nobody has named it yet.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import signal
from pathlib import Path
from types import FrameType
from typing import NoReturn

from flask import Flask
from waitress import create_server  # type: ignore[import-untyped]  # waitress ships no types

from tests.shop.services import names, telemetry
from tests.shop.services.kit import Kit, Outside, Settings

THREADS = 8


def settings(service: str, version: str) -> Settings:
    """Read this instance's settings from the environment, once."""
    return Settings(
        service=service,
        version=version,
        discovery=Path(os.environ["SHOP_DISCOVERY"]),
        database=os.environ["SHOP_DATABASE"],
        redis=os.environ["SHOP_REDIS"],
        seed=os.environ.get("SHOP_SEED", ""),
        configuration=json.loads(os.environ["SHOP_CONFIGURATION"]),
        outside=Outside(
            port=int(os.environ["SHOP_OUTSIDE"]),
            resolver=int(os.environ["SHOP_RESOLVER"]),
            authority=os.environ["SHOP_AUTHORITY"],
        ),
        flags=Path(os.environ["SHOP_FLAGS"]),
    )


def load(kit: Kit) -> Flask:
    """Build the app of the version this instance was told to run."""
    module = "v" + kit.settings.version.replace(".", "_")
    code = importlib.import_module(f"tests.shop.services.{kit.settings.service}.{module}")
    app = code.build(kit)
    if not isinstance(app, Flask):
        raise TypeError(f"{code.__name__}.build must return a Flask app, not {type(app)}")
    return app


def leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def main() -> None:
    """Serve until SIGTERM, then finish what is in flight and flush the telemetry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service")
    parser.add_argument("version")
    parser.add_argument("--port", type=int, required=True)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    flush = telemetry.start()
    kit = Kit(settings(asked.service, asked.version))
    names.install(kit.settings.outside.resolver)
    server = create_server(load(kit), host="127.0.0.1", port=asked.port, threads=THREADS)
    kit.log.info("%s %s listening on port %d", asked.service, asked.version, asked.port)
    for name, value in kit.settings.configuration.items():
        kit.log.info("configured with %s=%g", name, value)
    try:
        server.run()
    finally:
        flush()
        kit.close()
        logging.shutdown()


if __name__ == "__main__":
    main()
