"""Whether an object is what somebody asked about: by the names in their words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._/-]*[a-z0-9])?")
_LEAST = 4  # letters of a name that may stand for a longer one
_ITSELF, _WORKLOAD, _NAMESPACE = 1.0, 0.9, 0.2
_WORDS = frozenset({
    "and", "any", "app", "are", "can", "for", "has", "how", "its", "not", "our", "pod",
    "the", "was", "why",
    "alert", "cluster", "config", "container", "cron", "daemonset", "default", "deployment",
    "event", "error", "failed", "failing", "health", "healthy", "ingress", "issue", "job", "kube",
    "kubernetes", "logs", "name", "namespace", "node", "pending", "pods", "problem", "prod",
    "production", "prometheus", "replicaset", "running", "service", "services", "some", "spec",
    "staging", "stateful", "status", "system", "test", "there", "this", "type", "what", "when",
    "where", "which", "wrong",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """The names in a question, lower case."""

    names: frozenset[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Asked:
        """The names in several texts; `kind/name` and `namespace/name` are two."""
        found = {name for text in texts for name in _NAME.findall(text.lower())}
        parts = {part for name in found for part in name.split("/")}
        return cls(frozenset(name for name in found | parts if len(name) > 2) - _WORDS)

    def relevance(self, namespace: str, *names: str) -> float:
        """1 for an object that is named, less for its workload or namespace; 0 if nothing is."""
        lower = [name.lower() for name in names if name]
        if self.names.intersection(lower):
            return _ITSELF
        if any(_is_of(one, name) for one in self.names for name in lower):
            return _WORKLOAD
        return _NAMESPACE if namespace.lower() in self.names else 0.0


def _is_of(one: str, other: str) -> bool:
    """Whether one name is the other's workload's: `cart` and `cart-7d9f-x2x4`."""
    short, long = sorted((one, other), key=len)
    return len(short) >= _LEAST and long.startswith((f"{short}-", f"{short}.", f"{short}:"))
