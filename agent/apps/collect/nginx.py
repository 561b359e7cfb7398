"""nginx' status page, by the names that its Prometheus exporter gives the numbers."""

from __future__ import annotations

import re
import time
from typing import Final

import httpx

from agent.apps.collect.folder import Folder
from agent.apps.collect.tool import Answer

TIMEOUT_S: Final = 10.0
# https://nginx.org/en/docs/http/ngx_http_stub_status_module.html
_PAGE: Final = re.compile(
    r"Active connections:\s*(?P<active>\d+)\s+server accepts handled requests\s+"
    r"(?P<accepted>\d+)\s+(?P<handled>\d+)\s+(?P<requests>\d+)\s+"
    r"Reading:\s*(?P<reading>\d+)\s+Writing:\s*(?P<writing>\d+)\s+Waiting:\s*(?P<waiting>\d+)"
)


def gather(folder: Folder, url: str) -> None:
    """Read the page of `stub_status`."""
    folder.tell("asking nginx")
    invocation = f"GET {url}"
    try:
        text = httpx.get(url, timeout=TIMEOUT_S).text
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        folder.note(f"{invocation}: {error}")
        return
    found = _PAGE.search(text)
    if found is None:
        folder.note(f"{invocation}: the answer is no page of nginx' stub_status")
        return
    at_ms = time.time_ns() // 1_000_000
    lines = [
        f'# TYPE {name} gauge\n{name}{{service="nginx"}} {value} {at_ms}'
        for name, value in ((_name(key), value) for key, value in found.groupdict().items())
    ]
    folder.keep("nginx/metrics.prom", "metrics", Answer("\n".join(lines)), invocation=invocation)


def _name(key: str) -> str:
    return "nginx_http_requests_total" if key == "requests" else f"nginx_connections_{key}"
