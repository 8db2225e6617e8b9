"""Our loader in a process of its own, so that its memory can be watched from outside.

    python -m benchmarks.bulk_loading <dsn> <url>     then one line of JSON per load on standard input: resource, run, expected

Prints "ready" when it is connected, and a line of JSON for every load: seconds, rows, bytes of write-ahead log.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from shopify_kit.database import Connection, Database
from shopify_kit.transport import AddressBook, RequestsTransport
from shopify_mirror.loading import Expected, Loader

AS_OF = datetime(2030, 1, 1, tzinfo=UTC)


async def read_wal(conn: Connection) -> int:
    return int(await conn.fetchval("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


def main(dsn: str, base_url: str) -> None:
    parts = urlsplit(base_url)
    transport = RequestsTransport(AddressBook(f"{parts.scheme}://{parts.netloc}"))
    database = Database(dsn)
    loader = Loader(database)
    database.run(read_wal)
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)

        def source(start: int, url: str = f"{base_url}/{order['file']}") -> Iterator[bytes]:
            with transport.download(url, start=start) as download:
                yield from download

        gc.collect()
        wal, began = database.run(read_wal), time.perf_counter()
        loaded = loader.load(
            order["shop_id"],
            order["resource"],
            source,
            run=order["run"],
            as_of=AS_OF,
            expected=Expected(**order["expected"]),
            watermark=AS_OF,
        )
        seconds = time.perf_counter() - began
        facts = {
            "seconds": seconds,
            "rows": sum(loaded.rows.values()),
            "added": sum(loaded.added.values()),
            "changed": sum(loaded.changed.values()),
            "orphans": sum(loaded.orphans.values()),
            "wal_bytes": database.run(read_wal) - wal,
        }
        print(json.dumps(facts), flush=True)
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
