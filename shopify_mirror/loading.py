"""The loader: a bulk result into the mirror, at the speed of COPY, in constant memory, and again from where it stopped.

Network, decoding and database overlap: a thread reads, a child process decodes, and what it has decoded is staged while it goes on.
Only when everything has arrived and agrees with what Shopify said is it merged. Whose result it is, where it lies and when to try
again is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from itertools import chain
from typing import Any, Final, TypeAlias, TypeVar

import asyncpg
import msgspec
from loguru import logger
from msgspec import Struct

from shopify_kit.database import Connection, Database
from shopify_kit.errors import DatabaseUnavailable, UpstreamFailed
from shopify_kit.lookahead import ahead
from shopify_kit.runtime import map_in_threads
from shopify_mirror import merging, staging
from shopify_mirror.decoding import CHUNK_BYTES, BadResult, Batch, Plan
from shopify_mirror.decoding_beside import ProgramFailed, decode_beside, decode_here
from shopify_mirror.merging import Done, Effect, Step, total
from shopify_mirror.staging import Load, Progress

Source: TypeAlias = Callable[[int], Iterable[bytes]]
"""Gives the bytes of a result from an offset on."""
Key: TypeAlias = tuple[str, int]
T = TypeVar("T")

BESIDE_FROM_BYTES: Final = 4 * 2**20
MERGERS: Final = 2
UNIT_S: Final = 600.0
WHOLE_S: Final = 4 * 3600.0
MANY_ROWS: Final = 20_000
ATTEMPTS: Final = 4


class Expected(Struct, frozen=True):
    """What Shopify says a result is; None where it does not say."""

    object_count: int | None = None
    root_object_count: int | None = None
    file_size: int | None = None


class Loaded(Struct, frozen=True):
    """What came of a load.

    Args:
        objects: lines; `roots` of them without a parent.
        rows: staged, by table; `added` and `changed` of them are new in the mirror.
        retired: rows of the mirror that Shopify no longer shows, by table.
        skipped: objects of kinds that the mirror does not take, by kind, and `unreadable` ones.
        orphans: children whose parent was not in the result, by table; not merged.
        gaps: parents with another number of children than Shopify counts, by table; listed in `shopify.mirror_gaps`.
        resumed_from: bytes that an earlier attempt had staged.
    """

    objects: int
    roots: int
    size_bytes: int
    rows: dict[str, int]
    added: dict[str, int]
    changed: dict[str, int]
    retired: dict[str, int]
    skipped: dict[str, int]
    orphans: dict[str, int]
    gaps: dict[str, int]
    resumed_from: int


class Ending(Struct, frozen=True):
    """What is done with the last rows."""

    watermark: datetime | None
    effect: Effect | None


class Loader:
    """Loads results into the mirror.

    Args:
        chunk_bytes: of a result, staged in one transaction.
        beside_from_bytes: results at least as large are decoded in a child process.
    """

    def __init__(self, database: Database, *, chunk_bytes: int = CHUNK_BYTES, beside_from_bytes: int = BESIDE_FROM_BYTES) -> None:
        self._database = database
        self._chunk_bytes = chunk_bytes
        self._beside_from_bytes = beside_from_bytes

    def load(
        self,
        shop_id: int,
        resource: str,
        source: Source,
        *,
        run: str,
        as_of: datetime,
        expected: Expected | None = None,
        watermark: datetime | None = None,
        is_complete: bool = False,
        effect: Effect | None = None,
    ) -> Loaded:
        """Load a result; called again for the same run it goes on where it stopped, or says what came of it.

        Args:
            run: names the result, uniquely per shop and resource: an operation's or a run's id.
            as_of: when Shopify began to read it; nothing newer in the mirror is overwritten, nothing deleted later comes back.
            watermark: written with the last rows, in one transaction.
            is_complete: the result shows all root objects there are, so that one it does not show is gone.
            effect: done in the transaction of the last rows.

        Raises:
            UpstreamFailed: code `truncated_result`, it ended early: what came is kept; code `bad_result`, it is not what Shopify
                said it is: nothing of it is kept. Nothing was merged in either case.
            Conflict: code `load_taken_over`, another worker has begun the same run since.
            DatabaseUnavailable: repeat to go on.
        """
        load = self._database.run(staging.open_load, shop_id, run, resource, as_of)
        if load.result is not None:
            return msgspec.json.decode(load.result, type=Loaded)
        task = _Task(self._database, load, expected or Expected())
        progress = task.stage(source, self._chunk_bytes, self._beside_from_bytes)
        return task.merge(progress, Ending(watermark, effect), is_complete=is_complete)

    def forget(self, shop_id: int, resource: str, *, run: str, as_of: datetime) -> None:
        """Throw away what an unfinished load has staged, as when its result cannot be had any more."""
        load = self._database.run(staging.open_load, shop_id, run, resource, as_of)
        if load.result is None:
            self._database.run(_forget, load, timeout_s=UNIT_S)

    def sweep(self, before: datetime) -> int:
        """Forget loads that were begun before and left unfinished; results are kept for seven days. Returns how many."""
        old = self._database.run(_list_old_loads, before)
        for shop_id, resource, run, as_of in old:
            self.forget(shop_id, resource, run=run, as_of=as_of)
        return len(old)


async def _forget(conn: Connection, load: Load) -> None:
    await staging.discard(conn, load)
    await conn.execute(staging.queries.forget_load, load.shop_id, load.load_id)


async def _list_old_loads(conn: Connection, before: datetime) -> list[tuple[int, str, str, datetime]]:
    rows = await conn.fetch(staging.queries.list_old_loads, before)
    return [(row["shop_id"], row["resource"], row["run"], row["as_of"]) for row in rows]


class _Task:
    """One load under way."""

    def __init__(self, database: Database, load: Load, expected: Expected) -> None:
        self._database = database
        self._load = load
        self._expected = expected
        self._filled: frozenset[str] = frozenset()
        self.resumed_from = 0
        self.arrived_bytes = 0

    # Staging

    def stage(self, source: Source, chunk_bytes: int, beside_from_bytes: int) -> Progress:
        """Stage what is not staged yet, and see that it is everything."""
        progress = self._resume()
        self._filled = self._database.run(staging.find_filled_tables, self._load.shop_id)
        self.resumed_from = progress.end_bytes
        try:
            progress = self._stage_rest(progress, source, chunk_bytes, beside_from_bytes)
        except ProgramFailed as error:
            logger.warning("Decoding goes on in this process, because a child process cannot do it: {}", error)
            progress = self._stage_rest(self._resume(), source, chunk_bytes, None)
        self._check(progress)
        return progress

    def _resume(self) -> Progress:
        self._load, progress = self._database.run(staging.resume, self._load, timeout_s=UNIT_S)
        return progress

    def _stage_rest(self, progress: Progress, source: Source, chunk_bytes: int, beside_from_bytes: int | None) -> Progress:
        if progress.end_bytes == self._expected.file_size:
            return progress
        load = self._load
        plan = Plan(
            shop_id=load.shop_id,
            load_id=load.load_id,
            raw_base=load.raw_base,
            first_chunk=progress.next_chunk,
            first_line=progress.objects,
            start_bytes=progress.end_bytes,
            chunk_bytes=chunk_bytes,
        )
        pieces = self._counted(source(progress.end_bytes))
        try:
            with closing(ahead(_decoded(plan, pieces, beside_from_bytes))) as batches:
                for batch in batches:
                    self._stage(batch)
        except BadResult as error:
            raise self._bad_line(error) from error
        return self._database.run(staging.read_progress, load)

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        self.arrived_bytes = 0
        for piece in pieces:
            self.arrived_bytes += len(piece)
            yield piece

    def _stage(self, batch: Batch) -> None:
        facts = (self._load, batch, self._filled)
        try:
            self._database.run(staging.stage, *facts, timeout_s=UNIT_S)
        except asyncpg.DataError:
            self._database.run(staging.stage, *facts, is_careful=True, timeout_s=UNIT_S)

    def _bad_line(self, error: BadResult) -> UpstreamFailed:
        size = self._expected.file_size
        if size is None or self.resumed_from + self.arrived_bytes < size:
            return _truncated(self.resumed_from + self.arrived_bytes, size)
        self._database.run(staging.discard, self._load, timeout_s=UNIT_S)
        return _bad(f"it cannot be read: {error}")

    def _check(self, progress: Progress) -> None:
        """Compare what is staged with what Shopify said; what is short may still come, anything else is thrown away."""
        expected = self._expected
        if expected.file_size is not None and progress.end_bytes < expected.file_size:
            raise _truncated(progress.end_bytes, expected.file_size)
        found = {"file_size": progress.end_bytes, "object_count": progress.objects, "root_object_count": progress.roots}
        wrong = {name: value for name, value in found.items() if getattr(expected, name) not in (None, value)}
        if not wrong:
            return
        if expected.file_size is None and self.arrived_bytes and progress.objects < (expected.object_count or 0):
            raise _truncated(progress.end_bytes, None)
        self._database.run(staging.discard, self._load, timeout_s=UNIT_S)
        said = ", ".join(f"{name} {value} instead of {getattr(expected, name)}" for name, value in wrong.items())
        raise _bad(f"it has {said}")

    # Merging

    def merge(self, progress: Progress, ending: Ending, *, is_complete: bool) -> Loaded:
        """Merge what is staged, and say what came of it."""
        chunks = self._database.run(staging.list_chunks, self._load)
        findings = self._database.run(merging.begin_merge, self._load, chunks, timeout_s=WHOLE_S)
        done = self._database.run(merging.list_steps, self._load)
        children, parents = merging.plan_steps(chunks)
        self._take_all(len(chunks), children, done)
        self._take_all(len(chunks), parents[:-1], done)
        retired = self._database.run(merging.retire_staged, self._load, chunks, is_complete=is_complete, timeout_s=WHOLE_S)
        draft = Loaded(
            objects=progress.objects,
            roots=progress.roots,
            size_bytes=progress.end_bytes,
            rows=total(chunk.rows for chunk in chunks),
            added={},
            changed={},
            retired=retired,
            skipped=total(chunk.skipped for chunk in chunks),
            orphans=findings.orphans,
            gaps=findings.gaps,
            resumed_from=self.resumed_from,
        )
        last = _Last(parents[-1:], len(chunks), done, draft, ending)
        loaded = self._retried(parents[-1].table if parents else "", _end, self._load, last)
        self._sweep(sum(loaded.rows.values()))
        return loaded

    def _take_all(self, chunks: int, steps: Sequence[Step], done: dict[Key, Done]) -> None:
        def take(step: Step) -> Done:
            return self._retried(step.table, merging.take_step, self._load, chunks, step)

        todo = [step for step in steps if _key(step) not in done]
        for step, result in zip(todo, map_in_threads(take, todo, max_threads=MERGERS), strict=True):
            done[_key(step)] = result

    def _retried(self, table: str, verb: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        """Run a step, again where an object came twice, or was added by somebody else since the step began."""
        is_fresh = table not in self._filled and merging.PARENTS_OF.get(table) not in self._filled
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                return self._database.run(verb, *args, is_fresh=is_fresh, timeout_s=UNIT_S)
            except asyncpg.UniqueViolationError:
                if not attempts_left:
                    raise
                is_fresh = False
                self._database.run(merging.drop_doubles, self._load, table, timeout_s=WHOLE_S)
        raise AssertionError("the last attempt raises or returns")

    def _sweep(self, rows: int) -> None:
        """Empty staging; what cannot be done now is done after the next load."""
        with suppress(DatabaseUnavailable):
            if rows >= MANY_ROWS:
                with suppress(asyncpg.LockNotAvailableError, asyncpg.InsufficientPrivilegeError):
                    if self._database.run(staging.empty_staging, self._load, timeout_s=UNIT_S):
                        return
            self._database.run(staging.drop_staged, self._load, timeout_s=UNIT_S)


class _Last(Struct, frozen=True):
    """What is done in the last transaction of a load: the last step, where there is one, and that this was all."""

    steps: Sequence[Step]
    chunks: int
    done: Mapping[Key, Done]
    draft: Loaded
    ending: Ending


async def _end(conn: Connection, load: Load, last: _Last, *, is_fresh: bool) -> Loaded:
    done = dict(last.done)
    for step in last.steps:
        done[_key(step)] = await merging.take_step(conn, load, last.chunks, step, is_fresh=is_fresh)
    loaded = msgspec.structs.replace(
        last.draft,
        added=total({table: result.added} for (table, _), result in done.items()),
        changed=total({table: result.changed} for (table, _), result in done.items()),
    )
    await merging.finish(conn, load, last.chunks, last.ending.watermark, loaded)
    if last.ending.effect is not None:
        await last.ending.effect(conn)
    return loaded


def _key(step: Step) -> Key:
    return step.table, step.first_chunk


def _decoded(plan: Plan, pieces: Iterator[bytes], beside_from_bytes: int | None) -> Iterator[Batch]:
    """Decode in a child process what is worth one."""
    if beside_from_bytes is None:
        return decode_here(plan, pieces)
    first, size = list[bytes](), 0
    for piece in pieces:
        first.append(piece)
        size += len(piece)
        if size >= beside_from_bytes:
            return decode_beside(plan, chain(first, pieces))
    return decode_here(plan, first)


def _truncated(size_bytes: int, file_size: int | None) -> UpstreamFailed:
    whole = "more" if file_size is None else f"{file_size} bytes"
    message = f"The result ended after {size_bytes} bytes of {whole}; what came is kept, and the load goes on there when repeated."
    return UpstreamFailed(message, code="truncated_result", retry_after_s=2.0)


def _bad(what: str) -> UpstreamFailed:
    message = f"The result is not what Shopify said it is ({what}); nothing of it was used. Repeat the load, or the operation."
    return UpstreamFailed(message, code="bad_result", retry_after_s=10.0)
