"""Show the Slack door: `python -m tests.agent.apps.slack_show FOLDER`.

The real command answers a mention under the recorded alert of bad_release, in a Slack on this
machine. FOLDER gets the lake, what was said as thread.json, and what it looks like as thread.html
and, if there is a Chromium, thread.png.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.apps.incidents import evidence_of
from agent.apps.ingest import take_in
from agent.apps.scratch import fresh
from tests.agent.apps.slack_server import APP_TOKEN, BOT, BOT_TOKEN, Json, SlackServer

STYLE = """body{margin:0;padding:18px 26px;width:848px;font:15px/1.46 Lato,'Helvetica Neue',Arial,
sans-serif;color:#1d1c1d}article{display:grid;grid-template-columns:36px 1fr;gap:0 12px;
margin-bottom:14px}i{width:36px;height:36px;border-radius:6px;background:#4a154b;color:#fff;
font:700 18px/36px Arial;text-align:center}i.alerts{background:#e0532f}header{font-weight:900}
small{font-size:12px;color:#616061;font-weight:400}p,ul,pre{margin:0 0 3px}ul{padding-left:24px}
section{margin-bottom:7px}code,pre{font:12px/1.5 Menlo,'DejaVu Sans Mono',monospace;border:1px solid
#ddd;background:#f8f8f8;border-radius:3px}code{color:#c01343;padding:1px 3px}pre{padding:7px;
white-space:pre-wrap}aside{border-left:4px solid #d00;border-radius:3px;padding-left:12px}"""
COLOURS = {
    "red_circle": "#dd2e44",
    "large_green_circle": "#78b159",
    "large_yellow_circle": "#fdcb58",
}
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-lcd-text",
    "--hide-scrollbars",
    "--window-size=900,980",
)


def main(folder: Path) -> None:
    """Record, answer, and draw."""
    evidence = evidence_of("bad_release")
    folder.mkdir(parents=True, exist_ok=True)
    with fresh(folder / "lake") as lake:
        take_in(lake, evidence, lambda _: None)
    with SlackServer() as slack:
        thread = slack.say(**alert(evidence / "alertmanager.jsonl"))
        mention = slack.event("what broke checkout?", thread)
        ask(slack, mention, folder / "lake")
        said = [slack.messages[thread], mention["event"], *slack.posted(thread)]
    (folder / "thread.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
    page = folder / "thread.html"
    page.write_text(f"<meta charset=utf-8><style>{STYLE}</style>{''.join(map(message, said))}")
    draw(page.resolve(), folder / "thread.png")


def alert(deliveries: Path) -> Json:
    """The first alert that was delivered, as Alertmanager's Slack receiver posts it."""
    with deliveries.open(encoding="utf-8") as lines:
        first = json.loads(next(lines))["alerts"][0]
    labels, posted = first["labels"], datetime.fromisoformat(first["startsAt"])
    fields = [{"title": "Service", "value": labels["service"], "short": True}]
    title, text = f"[FIRING:1] {labels['alertname']}", first["annotations"]["summary"]
    return {
        "ts": f"{(posted + timedelta(seconds=10)).timestamp():.6f}",
        "user": "Alertmanager",
        "attachments": [{"title": title, "text": text, "fields": fields}],
    }


def ask(slack: SlackServer, mention: Json, lake: Path) -> None:
    """Let `inquest slack` answer one mention and stop it as an operator would."""
    environ = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }
    environ |= {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}
    environ["INQUEST_SLACK_API_URL"] = slack.url
    command = [sys.executable, "-c", "from agent.apps.cli import main; main()"]
    with subprocess.Popen([*command, "slack", "--lake", lake], env=environ) as door:
        try:
            slack.send(mention)
            slack.wait(lambda: len(slack.posted(mention["event"]["thread_ts"])) == 2)
        finally:
            door.send_signal(signal.SIGTERM)


def message(said: Json) -> str:
    """One message as Slack would show it."""
    who = said.get("user", "").removeprefix("U0").capitalize()
    attached = "".join(map(attachment, said.get("attachments", [])))
    words = said.get("text", "").replace(f"<@{BOT}>", "@inquest")
    body = "".join(map(block, said.get("blocks", []))) or f"<p>{escape(words)}</p>"
    kind, edited = ("alerts" if attached else ""), " (edited)" if said.get("edits") else ""
    at = f"{datetime.fromtimestamp(float(said['ts']), UTC):%H:%M}" if attached else ""
    head = f"<header>{who} <small>{at}{edited}</small></header>"
    return f"<article><i class='{kind}'>{who[:1]}</i><div>{head}{attached or body}</div></article>"


def attachment(one: Json) -> str:
    """A legacy attachment, as alert bots send them."""
    fields = "".join(f"<p><b>{f['title']}</b><br>{escape(f['value'])}</p>" for f in one["fields"])
    return f"<aside><b>{escape(one['title'])}</b><p>{escape(one['text'])}</p>{fields}</aside>"


def block(one: Json) -> str:
    """A block or an element of one."""
    inner = "".join(map(block, one.get("elements", [])))
    match one["type"]:
        case "context":
            return f"<small>{inner}</small>"
        case "rich_text":
            return f"<section>{inner}</section>"
        case "rich_text_section":
            return f"<p>{inner}</p>"
        case "rich_text_list":
            items = "".join(f"<li>{block(item)}</li>" for item in one["elements"])
            return f"<ul>{items}</ul>"
        case "rich_text_preformatted":
            return f"<pre>{inner}</pre>"
        case "emoji":
            return f"<b style='color:{COLOURS[one['name']]}'>⬤</b>"
    text, style = escape(one["text"]), one.get("style", {})
    tag = "b" if style.get("bold") else "code" if style.get("code") else "span"
    return f"<{tag}>{text}</{tag}>"


def draw(page: Path, picture: Path) -> None:
    """Take a picture of the page with Chromium."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        return
    with TemporaryDirectory() as profile:
        flags = [*FLAGS, f"--user-data-dir={profile}", f"--screenshot={picture}"]
        subprocess.run([browser, *flags, page.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
