"""Formats that issuers publish so that their tokens can be found: a beginning, and what follows.

From the issuers' own pages, and from what public secret scanners agree on. A token starts a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from agent.redaction.spans import Span, trie
from agent.redaction.unseen import is_odd

_STARTS: Final = r"(?<![A-Za-z0-9])"
_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

TOKENS: Final = {
    "adobe": ("p8e-", r"[a-z0-9-]{32,}+"),
    "age": ("AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}+"),
    "airtable": ("pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    "alibaba": ("LTAI", r"[A-Za-z0-9]{12,24}(?![A-Za-z0-9])"),
    "anthropic": ("sk-ant-", r"[\w-]{16,}+"),
    "artifactory": ("AKCp", r"[A-Za-z0-9]{60,}+"),
    "atlassian": ("ATATT3 ATCTT3 ATBB", r"[\w=-]{24,}+"),
    "aws": ("AKIA ASIA", r"[A-Z0-9]{16}"),
    "aws_bedrock": ("ABSK", r"[A-Za-z0-9+/]{100,}+={0,2}"),
    "brevo": ("xkeysib- xsmtpsib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    "buildkite": ("bkua_ bkat_ bkct_ bkpt_", r"[0-9a-f]{40}"),
    "circleci": ("CCIPAT_ CCIPRJ_", r"[A-Za-z0-9]{22}_[0-9a-f]{40}"),
    "cloudflare": ("v1.0-", r"[0-9a-f]{24}-[0-9a-f]{146}"),
    "contentful": ("CFPAT-", r"[\w-]{43}"),
    "crates": ("cio", r"[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    "databricks": ("dapi", r"[0-9a-f]{32}(?:-\d)?"),
    "digitalocean": ("doo_v1_ dop_v1_ dor_v1_", r"[0-9a-f]{40,}+"),
    "docker": ("dckr_pat_ dckr_oat_", r"[\w-]{20,}+"),
    "doppler": (
        "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.",
        r"(?:[\w-]{1,64}\.)?[A-Za-z0-9]{40,}+",
    ),
    "dropbox": ("sl. sl.u.", r"[\w-]{100,}+"),
    "duffel": ("duffel_live_ duffel_test_", r"[\w=-]{43}"),
    "dynatrace": ("dt0", r"[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    "easypost": ("EZAK EZTK", r"[A-Za-z0-9]{54}"),
    "facebook": ("EAA", r"[A-Za-z0-9]{80,}+"),
    "figma": ("figd_ figo_ figu_ figur_ figdh_ figoh_", r"[\w-]{36,}+"),
    "fly": ("fo1_ fm1_ fm2_ fm1a_ fm1r_", r"[\w+/=-]{40,}+"),
    "flutterwave": ("FLWSECK", r"(?:_TEST)?-[A-Za-z0-9]{12,}+(?:-X)?"),
    "gcp": ("AIza ya29. GOCSPX-", r"[\w.-]{20,}+"),
    "github": ("ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\w{22,}+"),
    "gitlab": (
        "glagent- glcbt- gldt- glffct- glft- glimt- gloas- glpat- glptt- glrt- glsoat- glwt-",
        r"[\w.-]{16,}+",
    ),
    "grafana": ("glsa_ glc_", r"[\w+/=]{30,}+"),
    "groq": ("gsk_", r"[A-Za-z0-9]{40,}+"),
    "heroku": ("HRKU-", r"[\w-]{36,}+"),
    "honeycomb": ("hcaik_ hcbik_ hcxik_ hcalk_ hcblk_ hcxlk_", r"[A-Za-z0-9]{28,}+"),
    "hubspot": ("pat-na pat-eu pat-ap", r"\d-" + _UUID),
    "huggingface": ("hf_ api_org_", r"[A-Za-z0-9]{30,}+"),
    "infracost": ("ico-", r"[A-Za-z0-9]{32}"),
    "jwt": ("eyJ", r"[\w-]{8,1024}+\.[\w-]{8,}+(?:\.[\w-]*+)*+"),
    "langsmith": ("lsv2_pt_ lsv2_sk_", r"[0-9a-f]{32}_[0-9a-f]{10}"),
    "launchdarkly": ("api- sdk- mob-", _UUID),
    "linear": ("lin_api_ lin_oauth_", r"[A-Za-z0-9]{32,}+"),
    "mailgun": ("key-", r"[0-9a-f]{32}"),
    "mapbox": ("pk.eyJ sk.eyJ", r"[\w-]{16,}+\.[\w-]{20,}+"),
    "neon": ("napi_", r"[a-z0-9]{40,}+"),
    "netlify": ("nfp_ nfc_ nfo_ nfu_ nfb_", r"[A-Za-z0-9]{30,}+"),
    "newrelic": ("NRAK-", r"[A-Z0-9]{27}"),
    "notion": ("ntn_ secret_", r"[A-Za-z0-9]{43,}+"),
    "npm": ("npm_", r"[A-Za-z0-9]{30,}+"),
    "nuget": ("oy2", r"[a-z0-9]{43}"),
    "onepassword": ("ops_eyJ", r"[\w-]{100,}+={0,2}"),
    "openai": ("sk-", r"(?=[a-z-]{0,64}[A-Z0-9])[\w-]{20,}+"),
    "paypal": ("access_token$production$ access_token$sandbox$", r"[0-9a-z]{16}\$[0-9a-f]{32}"),
    "perplexity": ("pplx-", r"[A-Za-z0-9]{40,}+"),
    "plaid": ("access-sandbox- access-development- access-production-", _UUID),
    "planetscale": ("pscale_tkn_ pscale_pw_ pscale_oauth_", r"[\w.=-]{32,}+"),
    "postman": ("PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    "prefect": ("pnu_ pnb_", r"[A-Za-z0-9]{36}"),
    "pulumi": ("pul-", r"[0-9a-f]{40}"),
    "pypi": ("pypi-AgE", r"[\w-]{16,}+"),
    "razorpay": ("rzp_live_ rzp_test_", r"[A-Za-z0-9]{14}"),
    "readme": ("rdme_", r"[a-z0-9]{60,}+"),
    "replicate": ("r8_", r"[A-Za-z0-9]{37}"),
    "resend": ("re_", r"[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}+"),
    "rubygems": ("rubygems_", r"[0-9a-f]{48}"),
    "scaleway": ("SCW", r"[A-Z0-9]{17}"),
    "sendgrid": ("SG.", r"[\w-]{16,64}+\.[\w-]{16,}+"),
    "sentry": ("sntrys_ sntryu_", r"[\w+/=.]{30,}+"),
    "shippo": ("shippo_live_ shippo_test_", r"[0-9a-f]{40}"),
    "shopify": ("shpat_ shpca_ shppa_ shpss_", r"[0-9a-fA-F]{32}"),
    "slack": ("xox xapp-", r"(?:(?<=xapp-)|[a-z](?:\.xox[a-z])?-)[\w-]{10,}+"),
    "sonarqube": ("sqa_ sqp_ squ_", r"[0-9a-f]{40}"),
    "sourcegraph": ("sgp_", r"(?:(?:[a-f0-9]{16}|local)_)?[A-Za-z0-9]{40,}+"),
    "square": ("sq0atp- sq0csp- sq0idp-", r"[\w-]{22,}+"),
    "stripe": ("sk_live_ sk_test_ rk_live_ rk_test_ whsec_", r"[A-Za-z0-9+/]{10,}+"),
    "supabase": ("sbp_ sb_secret_", r"[\w-]{20,}+"),
    "tailscale": ("tskey-", r"(?:[a-z]{1,16}-)?[A-Za-z0-9]{6,}+-[A-Za-z0-9]{16,}+"),
    "tencent": ("AKID", r"[A-Za-z0-9]{32}"),
    "twilio": ("SK", r"[0-9a-f]{32}"),
    "typeform": ("tfp_", r"[\w.=-]{40,}+"),
    "vault": ("hvb. hvr. hvs.", r"[\w-]{20,}+"),
    "vercel": ("vcp_ vci_ vca_ vcr_ vck_", r"[A-Za-z0-9]{24,}+"),
    "xai": ("xai-", r"[A-Za-z0-9]{60,}+"),
    "yandex": ("AQVN", r"[\w-]{35,}+"),
}
"""What is known of each issuer's tokens: how they begin, and the rest."""

