"""What goes wrong with deliveries on purpose: late, doubled, out of order, never. The same seed makes the same choices."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

T = TypeVar("T")
MOST_WORKERS = 64
LIMITS = {"delay_s": 86_400.0, "duplicate": 1.0, "drop": 1.0, "shuffle_window_s": 86_400.0}


@dataclass(slots=True)
class Plan:
    """Knobs for all deliveries that events make.

    Args:
        delay_s: every delivery starts so much later, on the fake's clock.
        duplicate: probability that a delivery is made a second time, under the same ids.
        drop: probability that a delivery is never made.
        shuffle_window_s: each delivery starts up to so much later, on the fake's clock, each by another time.
        seed: of all these choices.
        concurrency: how many deliveries are under way at once; 1 keeps their order.
        legacy_events_headers: send `shopify-event-id` and `shopify-resource-id` with events, as until September 2026.
    """

    delay_s: float = 0.0
    duplicate: float = 0.0
    drop: float = 0.0
    shuffle_window_s: float = 0.0
    seed: int = 1
    concurrency: int = 8
    legacy_events_headers: bool = False
    _dice: random.Random = field(default_factory=lambda: random.Random(1), repr=False)

    def update(self, given: dict[str, Any]) -> None:
        """Set knobs; a seed, also the same one, starts the choices anew.

        Raises:
            ValueError: an unknown knob or a value out of its bounds.
        """
        known = set(self.shown())
        if unknown := set(given) - known:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
        for name, most in LIMITS.items():
            if not 0 <= float(given.get(name, 0)) <= most:
                raise ValueError(f"{name} must be from 0 to {most:g}")
        if not 1 <= int(given.get("concurrency", 1)) <= MOST_WORKERS:
            raise ValueError(f"concurrency must be from 1 to {MOST_WORKERS}")
        for name, value in given.items():
            setattr(self, name, type(getattr(self, name))(value))
        if "seed" in given:
            self._dice = random.Random(self.seed)

    def shown(self) -> dict[str, Any]:
        """Shape of the plan for control."""
        return {one.name: getattr(self, one.name) for one in fields(self) if not one.name.startswith("_")}

    def is_dropped(self) -> bool:
        """Decide whether a delivery is never made."""
        return self.drop > 0 and self._dice.random() < self.drop

    def is_doubled(self) -> bool:
        """Decide whether a delivery is made twice."""
        return self.duplicate > 0 and self._dice.random() < self.duplicate

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """Put things into another order."""
        return self._dice.sample(things, len(things))

    def wait_s(self) -> float:
        """Decide how long a delivery waits before it starts."""
        return self.delay_s + (self._dice.uniform(0, self.shuffle_window_s) if self.shuffle_window_s else 0.0)
