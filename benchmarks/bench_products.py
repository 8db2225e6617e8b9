"""How many GET /products a second one worker process of a host serves, and what of that is ours.

Three hosts on the same server (gunicorn, one process of 8 threads) answer 8 clients in turns: a bare Flask view that returns the
finished JSON and asks nobody (Flask's own ceiling), a view as people write it (`requests.post` to Shopify, `jsonify`), and ours
(who calls, fields, vault, budget, client, shapes). Shopify is once the fake store, whose own work bounds everybody, and once a
server that repeats one recorded answer of the fake at once, so that what is left is the host's own work.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median

from benchmarks.results import machine_facts, markdown_table, write_section
from benchmarks.shops import Store, shop_with_products
from shopify_kit.documents import Documents
from shopify_kit.embedded_postgres import EmbeddedPostgres, find_free_port
from shopify_kit.runtime import map_in_threads
from tests.processes import ChildProcess, wait_until

PRODUCTS = 10
CLIENTS = 8
ROUNDS = 5
WINDOW_S = 2.0
HERE = Path(__file__).resolve().parents[1]
PATH = "/api/shopify/products?limit=10"

HOSTS = """
import json, os
import requests
from flask import Flask, Response, jsonify

facts = json.loads(os.environ["BENCH_FACTS"])

def bare():
    app = Flask("bare")
    finished = facts["finished"].encode()

    @app.get("/api/shopify/products")
    def products():
        return Response(finished, content_type="application/json")

    return app

def naive():
    app = Flask("naive")
    session = requests.Session()
    session.trust_env = False

    @app.get("/api/shopify/products")
    def products():
        answer = session.post(
            facts["origin"] + "/admin/api/2026-10/graphql.json",
            json={"query": facts["query"], "variables": {"first": 10, "sortKey": "ID", "reverse": False}},
            headers={"X-Shopify-Access-Token": facts["token"], "Host": facts["shop"]},
            timeout=30,
        )
        return jsonify(ok=True, products=answer.json()["data"]["products"]["nodes"])

    return app

def ours():
    from shopify_integration_register import register_shopify_integration

    app = Flask("ours", instance_path=facts["folder"])
    app.config.update(SHOPIFY_ENV="development", SHOPIFY_ADMIN_ORIGIN=facts["origin"], SHOPIFY_WORKER="off")
    app.config.update(SHOPIFY_RATE_LIMIT_PER_MINUTE=1_000_000)
    assert register_shopify_integration(app, facts["dsn"], strict=True)
    return app
"""
RECORDED = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

answers = json.loads(os.environ["BENCH_ANSWERS"])

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = answers[asked.get("operationName") or "ListProducts"].encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Shopify-API-Version", "2026-10")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One host with one Shopify behind it."""

    host: str
    behind: str
    port: int
    pid: int


def main() -> None:
    """Measure and update RESULTS.md."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(durable=False) as server, ExitStack() as stack:
        Path(folder, "bench_hosts.py").write_text(HOSTS)
        store = stack.enter_context(shop_with_products(PRODUCTS))
        recorded = stack.enter_context(recorded_shopify(store))
        ways = [
            way
            for behind, origin in (("the fake store", store.origin), ("a recorded answer", recorded))
            for way in (
                stack.enter_context(run_host("naive", behind, facts_of(store, origin, server.dsn(), folder), folder)),
                stack.enter_context(run_host("ours", behind, facts_of(store, origin, server.dsn(), folder), folder)),
            )
        ]
        connect(ways[1].port, store)
        finished = get(http.client.HTTPConnection("127.0.0.1", ways[1].port)).decode()
        facts = facts_of(store, store.origin, "", folder) | {"finished": finished}
        ways.insert(0, stack.enter_context(run_host("bare", "nobody", facts, folder)))
        report(measure(ways))


def facts_of(store: Store, origin: str, dsn: str, folder: str) -> dict[str, str]:
    """Collect what a host is told."""
    query = Documents()["ListProducts"].text
    shop = store.shop
    return {"origin": origin, "dsn": dsn, "folder": folder, "query": query, "token": shop.access_token, "shop": shop.shop_domain}


@contextmanager
def recorded_shopify(store: Store) -> Iterator[str]:
    """Serve the fake's answers to the two documents that are asked, again and again."""
    documents = Documents()
    asked = {"ListProducts": {"first": PRODUCTS, "sortKey": "ID", "reverse": False}, "GetShop": {}}
    answers = {name: json.dumps(store.ask(documents[name].text, variables)) for name, variables in asked.items()}
    port = find_free_port()
    env = {**os.environ, "BENCH_ANSWERS": json.dumps(answers)}
    with ChildProcess([sys.executable, "-c", RECORDED, str(port)], env=env):
        wait_for(port)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def run_host(name: str, behind: str, facts: Mapping[str, str], folder: str) -> Iterator[Way]:
    """Run one host on gunicorn."""
    port = find_free_port()
    env = {**os.environ, "PYTHONPATH": f"{HERE}:{folder}", "BENCH_FACTS": json.dumps(dict(facts)), "LOGURU_LEVEL": "ERROR"}
    command = ["-m", "gunicorn", "--workers", "1", "--threads", str(CLIENTS), "--keep-alive", "60", "--log-level", "error"]
    with ChildProcess([*command, "--bind", f"127.0.0.1:{port}", f"bench_hosts:{name}()"], env=env, cwd=Path(folder)) as child:
        wait_for(port)
        yield Way(name, behind, port, child.pid)


