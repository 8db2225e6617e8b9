"""Scripted trouble: what goes wrong, for which requests, and how often."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = {
    "429": "HTTP 429 with Retry-After (`retry_after`, default 2.0)",
    "throttled": "HTTP 200 whose errors say THROTTLED",
    "5xx": "HTTP `status` (default 503) with a JSON body",
    "html": "HTTP `status` (default 200) with an HTML page in place of JSON",
    "drip": "the true answer, a few bytes every `delay_s` seconds (default 1)",
    "delay": "the true answer after `delay_s` seconds (default 1)",
    "reset": "the connection is reset before an answer; `after` true: only once the request was carried out",
    "truncate": "the true answer cut off in the middle of the body",
    "redirect": "HTTP 302 to `location`",
    "frozen": "HTTP 402, as a frozen shop answers",
    "bomb": "a gzip body that unfolds to `size_bytes` (default 100 MiB)",
    "wrong_shop": "the true answer with another shop's `myshopifyDomain`",
}


@dataclass(slots=True)
class Fault:
    """One script. Matching is by equality on what is given; `skip` requests pass before it begins, `times` are hit (null: all)."""

    kind: str
    path: str | None = None
    shop: str | None = None
    operation: str | None = None
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    retry_after: str | None = None
    delay_s: float = 1.0
    after: bool = False
    location: str | None = None
    size_bytes: int = 100 * 2**20
    number: int = 0
    hits: int = 0

    def matches(self, path: str, shop: str | None, operation: str | None) -> bool:
        """Say whether a request is of those meant."""
        return (
            (self.path is None or self.path in path)
            and (self.shop is None or self.shop == shop)
            and (self.operation is None or self.operation == operation)
        )


@dataclass(slots=True)
class FaultPlan:
    """All scripts in force, in the order in which they were given."""

    faults: list[Fault] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, spec: dict[str, Any]) -> Fault:
        """Take a script from the control API.

        Raises:
            ValueError: an unknown kind or field.
        """
        if spec.get("kind") not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        allowed = set(Fault.__dataclass_fields__) - {"number", "hits"}
        if unknown := set(spec) - allowed:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(allowed))}")
        fault = Fault(**spec)
        fault.number = next(self._numbers)
        with self._lock:
            self.faults.append(fault)
        return fault

    def take(self, path: str, shop: str | None, operation: str | None) -> Fault | None:
        """Return the script that hits this request, and count it."""
        with self._lock:
            for fault in self.faults:
                if not fault.matches(path, shop, operation):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                elif fault.times is None or fault.hits < fault.times:
                    fault.hits += 1
                    return fault
        return None

    def clear(self) -> None:
        """Forget all scripts."""
        with self._lock:
            self.faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Shape of the control API's list."""
        return [asdict(fault) for fault in self.faults]