ELSEWHERE: Final = {
    "azure": ("8Q~", r"\w{3}8Q~", r"[\w~.-]{30,}+"),
    "azure_devops": ("AZDO", r"[A-Za-z0-9]{76}AZDO", r"[A-Za-z0-9]{4}"),
    "discord": (".", r"[MNO](?<![A-Za-z0-9].)[\w-]{23,27}\.[\w-]{6}\.", r"[\w-]{27,}+"),
    "mailchimp": ("-us", r"[0-9a-f]{32}-us", r"\d{1,2}(?![0-9])"),
    "telegram": (":AA", r"\d{8,10}:AA", r"[\w-]{32,}+"),
    "terraform": (".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.", r"[\w-]{60,}+"),
    "webhook": (
        "https://",
        r"(?<=hooks\.slack\.com/)[a-z]{1,16}/|(?<=/api/webhooks/)\d{6,24}/"
        r"|(?<=\.webhook\.office\.com/)webhookb2/",
        r"[\w@/.-]{8,}+",
    ),
}
"""Tokens that begin like anything: what each has in it, how it begins all the same, the rest."""

_LITERALS: Final = {begins: kind for kind, (some, _) in TOKENS.items() for begins in some.split()}
_BEGINNING: Final = re.compile(_STARTS + trie(_LITERALS))
_ELSEWHERE: Final = tuple(
    (has, re.compile(_STARTS + f"(?:{begins})"), ((kind, re.compile(f"(?:{begins}){rest}")),))
    for kind, (has, begins, rest) in ELSEWHERE.items()
)
_PIECE: Final = re.compile(r"[\w.+/=~$:-]{1,512}+")
_HEX: Final = re.compile(r"[0-9a-f-]{8}")
Forms = tuple[tuple[str, re.Pattern[str]], ...]
_BREAK: Final = re.compile(
    r"""\\?["']?\s{0,8}(?:\\\\?[nr]|\\?\r?\n)[\ \t>|\#*]{0,64}["']?   # a line ends, and goes on
      | \\?["']\s{0,8}[,+.]?\s{0,8}\\?["'](?P<named>[\w.-]{1,40}\\?["']\s{0,8}:\s{0,8}\\?["'])?
      | [ ]{1,64}(?P<field>[\w.-]{1,40}=["']?)   # the next field of a line
      | (?P<space>[ ]{1,64})""",  # what was a line's end before somebody made one line of two
    re.VERBOSE,
)
_DISTINCT: Final = 4
_WORDY: Final = 6
_A_WORD: Final = re.compile(r"[a-z]+-?")
_ENOUGH: Final = 8
_PIECES: Final = 12


