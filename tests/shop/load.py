"""The customers: a steady, slightly noisy stream of requests through nginx."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from tests.shop.fleet import now

PER_S = 4.7
WAIT_S = 15.0
SKUS = 48
CATEGORIES = ("all", "seating", "lighting", "kitchen", "tables")
REGIONS = {"emea": 0.5, "amer": 0.3, "apac": 0.2}
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "ShopApp/7.4 (Android 15)",
)


@dataclass(frozen=True)
class Customer:
    """A tenant of the shop: its share of the traffic, and how often it pays with a stored card."""

    name: str
    share: float
    stores_cards: float


CUSTOMERS = (
    Customer("acme", 0.40, 0.45),
    Customer("globex", 0.25, 0.35),
    Customer("initech", 0.18, 0.25),
    Customer("umbrella", 0.10, 0.20),
    Customer("hooli", 0.07, 0.10),
)


@dataclass(frozen=True)
class Shopper:
    """Who asks: one person of one customer, somewhere."""

    customer: Customer
    region: str
    number: int

    @property
    def cart(self) -> str:
        """Give the id of this person's cart."""
        return f"{self.customer.name}-{self.region}-{self.number}"

    def headers(self, agent: str) -> dict[str, str]:
        """Give the headers of this person's requests; the address is one of RFC 5737."""
        block = 20 * list(REGIONS).index(self.region) + 60 * CUSTOMERS.index(self.customer)
        return {
            "X-Customer": self.customer.name,
            "X-Region": self.region,
            "X-Forwarded-For": f"203.0.113.{(block + self.number) % 250 + 1}",
            "User-Agent": agent,
        }


@dataclass(frozen=True)
class Answer:
    """What came of one request: asked when (UTC), answered after how long; status 0 is none."""

    at: datetime
    seconds: float
    status: int


@dataclass(frozen=True)
class Ask:
    """One request."""

    method: str
    path: str
    body: dict[str, Any] | None = None


def list_products(rng: random.Random, _who: Shopper) -> Ask:
    return Ask("GET", f"/api/products?category={rng.choice(CATEGORIES)}")


def show_product(rng: random.Random, _who: Shopper) -> Ask:
    gone = rng.random() < 0.02
    number = rng.randrange(SKUS, SKUS + 9) if gone else rng.randrange(SKUS)
    return Ask("GET", f"/api/products/SKU-{1000 + number}")


def show_cart(_rng: random.Random, who: Shopper) -> Ask:
    return Ask("GET", f"/api/cart/{who.cart}")


def put_item(rng: random.Random, who: Shopper) -> Ask:
    item = {"sku": sku_of(rng, who), "quantity": rng.choice((1, 1, 1, 2, 3, 12))}
    return Ask("PUT", f"/api/cart/{who.cart}/items", item)


def check_out(rng: random.Random, who: Shopper) -> Ask:
    name = who.customer.name
    stored = rng.random() < who.customer.stores_cards
    token = f"card-{name}-{rng.randint(1, 20)}" if stored else f"tok-{rng.getrandbits(40):010x}"
    card = {"token": token, "stored": stored}
    order = {"cart": who.cart, "customer": name, "region": who.region, "card": card}
    return Ask("POST", "/api/checkout", order)


def payment_methods(_rng: random.Random, _who: Shopper) -> Ask:
    return Ask("GET", "/api/payment-methods")


def estimate_shipping(_rng: random.Random, _who: Shopper) -> Ask:
    return Ask("GET", "/api/shipping-estimate")


def stray(rng: random.Random, _who: Shopper) -> Ask:
    return Ask("GET", rng.choice(("/favicon.ico", "/robots.txt", "/wp-login.php", "/api/v1/items")))


Make = Callable[[random.Random, Shopper], Ask]

MIX: dict[Make, float] = {
    list_products: 0.22,
    show_product: 0.23,
    show_cart: 0.08,
    put_item: 0.14,
    check_out: 0.20,
    payment_methods: 0.10,
    estimate_shipping: 0.02,
    stray: 0.01,
}


def sku_of(rng: random.Random, who: Shopper) -> str:
    """Give one of the two or three products this person ever wants."""
    taste = random.Random(who.cart)
    return f"SKU-{1000 + rng.choice([taste.randrange(SKUS - 1) for _ in range(3)])}"


def any_shopper(rng: random.Random, of: str | None = None) -> Shopper:
    """Give somebody, by the customers' and the regions' shares, or one of a certain customer's."""
    named = [each for each in CUSTOMERS if of in (None, each.name)]
    customer = rng.choices(named, [each.share for each in named])[0]
    region = rng.choices(list(REGIONS), list(REGIONS.values()))[0]
    return Shopper(customer, region, rng.randint(1, 12))


def every_shopper() -> list[Shopper]:
    """Give all there are."""
    return [
        Shopper(customer, region, number)
        for customer in CUSTOMERS
        for region in REGIONS
        for number in range(1, 13)
    ]


@dataclass
class Load:
    """The running stream of requests, from `start` to `close`."""

    url: str
    seed: int
    per_s: float = PER_S
    statuses: Counter[int] = field(default_factory=Counter)
    late_s: list[float] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(160, "customer")
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Fill the carts, then let the customers in."""
        rng = random.Random(f"carts {self.seed}")
        filled = [
            self._pool.submit(self._send, put_item(rng, who), who.headers(AGENTS[0]))
            for who in every_shopper()
        ]
        for each in filled:
            each.result()
        self.statuses.clear()
        self._thread.start()

    def close(self) -> None:
        """Let nobody in any more, and wait for those inside."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown()

    @contextmanager
    def more(self, customer: str | None, per_s: float) -> Iterator[None]:
        """Let more in: one customer's shipping estimates, or with None everybody's everything."""
        ended, rng = threading.Event(), random.Random(f"more {self.seed}")

        def run() -> None:
            while not ended.wait(rng.uniform(0.3, 1.7) / per_s):
                self._one(rng, customer, MIX if customer is None else {estimate_shipping: 1.0})

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _run(self) -> None:
        rng = random.Random(self.seed)
        while True:
            wait_s, began = rng.uniform(0.3, 1.7) / self.per_s, time.monotonic()
            if self._stopped.wait(wait_s):
                return
            self.late_s.append(time.monotonic() - began - wait_s)
            self._one(rng, None, MIX)

    def _one(self, rng: random.Random, customer: str | None, mix: Mapping[Make, float]) -> None:
        who = any_shopper(rng, customer)
        (make,) = rng.choices(list(mix), list(mix.values()))
        agent = AGENTS[who.number % len(AGENTS)]
        self._pool.submit(self._send, make(rng, who), who.headers(agent))

    def _send(self, ask: Ask, headers: dict[str, str]) -> None:
        at, began = now(), time.monotonic()
        try:
            answer = requests.request(
                ask.method, self.url + ask.path, json=ask.body, headers=headers, timeout=WAIT_S
            )
            status = answer.status_code
        except requests.RequestException:
            status = 0
        self.statuses[status] += 1
        self.answers.append(Answer(at, time.monotonic() - began, status))
