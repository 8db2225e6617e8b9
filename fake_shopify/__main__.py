"""`python -m fake_shopify`: serve a fake store until stopped; prints one JSON line when it is ready."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType

from fake_shopify.build import Options, builder, ready_line
from fake_shopify.clock import parse_iso
from fake_shopify.engine import executable
from fake_shopify.schema import LATEST
from fake_shopify.seeding.books import Unreadable
from fake_shopify.server import FakeShopify, serve
from fake_shopify.world import World

MOST = 10_000_000


def _mapping(text: str) -> tuple[str, str]:
    origin, _, target = text.partition("=")
    if not origin.startswith("https://") or not target.startswith("http"):
        raise argparse.ArgumentTypeError("expected https://public.host=http://127.0.0.1:8000")
    return origin.rstrip("/"), target.rstrip("/")


def _instant(text: str) -> datetime:
    try:
        return parse_iso(text)
    except ValueError:
        raise argparse.ArgumentTypeError("expected a day such as 2026-11-01, or an ISO instant") from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {MOST:,}")
    return int(text)


def _positive(text: str) -> int:
    if _count(text) == 0:
        raise argparse.ArgumentTypeError("expected at least 1")
    return _count(text)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fake_shopify", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=4000, help="port to listen on; 0 takes a free one (default 4000)")
    parser.add_argument("--orders", type=_count, default=200, help="orders in each demo shop (default 200, up to ten million)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same shops, ids and tokens (default 1)")
    parser.add_argument("--shops", type=_positive, default=1, help="how many demo shops (default 1)")
    parser.add_argument(
        "--until",
        type=_instant,
        metavar="DAY",
        help="day (or ISO instant, UTC) before which everything in the demo shops happened; the last order lies in the hour before "
        "it. The same seed, sizes and day give the same data for ever (default: today, so that recent orders are recent)",
    )
    parser.add_argument(
        "--empty", action="store_true", help="one shop in CAD, untaxed, two locations, no data; token shpat_test works"
    )
    parser.add_argument(
        "--parquet",
        type=Path,
        metavar="FOLDER",
        help="fill the first shop with a real year from FOLDER/retail_year1_*.parquet instead: GBP, London (needs pyarrow)",
    )
    parser.add_argument(
        "--deliver",
        type=_mapping,
        action="append",
        default=[],
        metavar="HTTPS=HTTP",
        help="send deliveries for this https origin to that address; may be repeated",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; the arguments are the command line's unless given."""
    chosen = _arguments(arguments)
    options = Options(
        chosen.seed, chosen.orders, chosen.shops, chosen.empty, chosen.parquet, chosen.until, deliver=dict(chosen.deliver)
    )
    try:
        build = builder(options)
    except Unreadable as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 2
    executable(LATEST)
    world = World(build)
    try:
        server = serve(FakeShopify(world), chosen.host, chosen.port)
    except OSError as taken:
        sys.stderr.write(f"cannot listen on {chosen.host}:{chosen.port}: {taken.strerror}; choose another --port\n")
        return 1

    def stop(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    base_url = f"http://{chosen.host}:{server.server_port}"
    sys.stdout.write(json.dumps(ready_line(world, base_url)) + "\n")
    sys.stdout.flush()
    server.serve_forever()
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
