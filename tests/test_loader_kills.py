"""Whoever dies in the middle, process or server: the load goes on, and what comes of it is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bulk_lines import order_family
from shopify_kit.database import Database
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.errors import DatabaseUnavailable, UpstreamFailed
from shopify_kit.migrations import migrate
from shopify_mirror.loading import Loader
from tests.loader_program import CHUNK_BYTES
from tests.mirror_bench import AS_OF, Bench, expected_of, made, source_of
from tests.processes import ChildProcess

pytest_plugins = ("tests.mirror_fixtures",)

POINTS = [
    "after open_load 1",
    "copying 1",
    "after stage 1",
    "copying 4",
    "before read_progress 1",
    "after begin_merge 1",
    "before take_step 2",
    "after take_step 2",
    "before end 1",
    "after end 1",
]
# A chunk ends with the piece of the stream in which it gets large enough.
RUNNING_CHUNK = CHUNK_BYTES + 64 * 1024


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a result of a few chunks."""
    file = tmp_path_factory.mktemp("results") / "orders.jsonl"
    file.write_bytes(made(order_family, 80))
    return file


def load_again(bench: Bench, data: bytes) -> Any:
    loader = Loader(bench.database, chunk_bytes=CHUNK_BYTES)
    return bench.load(data, loader=loader, run="one", as_of=AS_OF, watermark=AS_OF)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.replace(" ", "_"))
def test_a_load_that_is_killed_goes_on(bench: Bench, database_url: str, result: Path, point: str) -> None:
    data = result.read_bytes()
    with ChildProcess(["-m", "tests.loader_program", database_url, str(result), point]) as process:
        assert process.wait() == -9, process.stderr
    staged = bench.value("select coalesce(max(end_bytes), 0) from shopify.staged_chunks")
    is_done = bench.value("select count(*) from shopify.watermarks") == 1

    loaded = load_again(bench, data)

    assert is_done == (point == "after end 1")
    assert is_done or loaded.resumed_from == staged
    found = bench.fingerprint()
    assert bench.count("raw_objects") == data.count(b"\n")
    bench.wipe()
    bench.load(data)
    assert bench.fingerprint() == found


def test_only_the_running_chunk_is_read_again(bench: Bench, result: Path) -> None:
    data = result.read_bytes()
    loader = Loader(bench.database, chunk_bytes=CHUNK_BYTES, beside_from_bytes=1)
    facts: dict[str, Any] = {"loader": loader, "run": "one", "as_of": AS_OF}

    def breaking(start: int) -> Iterator[bytes]:
        yield from source_of(data, cut_at=len(data) * 3 // 4)(start)
        raise UpstreamFailed("The connection broke.")

    with pytest.raises(UpstreamFailed):
        bench.load(data, source=breaking, **facts)

    loaded = bench.load(data, **facts)

    assert 0 <= len(data) * 3 // 4 - loaded.resumed_from <= RUNNING_CHUNK


class Watched(Database):
    """A database bridge that tells of the units it runs."""

    after: Callable[[str], None] = staticmethod(lambda _: None)

    def run(self, verb: Any, /, *args: Any, **options: Any) -> Any:
        result = super().run(verb, *args, **options)
        self.after(verb.__name__)
        return result


@pytest.mark.parametrize("moment", ["stage", "begin_merge", "take_step", "retire_staged"])
def test_after_a_crash_of_the_server_a_load_begins_anew(result: Path, moment: str) -> None:
    """Staging is unlogged and empty then; what it knew of itself is gone with it, and nobody takes that for the end."""
    data = result.read_bytes()
    with EmbeddedPostgres(durable=False) as server:
        database, crashes = Watched(server.dsn()), list[str]()
        migrate(database)
        bench = Bench(database)

        def crash(verb: str) -> None:
            if verb == moment and not crashes:
                crashes.append(verb)
                server.restart_immediate()

        database.after = crash
        facts: dict[str, Any] = {"run": "one", "as_of": AS_OF, "is_complete": True}
        with pytest.raises((DatabaseUnavailable, UpstreamFailed)):
            bench.load(data, loader=Loader(database, chunk_bytes=CHUNK_BYTES), **facts)
        assert bench.value("select count(*) from shopify.loads where state = 'done'") == 0

        loaded = bench.load(data, loader=Loader(database, chunk_bytes=CHUNK_BYTES), **facts)

        assert (loaded.resumed_from, loaded.retired) == (0, {})
        assert bench.count("raw_objects") == data.count(b"\n")
        found = bench.fingerprint()
        bench.wipe()
        bench.load(data, expected=expected_of(data))
        assert bench.fingerprint() == found
        database.close()
