"""Secrets made up on the spot, of every format that redaction knows: none is written down here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from uuid import UUID

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
_OF = {
    "w": _LETTERS + _LETTERS.lower() + _DIGITS,
    "l": _LETTERS.lower() + _DIGITS,
    "U": _LETTERS + _DIGITS,
    "h": _DIGITS + "abcdef",
    "d": _DIGITS,
}
RECIPES = {
    "adobe": "p8e-{l32}",
    "age": "AGE-SECRET-KEY-1{U58}",
    "airtable": "pat{w14}.{h64}",
    "alibaba": "LTAI{w20}",
    "anthropic": "sk-ant-api03-{w93}AA",
    "artifactory": "AKCp{w69}",
    "atlassian": "ATATT3{w180}",
    "aws": "AKIA{U16}",
    "aws_bedrock": "ABSK{w128}",
    "azure": "{w3}8Q~{w34}",
    "azure_devops": "{w76}AZDO{w4}",
    "brevo": "xkeysib-{h64}-{w16}",
    "buildkite": "bkua_{h40}",
    "circleci": "CCIPAT_{w22}_{h40}",
    "cloudflare": "v1.0-{h24}-{h146}",
    "contentful": "CFPAT-{w43}",
    "crates": "cio{w32}",
    "databricks": "dapi{h32}",
    "digitalocean": "dop_v1_{h64}",
    "discord": "M{w23}.{w6}.{w38}",
    "docker": "dckr_pat_{w27}",
    "doppler": "dp.pt.{w43}",
    "dropbox": "sl.{w135}",
    "duffel": "duffel_live_{w43}",
    "dynatrace": "dt0c01.{U24}.{U64}",
    "easypost": "EZAK{w54}",
    "facebook": "EAA{w150}",
    "figma": "figd_{w40}",
    "fly": "fo1_{w43}",
    "flutterwave": "FLWSECK-{l32}-X",
    "gcp": "AIza{w35}",
    "github": "ghp_{w36}",
    "gitlab": "glpat-{w20}",
    "grafana": "glsa_{w32}_{h8}",
    "groq": "gsk_{w52}",
    "heroku": "HRKU-AA{w58}",
    "honeycomb": "hcaik_{l58}",
    "hubspot": "pat-na1-{u0}",
    "huggingface": "hf_{w34}",
    "infracost": "ico-{w32}",
    "jwt": "eyJ{w33}.eyJ{w80}.{w43}",
    "langsmith": "lsv2_pt_{h32}_{h10}",
    "launchdarkly": "api-{u0}",
    "linear": "lin_api_{w40}",
    "mailchimp": "{h32}-us14",
    "mailgun": "key-{h32}",
    "mapbox": "sk.eyJ{w60}.{w22}",
    "neon": "napi_{l64}",
    "netlify": "nfp_{w36}",
    "newrelic": "NRAK-{U27}",
    "notion": "ntn_{w46}",
    "npm": "npm_{w36}",
    "nuget": "oy2{l43}",
    "onepassword": "ops_eyJ{w250}",
    "openai": "sk-proj-{w48}",
    "paypal": "access_token$production${l16}${h32}",
    "perplexity": "pplx-{w48}",
    "plaid": "access-production-{u0}",
    "planetscale": "pscale_tkn_{w43}",
    "postman": "PMAK-{h24}-{h34}",
    "prefect": "pnu_{w36}",
    "pulumi": "pul-{h40}",
    "pypi": "pypi-AgEIcHlwaS5vcmc{w120}",
    "razorpay": "rzp_live_{w14}",
    "readme": "rdme_{l70}",
    "replicate": "r8_{w37}",
    "resend": "re_{w8}_{w24}",
    "rubygems": "rubygems_{h48}",
    "scaleway": "SCW{U17}",
    "sendgrid": "SG.{w22}.{w43}",
    "sentry": "sntryu_{h64}",
    "shippo": "shippo_live_{h40}",
    "shopify": "shpat_{h32}",
    "slack": "xoxb-{d12}-{d12}-{w24}",
    "sonarqube": "squ_{h40}",
    "sourcegraph": "sgp_{h16}_{h40}",
    "square": "sq0csp-{w43}",
    "stripe": "sk_live_{w24}",
    "supabase": "sbp_{h40}",
    "tailscale": "tskey-auth-{w16}-{w32}",
    "telegram": "{d9}:AA{w33}",
    "tencent": "AKID{w32}",
    "terraform": "{w14}.atlasv1.{w67}",
    "twilio": "SK{h32}",
    "typeform": "tfp_{w59}",
    "vault": "hvs.{w90}",
    "vercel": "vcp_{w56}",
    "xai": "xai-{w80}",
    "yandex": "AQVN{w36}",
}
"""By kind: what stands there, and how many letters of which alphabet are drawn (u: a UUID)."""


SHAPES = {
    "a list": '{{"db": {{"password": ["{}"]}}, "n": 1}}',
    "a list of two": '{{"tokens": ["{}", "other0one"], "n": 1}}',
    "the second of a list": '{{"passwords": ["first one", "{}"], "n": 1}}',
    "an object": '{{"password": {{"value": "{}", "age": 3}}, "n": 1}}',
    "an object in a list": '{{"credentials": [{{"user_id": 7}}, {{"value": "{}"}}], "n": 1}}',
    "a list in an object": '{{"token": {{"type": "bearer", "any": ["{}"]}}, "n": 1}}',
    "a tuple": 'password=("{}")',
    "Python": "{{'password': ['{}'], 'secret': ('{}',)}}",
    "escaped JSON": r"{{\"password\": [\"{}\"], \"n\": 1}}",
    "an escaped object": r"{{\"token\":{{\"value\":\"{}\"}}}}",
    "no quotes": "password=[{}] n=1",
    "a map of Go": "map[password:[{}] n:[1]]",
    "headers of Go": '{{"Authorization": ["Basic {}"], "X-Api-Key": ["{}"]}}',
    "a block": "password:\n  value: {}\nn: 1",
    "a block of a list": "password:\n  - {}\nn: 1",
    "an environment": '{{"env": [{{"name": "DB_PASSWORD", "value": "{}"}}]}}',
    "an environment, backwards": '{{"env": [{{"value": "{}", "name": "API_TOKEN"}}]}}',
    "an environment of tasks": '[{{"Name": "API_KEY", "Value": "{}"}}]',
    "an escaped environment": r"[{{\"name\":\"DB_PASSWORD\",\"value\":\"{}\"}}]",
    "an environment in YAML": "env:\n- name: DB_PASSWORD\n  value: {}\n- name: N\n  value: '1'",
    "an environment in quotes": "- name: 'CLIENT_SECRET'\n  value: \"{}\"",
    "an environment of a container": '{{"Env": ["A=1", "DB_PASSWORD={}"]}}',
    "an attribute": '{{"key": "db.password", "value": {{"stringValue": "{}"}}}}',
    "XML": '<property name="password" value="{}"/>',
    "XML of two": "<name>db.password</name>\n  <value>{}</value>",
    "redis-cli": "redis-cli -h cache -a {} ping",
    "redis-cli, as a list": '["redis-cli", "-a", "{}", "ping"]',
    "sshpass": "sshpass -p '{}' ssh -p 22 host",
    "sshpass, at once": "sshpass -p{} ssh host",
    "curl": "curl -sS -u ann:{} https://example.org",
    "curl in full": "curl https://example.org --user 'ann:{}'",
    "login": "docker login -u ann -p {} example.org",
    "mongo": "mongosh --host db -u ann -p {} admin",
    "ldapsearch": "ldapsearch -x -D cn=ann -w {}",
    "sqlcmd": "sqlcmd -S db -U sa -P {} -Q x",
    "arguments": '{{"args": ["--password", "{}", "--verbose"]}}',
    "arguments in YAML": "args:\n- --auth-token\n- {}\n- --verbose",
    "--pass": "redis-cli --pass {} ping",
}
"""How texts carry a secret that only its name makes one: what stands around it."""


def passphrase(random: Random) -> str:
    """Draw a secret that has no form and is too short to look random."""
    return "".join(random.choices(_LETTERS.lower(), k=14)) + "7"


def made(kind: str, random: Random) -> str:
    """Make one token of a known format."""
    return re.sub(
        r"\{(\w)(\d+)\}", lambda slot: _drawn(random, slot[1], int(slot[2])), RECIPES[kind]
    )


def many(count: int, seed: int = 7) -> Iterator[tuple[str, str]]:
    """Make so many tokens, of all formats in turn: (kind, token)."""
    random, kinds = Random(seed), sorted(RECIPES)
    return ((kind, made(kind, random)) for kind in (kinds[n % len(kinds)] for n in range(count)))


def _drawn(random: Random, of: str, count: int) -> str:
    """Draw letters; the digit that every real token has is never left to chance."""
    if of == "u":
        return str(UUID(int=random.getrandbits(128), version=4))
    return "".join(random.choices(_OF[of], k=count - 1)) + "7"


def left_of(secret: str, text: str) -> bool:
    """Whether a text holds enough of a secret to be of use: 12 letters of it in a row."""
    size = min(12, len(secret))
    return any(secret[at : at + size] in text for at in range(len(secret) - size + 1))