def tokens(text: str) -> Iterator[Span]:
    """Find tokens of every known format, also those that a line or a field breaks off."""
    for begins in _BEGINNING.finditer(text):
        forms = _forms(begins[0])
        yield from _token(text, begins, forms)
    for has, beginning, forms in _ELSEWHERE:
        for begins in beginning.finditer(text) if has in text else ():
            yield from _token(text, begins, forms)


def _token(text: str, begins: re.Match[str], forms: Forms) -> list[Span]:
    """The token that begins so: whole, broken off and gone on with, or cut short by somebody."""
    at = begins.start()
    return _whole(text, at, forms) or _broken(text, at, forms) or _cut(text, begins, forms[0][0])


def _cut(text: str, begins: re.Match[str], kind: str) -> list[Span]:
    """What is left of a token of which the end is missing: enough random letters to be its."""
    rest = _PIECE.match(text, begins.end())
    is_known = _is_distinct(begins[0]) and rest is not None and len(rest[0]) >= _ENOUGH
    return [Span(begins.start(), rest.end(), kind)] if is_known and rest and is_odd(rest[0]) else []


def _is_distinct(begins: str) -> bool:
    """Whether a token begins as no name does: `api-` and `key-` stand in the names of pods too."""
    return len(begins) >= (_WORDY if _A_WORD.fullmatch(begins) else _DISTINCT)


@cache
def _forms(begins: str) -> Forms:
    """The kinds whose tokens begin so, or with a part of it, the longest first."""
    return tuple(
        (kind, re.compile(rf"{re.escape(other)}(?:{TOKENS[kind][1]})\w*+"))
        for other, kind in sorted(_LITERALS.items(), reverse=True)
        if begins.startswith(other)
    )


def _whole(text: str, at: int, forms: Forms) -> list[Span]:
    """The token that begins at `at`; what follows it behind a break is its rest if it is odd."""
    for kind, form in forms:
        if found := form.match(text, at):
            spans = [Span(at, found.end(), kind)]
            broken = _BREAK.match(text, found.end())
            if broken and not broken["space"] and (piece := _PIECE.match(text, broken.end())):
                spans += [Span(*piece.span(), kind)] if is_odd(piece[0]) else []
            return spans
    return []


def _broken(text: str, at: int, forms: Forms) -> list[Span]:
    """The pieces of a token that is whole only if breaks are read over."""
    if (piece := _PIECE.match(text, at)) is None or not _BREAK.match(text, piece.end()):
        return []
    pieces = _pieces(text, at)
    joined = "".join(text[start:end] for start, end in pieces)
    for kind, form in forms:
        if len(pieces) > 1 and (found := form.match(joined, 0)):
            left, spans = found.end(), []
            for start, end in pieces:
                spans += [Span(start, min(end, start + left), kind)] if left > 0 else []
                left -= end - start
            return spans
    return []


def _pieces(text: str, at: int) -> list[tuple[int, int]]:
    """What stands from `at` on when breaks are read over, the first piece included."""
    pieces: list[tuple[int, int]] = []
    while len(pieces) < _PIECES and (piece := _PIECE.match(text, at)):
        pieces.append(piece.span())
        broken = _BREAK.match(text, piece.end())
        if broken is None:
            break
        at = broken.end()
        goes_on = _PIECE.match(text, at)
        if any(broken.groups()) and not (goes_on and _is_rest(goes_on[0])):
            break
    return pieces


def _is_rest(piece: str) -> bool:
    """Whether a piece on the same line may be the rest of a token: random letters or digits."""
    return is_odd(piece) or bool(_HEX.match(piece))
