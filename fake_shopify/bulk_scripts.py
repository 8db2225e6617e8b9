"""Scripts for bulk operations: what goes wrong, how long it takes, and in which form the result comes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any

CHOICES = {
    "type": ("QUERY", "MUTATION"),
    "refuse": ("LIMIT_REACHED", "OPERATION_IN_PROGRESS"),
    "end": ("FAILED", "CANCELED", "EXPIRED"),
    "error_code": ("ACCESS_DENIED", "INTERNAL_SERVER_ERROR", "TIMEOUT"),
    "order": ("grouped", "flat", "shuffled"),
}
KINDS: dict[str, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "float": (int, float), "str": (str,), "None": (type(None),)}
"""Which values a field of a script takes, by the words of its annotation."""


@dataclass(frozen=True, slots=True)
class Script:
    """One script: for which operations it is, and what happens to them.

    Args:
        shop, type, contains: the operations meant, the last by a text in their document; `skip` of them pass before, `times` are
            hit (None: all).
        refuse: the operation is not begun; the code of the refusal.
        start_after_s, objects_per_s, takes_s: when it begins to run, how fast it counts, and how long it runs at least, on the
            fake's clock.
        hold: it stays RUNNING until it is released.
        end: how it ends instead of COMPLETED; `error_code` belongs to FAILED.
        after_objects: it ends after so many objects, which is all that its result has.
        partial_data: whether what there is of a failed one can be had.
        cancel_takes_s, hang: how long it stays CANCELING, or until it is released.
        canceled_url: whether a cancelled one has a `url`, as in May 2026.
        order, seed, window: in which order lines come; shuffled ones within so many lines.
        children: nested connections are cut off there.
        omit_every: of so many objects at the root the last is left out, without a word.
        corrupt_line: this line (from 0) is no JSON.
        object_count_off, root_object_count_off, file_size_off: what is told besides the truth.
        no_url: it completes without a `url` although it has a result.
        url_lives_s: an address is good for so long; asking again gives a new one.
        changed_file: the file of a mutation changes while it runs.
        content_length, gzip, accept_ranges: how the result is served.
        cut_at: every download ends after so many bytes, as if that were all where there is no Content-Length.
        drip_s: the time between two pieces of a download, in real seconds.
    """

    shop: str | None = None
    type: str | None = None
    contains: str | None = None
    times: int | None = 1
    skip: int = 0
    refuse: str | None = None
    start_after_s: float = 0.0
    objects_per_s: float | None = None
    takes_s: float = 0.0
    hold: bool = False
    end: str | None = None
    error_code: str = "INTERNAL_SERVER_ERROR"
    after_objects: int | None = None
    partial_data: bool = True
    cancel_takes_s: float = 0.0
    hang: bool = False
    canceled_url: bool = False
    order: str | None = None
    seed: int = 1
    window: int = 5_000
    children: int | None = None
    omit_every: int | None = None
    corrupt_line: int | None = None
    object_count_off: int = 0
    root_object_count_off: int = 0
    file_size_off: int = 0
    no_url: bool = False
    url_lives_s: float | None = None
    changed_file: bool = False
    content_length: bool = True
    gzip: bool = False
    accept_ranges: bool = True
    cut_at: int | None = None
    drip_s: float = 0.0

    def is_for(self, shop: str, type: str, document: str) -> bool:
        """Say whether an operation is of those meant."""
        return self.shop in (None, shop) and self.type in (None, type) and (self.contains or "") in document

    @property
    def is_plain(self) -> bool:
        """Whether lines are written as they come."""
        return self.objects_per_s is None and self.after_objects is None and self.corrupt_line is None

    @property
    def is_paced(self) -> bool:
        """Whether it takes time on the fake's clock while it counts."""
        return self.objects_per_s is not None


PLAIN = Script()


@dataclass(slots=True)
class _Kept:
    number: int
    script: Script
    seen: int = 0
    hits: int = 0


@dataclass(slots=True)
class ScriptPlan:
    """All scripts in force, in the order in which they were given."""

    _kept: list[_Kept] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Take a script from the control API.

        Raises:
            ValueError: an unknown field, or a value that it cannot have.
        """
        known = {one.name: one for one in fields(Script)}
        if unknown := set(spec) - set(known):
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
        for name, value in spec.items():
            _check(known[name], value)
        kept = _Kept(next(self._numbers), Script(**spec))
        with self._lock:
            self._kept.append(kept)
        return _shown(kept)

    def take(self, shop: str, type: str, document: str) -> Script:
        """Return the script for an operation that is asked for, and count it."""
        with self._lock:
            for kept in self._kept:
                script = kept.script
                if not script.is_for(shop, type, document):
                    continue
                kept.seen += 1
                if kept.seen > script.skip and (script.times is None or kept.hits < script.times):
                    kept.hits += 1
                    return script
        return PLAIN

    def clear(self) -> None:
        """Forget all scripts."""
        with self._lock:
            self._kept.clear()
            self._numbers = itertools.count(1)

    def listed(self) -> list[dict[str, Any]]:
        """Shape of the control API's list: what differs from the usual."""
        return [_shown(kept) for kept in self._kept]


def _check(one: Field[Any], value: Any) -> None:
    name = one.name
    if name in CHOICES and value is not None and value not in CHOICES[name]:
        raise ValueError(f"{name} must be one of {', '.join(CHOICES[name])}")
    if type(value) not in {kind for word in str(one.type).split(" | ") for kind in KINDS[word]}:
        raise ValueError(f"{name} must be of type {one.type}")
    if isinstance(value, int | float) and value < 0 and not name.endswith("_off"):
        raise ValueError(f"{name} cannot be negative")


def _shown(kept: _Kept) -> dict[str, Any]:
    plain = asdict(PLAIN)
    return {"number": kept.number, "hits": kept.hits} | {
        name: value for name, value in asdict(kept.script).items() if value != plain[name]
    }
