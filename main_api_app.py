"""The reference host: a small real backend that registers the integration, as an existing one would.

Like many Flask backends it makes its asyncpg pool at import with `asyncio.run`, so that the pool's loop is closed by the time
requests come; the integration copes. `python main_api_app.py` serves on 127.0.0.1:$PORT (8000).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import asyncpg
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.serving import run_simple

from shopify_integration_register import get_shopify_service_info, register_shopify_integration


def read_env_file(path: Path) -> None:
    """Read `NAME=value` lines into the environment; what is set there already wins."""
    if not path.exists():
        return
    for line in path.read_text("utf-8").splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("\"'"))


async def init_database(dsn: str) -> Any:
    """Make the backend's pool."""
    return await asyncpg.create_pool(dsn, min_size=1, max_size=10)


def create_app() -> Flask:
    """Build the backend: its own routes, its service registry, and the Shopify integration."""
    read_env_file(Path(__file__).with_name(".env"))
    os.environ.setdefault("SHOPIFY_ENV", "development")
    os.environ.setdefault("SHOPIFY_TRUST_LOOPBACK", "1")
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


if __name__ == "__main__":
    run_simple("127.0.0.1", int(os.environ.get("PORT", "8000")), create_app(), threaded=True)