def wait_for(port: int) -> None:
    """Wait until something answers."""

    def look() -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("HEAD", "/")
            connection.getresponse().read()
        except OSError:
            return False
        return True

    wait_until(look, timeout_s=30, what="the server")


def connect(port: int, store: Store) -> None:
    """Connect the shop, once for all hosts that share the database."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = json.dumps({"shop_domain": store.shop.shop_domain, "access_token": store.shop.access_token})
    connection.request("POST", "/api/shopify/connect", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()


def get(connection: http.client.HTTPConnection) -> bytes:
    """Ask once."""
    connection.request("GET", PATH)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body[:300]
    return body


def measure(ways: list[Way]) -> dict[Way, list[tuple[float, float, float]]]:
    """Load every host in turns; per round: requests/s, p50 ms, p99 ms."""
    found: dict[Way, list[tuple[float, float, float]]] = {way: [] for way in ways}
    for number in range(ROUNDS + 1):
        for way in ways:
            taken = load(way)
            if number:  # the first round imports and connects
                found[way].append(taken)
    return found


def load(way: Way) -> tuple[float, float, float]:
    """Ask from several clients at once for a while."""
    until_s = time.monotonic() + WINDOW_S

    def client(_: int) -> list[float]:
        connection, took = http.client.HTTPConnection("127.0.0.1", way.port), list[float]()
        while (began_s := time.monotonic()) < until_s:
            get(connection)
            took.append(time.monotonic() - began_s)
        connection.close()
        return took

    took = sorted(s for part in map_in_threads(client, range(CLIENTS), max_threads=CLIENTS) for s in part)
    return len(took) / WINDOW_S, took[len(took) // 2] * 1000, took[int(len(took) * 0.99)] * 1000


def report(found: Mapping[Way, list[tuple[float, float, float]]]) -> None:
    """Write the table."""
    middle = {way: tuple(median(column) for column in zip(*rounds, strict=True)) for way, rounds in found.items()}
    bare = next(figures[0] for way, figures in middle.items() if way.host == "bare")
    naive = {way.behind: figures[0] for way, figures in middle.items() if way.host == "naive"}
    rows = []
    for way, (rate, p50, p99) in middle.items():
        beside = f"{rate / naive[way.behind]:.2f}" if way.behind in naive else ""
        rows.append([way.host, way.behind, f"{rate:.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{rate / bare:.3f}", beside])
    heads = ["host", "Shopify", "requests/s", "p50 ms", "p99 ms", "ratio to bare", "ratio to naive"]
    facts = machine_facts(
        flask=metadata.version("flask"), gunicorn=metadata.version("gunicorn"), requests=metadata.version("requests")
    )
    note = (
        f"{PRODUCTS} products a page, {CLIENTS} clients, one worker process; medians of {ROUNDS} rounds of {WINDOW_S:g} s. "
        "`bare` asks nobody; `naive` passes Shopify's nodes on, without caller, fields, vault, budget and shapes."
    )
    write_section("bench_products", "GET /products", f"{facts}\n\n{markdown_table(heads, rows)}\n\n{note}")


if __name__ == "__main__":
    main()
