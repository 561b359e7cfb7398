"""Grafana's alerting of old told no time: it is when the webhook arrived, and that is said."""

from __future__ import annotations

import json
from pathlib import Path

from ingest.run import ingest
from lake.store import Lake

FIRING = {
    "ruleId": 12,
    "ruleName": "Checkout errors",
    "ruleUrl": "https://grafana.example.com/d/shop?tab=alert",
    "orgId": 1,
    "state": "alerting",
    "message": "Checkout fails",
    "tags": {"service": "checkout", "severity": "critical"},
    "evalMatches": [{"value": 7.2, "metric": "errors", "tags": None}],
    "title": "[Alerting] Checkout errors",
}


def test_a_legacy_alert_is_of_the_time_at_which_it_arrived(tmp_path: Path) -> None:
    webhooks = tmp_path / "alerts.jsonl"
    bodies = [FIRING, {**FIRING, "state": "ok", "tags": {}}]
    webhooks.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    (tmp_path / "alerts.jsonl.arrivals.jsonl").write_text(
        '{"body": 0, "received_unix_nano": "1736935561000000000"}\n'
        '{"body": 1, "received_unix_nano": "1736937067000000000"}\n'
    )
    with Lake.create(tmp_path / "lake") as lake:
        ingest(lake, "grafana", [webhooks])
        rows = lake.at().ask(
            "SELECT epoch(time)::BIGINT AS at, status_id, workload.service AS service,"
            " finding_info.uid AS uid, unmapped->>'$.time_from' AS time_from"
            " FROM detection_finding ORDER BY time"
        )
    told = [tuple(row.values()) for row in rows.dicts()]
    assert told == [
        (1736935561, 1, "checkout", "1/12", "arrival"),
        (1736937067, 4, None, "1/12", "arrival"),
    ]
