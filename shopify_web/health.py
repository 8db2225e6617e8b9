"""How the integration is: the database, the worker, Shopify as it last answered, the object store."""

from __future__ import annotations

from typing import Any

from shopify_kit.clock import iso
from shopify_web.parts import Parts


def look_at_health(parts: Parts, *, detailed: bool) -> dict[str, Any]:
    """Ask each service; `status` is unhealthy without the database, degraded where something else is wrong."""
    database = parts.database.ping()
    observed = parts.client.observed
    services: dict[str, Any] = {
        "database": {"status": "up" if database.is_up else "down"},
        "worker": {"status": parts.settings.worker},
        "shopify": {
            "status": "fell_forward" if observed.fell_forward else "ok",
            "api_version": observed.answered or observed.asked,
        },
        "object_store": {"status": "s3" if parts.settings.spaces_bucket else "local"},
    }
    if detailed:
        services["database"] |= {
            "source": database.source,
            "connections": database.connections,
            "max_connections": database.max_connections,
            "trouble": database.trouble,
        }
        services["shopify"] |= {"asked_version": observed.asked, "deprecations": observed.deprecations}
    status = "unhealthy" if not database.is_up else "degraded" if observed.fell_forward or observed.deprecations else "healthy"
    return {
        "status": status,
        "checked_at": iso(parts.clock.now()),
        "services": services,
        "api_version": parts.settings.api_version,
        "features": list(parts.features),
    }


def token_health(parts: Parts, user_id: str) -> list[dict[str, Any]]:
    """Tell how a user's tokens are: kind, state, scopes, and when they end."""
    rows = parts.installations.token_states(user_id)
    return [{**row, "expires_at": iso(row["expires_at"]) if row["expires_at"] else None} for row in rows]
