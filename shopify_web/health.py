"""How the integration is: the database, the worker, Shopify as it last answered, the object store."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, to_builtins

from shopify_kit.clock import iso
from shopify_kit.errors import DatabaseUnavailable
from shopify_kit.jobs import Lanes
from shopify_web.parts import Parts

DEAD_PER_HOUR = 100
"""More jobs given up in an hour than single bad deliveries explain: somebody has to look."""


class TokenHealth(Struct, frozen=True):
    """How one of a user's tokens is, never what it is."""

    shop_domain: str
    kind: str
    state: str
    scopes: tuple[str, ...]
    expires_at: str | None
    refresh_expires_at: str | None
    updated_at: str


class Health(Struct, frozen=True):
    """How everything is; each service says its own status, and more where details were asked for by somebody known.

    `alerts` name what somebody has to look into: `dead_letter_rate`.
    """

    status: Literal["healthy", "degraded", "unhealthy"]
    checked_at: str
    services: dict[str, dict[str, Any]]
    api_version: str
    features: tuple[str, ...]
    alerts: tuple[str, ...] | UnsetType = UNSET
    tokens: tuple[TokenHealth, ...] | UnsetType = UNSET


def look_at_health(parts: Parts, *, detailed: bool, user_id: str | None = None) -> Health:
    """Ask each service; `status` is unhealthy without the database, degraded where something else is wrong.

    Args:
        detailed: also figures, and the state of the user's tokens; nothing for strangers.
    """
    database = parts.database.ping()
    observed = parts.client.observed
    services: dict[str, dict[str, Any]] = {
        "database": {"status": "up" if database.is_up else "down"},
        "worker": {"status": parts.worker.state},
        "shopify": {
            "status": "fell_forward" if observed.fell_forward else "ok",
            "api_version": observed.answered or observed.asked,
        },
        "object_store": {"status": "s3" if parts.settings.spaces_bucket else "local"},
    }
    alerts: list[str] = []
    if detailed:
        services["database"] |= {
            "source": database.source,
            "connections": database.connections,
            "max_connections": database.max_connections,
            "trouble": database.trouble,
        }
        services["shopify"] |= {"asked_version": observed.asked, "deprecations": observed.deprecations}
        services["worker"] |= _work(parts) if database.is_up else {}
        if services["worker"].get("died_last_hour", 0) >= DEAD_PER_HOUR:
            alerts.append("dead_letter_rate")
    is_degraded = bool(observed.fell_forward or observed.deprecations or alerts)
    return Health(
        status="unhealthy" if not database.is_up else "degraded" if is_degraded else "healthy",
        checked_at=iso(parts.clock.now()),
        services=services,
        api_version=parts.settings.api_version,
        features=parts.features,
        alerts=tuple(alerts) if detailed else UNSET,
        tokens=_tokens(parts, user_id) if detailed and user_id and database.is_up else UNSET,
    )


def _work(parts: Parts) -> dict[str, Any]:
    """Count what waits in the lanes."""
    try:
        parts.schema.ensure()
        waiting: dict[str, Any] = to_builtins(Lanes(parts.database, "health").waiting())
    except DatabaseUnavailable:
        return {}
    return waiting


def _tokens(parts: Parts, user_id: str) -> tuple[TokenHealth, ...] | UnsetType:
    try:
        return token_health(parts, user_id)
    except DatabaseUnavailable:
        return UNSET


def token_health(parts: Parts, user_id: str) -> tuple[TokenHealth, ...]:
    """Tell how a user's tokens are: kind, state, scopes, and when they end."""
    return tuple(
        TokenHealth(
            shop_domain=row["shop_domain"],
            kind=row["kind"],
            state=row["state"],
            scopes=tuple(row["scopes"]),
            expires_at=_iso(row["expires_at"]),
            refresh_expires_at=_iso(row["refresh_expires_at"]),
            updated_at=iso(row["updated_at"]),
        )
        for row in parts.installations.token_states(user_id)
    )


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else iso(instant)
