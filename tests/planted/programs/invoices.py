"""A service that needs to be told where its storage is, and starts a few times without knowing."""

from __future__ import annotations

import os

from tests.planted.programs.logs import log

log.info("invoices 4.2.0 is starting")
bucket = os.environ["INVOICE_BUCKET"]
log.info("invoices writes to %s", bucket)
