"""The reference host: a small real backend that registers the integration, as an existing one would.

Like many Flask backends it makes its asyncpg pool at import with `asyncio.run`, so that the pool's loop is closed by the time
requests come; the integration copes. `python main_api_app.py` serves on 127.0.0.1:$PORT (8000), with a PostgreSQL of its own where
DATABASE_URL names none; a WSGI server takes `main_api_app:create_app()`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.serving import run_simple

from shopify_integration_register import get_shopify_service_info, register_shopify_integration
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.errors import SettingsError

HERE = Path(__file__).resolve().parent
STATE_DIR = HERE / ".state"


def read_env_file(path: Path = HERE / ".env") -> None:
    """Read `NAME=value` lines into the environment; what is set there already wins."""
    if not path.exists():
        return
    for line in path.read_text("utf-8").splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("\"'"))


async def init_database(dsn: str) -> Any:
    """Make the backend's pool; it connects on first use, so that a database that is away keeps nobody from starting."""
    return await asyncpg.create_pool(dsn, min_size=0, max_size=10)


def create_app() -> Flask:
    """Build the backend: its own routes, its service registry, and the Shopify integration."""
    read_env_file()
    os.environ.setdefault("SHOPIFY_ENV", "development")
    os.environ.setdefault("SHOPIFY_TRUST_LOOPBACK", "1")
    os.environ.setdefault("SHOPIFY_TOKEN_KEY_FILE", str(STATE_DIR / "shopify_token_key"))
    app = Flask(__name__)
    dsn = os.environ.get("DATABASE_URL")
    db_pool = asyncio.run(init_database(dsn)) if dsn else None

    services: list[dict[str, Any]] = []
    shopify_registered = register_shopify_integration(app, db_pool)
    services.append(
        {"name": "shopify", "info": get_shopify_service_info(), "status": "active" if shopify_registered else "inactive"}
    )

    @app.get("/api/services")
    def list_services() -> ResponseReturnValue:
        return jsonify(services)

    @app.get("/api/health")
    def health() -> ResponseReturnValue:
        return jsonify({"status": "healthy"})

    return app


def read_port() -> int:
    """Return the port to serve on."""
    text = os.environ.get("PORT", "8000")
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingsError(f"PORT is {text!r}: set it to a number from 1 to 65535.")
    return int(text)


def main() -> None:
    """Serve until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    read_env_file()
    with ExitStack() as running:
        try:
            port = read_port()
            if not (os.environ.get("SHOPIFY_DATABASE_URL") or os.environ.get("DATABASE_URL")):
                os.environ["DATABASE_URL"] = running.enter_context(EmbeddedPostgres(data_dir=STATE_DIR / "postgres")).dsn()
        except SettingsError as reason:
            sys.exit(reason.message)
        app = create_app()
        run_simple("127.0.0.1", port, app, threaded=True)


if __name__ == "__main__":
    main()
