"""What comes from outside: partners that fail, customers that are too many, mails that wait."""

from __future__ import annotations

import random

from tests.shop.faults.expiry import Expiry
from tests.shop.faults.partner_trouble import PartnerTrouble
from tests.shop.faults.surge import Surge
from tests.shop.fleet import Release
from tests.shop.kind import Kind, Trouble, service
from tests.shop.kinds.changes import release
from tests.shop.kinds.machines import suffered
from tests.shop.story import Blamed, Culprit

ACQUIRER, CARRIER, POST = "api.acquirer.example", "api.carrier.example", "api.post.example"
CALLERS = {ACQUIRER: "payment", CARRIER: "shipping", POST: "mailer"}
IN_ORDER = Release("mailer", "1.5.0", "Write to registered addresses, in order")


def some_partner(rng: random.Random) -> str:
    """Draw one without whom something visible fails."""
    return rng.choice((ACQUIRER, ACQUIRER, POST))


def blamed(partner: str) -> tuple[Blamed, Blamed]:
    """Blame a partner, or who calls it: no telemetry is the partner's own."""
    return Blamed("external", partner), service(CALLERS[partner])


def dns_failure(rng: random.Random) -> Trouble:
    partner = some_partner(rng)
    fault = PartnerTrouble(partner, name=rng.choice(("servfail", "nxdomain", "silent")))
    detail = f"the name {partner} cannot be resolved"
    return suffered(fault, "errors", "dependency", detail, *blamed(partner))


def certificate_expiry(rng: random.Random) -> Trouble:
    partner = some_partner(rng)
    detail = f"the certificate of {partner} has expired"
    return suffered(Expiry(partner), "errors", "dependency", detail, *blamed(partner))


def partner_slow(rng: random.Random) -> Trouble:
    partner = rng.choice((ACQUIRER, CARRIER))
    fault = PartnerTrouble(partner, delay_s=round(rng.uniform(1.1, 1.8), 2))
    detail = f"{partner} takes long"
    return suffered(fault, "latency", "dependency", detail, Blamed("external", partner))


def surge(rng: random.Random) -> Trouble:
    fault = Surge(rng.choice(("umbrella", "hooli")), round(rng.uniform(13, 17), 1))
    detail = (
        f"{fault.customer} asks for so many estimates that shipping, which gets two at once from "
        "its carrier, has no thread left, and then web none"
    )
    return suffered(fault, "traffic", "traffic", detail, service("shipping"), service("web"))


def queue_backlog(rng: random.Random) -> Trouble:
    """Let mails wait: for a release that tries the same one for ever, or for the post office."""
    if rng.random() < 0.5:
        detail = "mailer 1.5.0 tries a mail that cannot be sent again before all others"
        culprit = Culprit(IN_ORDER, "saturation", "deploy", detail)
        return release(culprit, rng, bake_s=rng.uniform(5, 15))
    fault = PartnerTrouble(POST, delay_s=round(rng.uniform(4, 6), 1))
    detail = f"{POST} takes so long that mails fail and wait"
    blamed = Blamed("external", POST)
    return suffered(fault, "saturation", "dependency", detail, blamed)


OUTSIDE = (
    Kind("dns_failure", dns_failure),
    Kind("certificate_expiry", certificate_expiry),
    Kind("partner_slow", partner_slow),
    Kind("surge", surge),
    Kind("queue_backlog", queue_backlog),
)
