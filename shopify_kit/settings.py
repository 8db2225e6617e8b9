"""Settings: what the host may set, read once at registration from `app.config` and the environment.

`app.config` wins over the environment; of two names for one setting, the first one that is present counts. A wrong value is refused
with its name, the value's shape and what is expected, never with the value of a secret.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from cronsim import CronSim, CronSimError

from shopify_kit.clock import SystemClock
from shopify_kit.errors import InvalidInput, SettingsError
from shopify_kit.identifiers import parse_shop_domain
from shopify_kit.secret import Secret
from shopify_kit.versions import DEFAULT_API_VERSION

DEFAULT_SCOPES = (
    "read_products,write_products,read_orders,write_orders,read_customers,write_customers,read_inventory,write_inventory,"
    "read_locations,read_fulfillments,write_fulfillments,read_merchant_managed_fulfillment_orders,"
    "write_merchant_managed_fulfillment_orders,read_discounts"
)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
KEY_BYTES = 32

SCHEDULES = {
    "PRODUCTS": "*/30 * * * *",
    "ORDERS": "*/15 * * * *",
    "INVENTORY": "*/10 * * * *",
    "POLL": "0 0 * * *",
    "RECONCILE": "0 2 * * *",
    "TOKEN_HEALTH": "0 * * * *",
}
"""Job → cron text, UTC. Each can be set as `SHOPIFY_SCHEDULE_<JOB>`."""


def _shape(value: Any) -> str:
    kind = {str: "text", int: "number", bool: "yes/no", bytes: "bytes"}.get(type(value), type(value).__name__)
    return f"{kind} of {len(value)} characters" if isinstance(value, str | bytes) else kind


def _wrong(name: str, value: Any, expected: str) -> SettingsError:
    return SettingsError(f"{name} is {_shape(value)}; expected {expected}. Set it in the environment or in app.config.")


Reader = Callable[[str, Any], Any]


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(name, value, "a text that is not empty")
    return value.strip()


def _secret(name: str, value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(_text(name, value))


def _items(name: str, value: Any) -> list[str]:
    items = value.split(",") if isinstance(value, str) else [value] if isinstance(value, Secret) else value
    if not isinstance(items, list | tuple) or not all(isinstance(i, str | Secret) for i in items):
        raise _wrong(name, value, "values separated by commas")
    return [i.reveal() if isinstance(i, Secret) else i.strip() for i in items]


def _secrets(name: str, value: Any) -> tuple[Secret, ...]:
    items = _items(name, value)
    if not items or not all(items):
        raise _wrong(name, value, "one or more secrets separated by commas, none of them empty")
    return tuple(Secret(item) for item in items)


def _scopes(name: str, value: Any) -> tuple[str, ...]:
    items = tuple(dict.fromkeys(item for item in _items(name, value) if item))
    if not all(re.fullmatch(r"[a-z_]{3,100}", item) for item in items):
        raise _wrong(name, value, "access scopes separated by commas, such as read_products,write_products")
    return items


def _keys(name: str, value: Any) -> tuple[Secret, ...]:
    items = _secrets(name, value)
    if not all(decode_key(item) for item in items):
        raise _wrong(name, value, f"base64 or hex of {KEY_BYTES} random bytes each (make one: openssl rand -base64 32)")
    return items


def decode_key(key: Secret) -> bytes | None:
    """Return the bytes of a sealing key written as hex or base64, or None when it is neither or not 32 bytes long."""
    text = key.reveal()
    try:
        if len(text) == 2 * KEY_BYTES:
            raw = bytes.fromhex(text)
        else:
            padded = text + "=" * (-len(text) % 4)
            raw = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (ValueError, binascii.Error):
        return None
    return raw if len(raw) == KEY_BYTES else None


def _boolean(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False, "": False}
    if str(value).strip().lower() not in known:
        raise _wrong(name, value, "1 or 0")
    return known[str(value).strip().lower()]


def _between(low: int, high: int, unit: str) -> Reader:
    def read(name: str, value: Any) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise _wrong(name, value, f"a whole number of {unit} from {low} to {high}")
        return int(text)

    return read


def _one_of(*choices: str) -> Reader:
    def read(name: str, value: Any) -> str:
        if str(value).strip().lower() not in choices:
            raise _wrong(name, value, f"one of {', '.join(choices)}")
        return str(value).strip().lower()

    return read


def _version(name: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"20\d\d-(01|04|07|10)|unstable", value.strip()):
        raise _wrong(name, value, f"an Admin API version such as {DEFAULT_API_VERSION}")
    return value.strip()


def _shop(name: str, value: Any) -> str:
    try:
        return parse_shop_domain(_text(name, value))
    except InvalidInput:
        raise _wrong(name, value, "a shop domain such as acme.myshopify.com") from None


def _split(text: str) -> SplitResult | None:
    """Take an address apart; None for what no two readers would take apart in the same way."""
    try:
        parts = urlsplit(text)
        is_sound = parts.port != 0 and "@" not in parts.netloc and re.fullmatch(r"[!-\[\]-~]+", text)
    except ValueError:
        return None
    return parts if is_sound and parts.hostname else None


def _https_url(name: str, value: Any) -> str:
    text = _text(name, value)
    parts = _split(text)
    is_local = parts is not None and parts.scheme == "http" and parts.hostname in LOOPBACK
    if parts is None or "#" in text or not (parts.scheme == "https" or is_local):
        raise _wrong(name, value, "an https address without user or fragment (http only for a loopback address)")
    return text


def _loopback_origin(name: str, value: Any) -> str:
    text = _text(name, value).rstrip("/")
    parts = _split(text)
    is_origin = parts is not None and parts.scheme in ("http", "https") and text == f"{parts.scheme}://{parts.netloc}"
    if parts is None or not is_origin or parts.hostname not in LOOPBACK:
        raise _wrong(name, value, "a loopback origin such as http://127.0.0.1:4000")
    return text


def _dsn(name: str, value: Any) -> Secret:
    text = value if isinstance(value, Secret) else Secret(_text(name, value))
    if not _names_postgres(text):
        raise _wrong(name, value, "a Postgres address such as postgresql://user:password@host/database")
    return text


def _hosts_dsn(name: str, value: Any) -> Secret | None:
    """Read an address that is the host's own: one of another kind of database is none of our business."""
    text = value if isinstance(value, Secret) else Secret(_text(name, value))
    return text if _names_postgres(text) else None


def _names_postgres(dsn: Secret) -> bool:
    """Say whether an address is Postgres's; the scheme may name a driver (`postgresql+asyncpg`)."""
    scheme, separator, _ = dsn.reveal().partition("://")
    return bool(separator) and scheme.partition("+")[0] in ("postgres", "postgresql")


def _cron(name: str, value: Any) -> str:
    text = _text(name, value)
    try:
        CronSim(text, SystemClock().now())
        is_cron = len(text.split()) == 5
    except CronSimError:
        is_cron = False
    if not is_cron:
        raise _wrong(name, value, "a cron text of five fields, such as */15 * * * *")
    return text


def _level(name: str, value: Any) -> str:
    """Read a log level; hosts share this setting and write it in several ways."""
    known = {"warn": "warning", "fatal": "critical"}
    level = _one_of("trace", "debug", "info", "warning", "error", "critical", *known)(name, value)
    return str(known.get(level, level)).upper()


def _setting(reader: Reader, *names: str, default: Any = None) -> Any:
    return field(default=default, metadata={"reader": reader, "names": names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, read and checked. A field's name is the keyword of `register_shopify_integration`."""

    client_id: str | None = _setting(_text, "SHOPIFY_APP_CLIENT_ID", "SHOPIFY_API_KEY")
    client_secrets: tuple[Secret, ...] = _setting(_secrets, "SHOPIFY_APP_CLIENT_SECRET", "SHOPIFY_API_SECRET", default=())
    scopes: tuple[str, ...] = _setting(_scopes, "SHOPIFY_APP_SCOPES", default=tuple(DEFAULT_SCOPES.split(",")))
    redirect_uri: str | None = _setting(_https_url, "SHOPIFY_REDIRECT_URI", "OAUTH_CALLBACK_URL")
    webhook_url: str | None = _setting(_https_url, "SHOPIFY_WEBHOOK_URL", "SHOPIFY_WEBHOOK_ADDRESS", "WEBHOOK_ADDRESS")
    webhook_destinations: tuple[str, ...] = _setting(
        lambda n, v: tuple(filter(None, _items(n, v))), "SHOPIFY_WEBHOOK_DESTINATIONS", default=()
    )
    webhook_secrets: tuple[Secret, ...] = _setting(_secrets, "SHOPIFY_WEBHOOK_SECRET", default=())
    access_token: Secret | None = _setting(_secret, "SHOPIFY_ACCESS_TOKEN")
    shop_domain: str | None = _setting(_shop, "SHOPIFY_SHOP_DOMAIN")
    default_user: str = _setting(_text, "SHOPIFY_DEFAULT_USER", default="default")
    api_version: str = _setting(_version, "SHOPIFY_API_VERSION", default=DEFAULT_API_VERSION)
    token_keys: tuple[Secret, ...] = _setting(_keys, "SHOPIFY_TOKEN_KEYS", default=())
    token_key_file: Path | None = _setting(lambda n, v: Path(_text(n, str(v))), "SHOPIFY_TOKEN_KEY_FILE")
    database_url: Secret | None = _setting(_dsn, "SHOPIFY_DATABASE_URL")
    host_database_url: Secret | None = _setting(_hosts_dsn, "DATABASE_URL")
    spaces_region: str | None = _setting(_text, "SPACES_REGION")
    spaces_endpoint: str | None = _setting(_https_url, "SPACES_ENDPOINT")
    spaces_key: Secret | None = _setting(_secret, "SPACES_KEY")
    spaces_secret: Secret | None = _setting(_secret, "SPACES_SECRET")
    spaces_bucket: str | None = _setting(_text, "SPACES_BUCKET")
    sync_interval_minutes: int | None = _setting(_between(1, 1440, "minutes"), "SYNC_INTERVAL_MINUTES")
    sync_batch_size: int = _setting(_between(1, 250, "objects"), "SYNC_BATCH_SIZE", default=100)
    analytics_cache_ttl_s: int = _setting(_between(0, 86400, "seconds"), "SHOPIFY_ANALYTICS_CACHE_TTL", default=300)
    analytics_forecast_days: int = _setting(_between(1, 365, "days"), "SHOPIFY_ANALYTICS_FORECAST_DAYS", default=30)
    service_keys: tuple[Secret, ...] = _setting(_secrets, "SHOPIFY_SERVICE_KEYS", default=())
    trust_loopback: bool = _setting(_boolean, "SHOPIFY_TRUST_LOOPBACK", default=False)
    server_threads: int = _setting(_between(1, 1000, "threads"), "SHOPIFY_SERVER_THREADS", default=8)
    worker: str = _setting(_one_of("embedded", "off"), "SHOPIFY_WORKER", default="embedded")
    redis_url: Secret | None = _setting(_secret, "SHOPIFY_REDIS_URL")
    cache_ttl_s: int = _setting(_between(0, 86400, "seconds"), "SHOPIFY_CACHE_TTL", default=300)
    allow_mutations: bool = _setting(_boolean, "SHOPIFY_ALLOW_MUTATIONS", default=False)
    env: str = _setting(_one_of("development", "production", "staging", "test"), "SHOPIFY_ENV", default="production")
    log_level: str = _setting(_level, "LOG_LEVEL", default="INFO")
    sql_echo: bool = _setting(_boolean, "SQL_ECHO", default=False)
    admin_origin: str | None = _setting(_loopback_origin, "SHOPIFY_ADMIN_ORIGIN")
    rate_limit_per_minute: int = _setting(_between(1, 1_000_000, "requests"), "SHOPIFY_RATE_LIMIT_PER_MINUTE", default=600)
    development: bool = False
    schedules: Mapping[str, str] = field(default_factory=lambda: dict(SCHEDULES))
    shop_tokens: Mapping[str, Secret] = field(default_factory=dict)

    @property
    def has_app(self) -> bool:
        """Whether the host configured an app of its own (client id and secret)."""
        return self.client_id is not None and bool(self.client_secrets)

    @property
    def verification_secrets(self) -> tuple[Secret, ...]:
        """Every secret that a delivery may be signed with, newest first."""
        return tuple(dict.fromkeys((*self.webhook_secrets, *self.client_secrets)))


KEYWORDS = frozenset(f.name for f in fields(Settings) if f.metadata)


class App(Protocol):
    """What is read of the host's Flask app."""

    config: Any
    debug: bool
    testing: bool


def load_app_settings(app: App, **options: Any) -> Settings:
    """Read the settings of a Flask app: its config, its debug and testing modes, and the environment; as `load_settings`."""
    return load_settings(app.config, development=app.debug or app.testing, **options)


def names_trusted_hosts(app: App) -> bool:
    """Say whether the host has Flask refuse requests by their Host header, which is Flask's business and no setting of ours."""
    return app.config.get("TRUSTED_HOSTS") is not None


def load_settings(
    config: Mapping[str, Any], environ: Mapping[str, str] | None = None, *, development: bool = False, **options: Any
) -> Settings:
    """Read and check every setting.

    Args:
        config: the host's `app.config`.
        environ: the environment (`os.environ` unless given).
        development: the host runs with `app.debug` or `app.testing`; `SHOPIFY_ENV=development` means the same.
        options: keywords of the register; they win over both.

    Raises:
        SettingsError: names the setting, the shape of its value and what is expected.
    """
    env = os.environ if environ is None else environ
    if unknown := set(options) - KEYWORDS:
        raise SettingsError(f"unknown option {', '.join(sorted(unknown))}; known: {', '.join(sorted(KEYWORDS))}")
    found: dict[str, Any] = {}
    for spec in fields(Settings):
        if not spec.metadata:
            continue
        name, value = _lookup(spec.name, spec.metadata["names"], options, config, env)
        if value is not None:
            found[spec.name] = spec.metadata["reader"](name, value)
    found["development"] = development or found.get("env") == "development"
    settings = Settings(**found, schedules=_schedules(config, env), shop_tokens=_shop_tokens(config, env))
    _check_together(settings)
    return settings


def _lookup(
    keyword: str, names: tuple[str, ...], options: Mapping[str, Any], config: Mapping[str, Any], env: Mapping[str, str]
) -> tuple[str, Any]:
    """Find a value: keyword, then app.config, then the environment. An empty environment variable counts as absent,
    except for the webhook secret, whose emptiness would switch verification off."""
    if options.get(keyword) is not None:
        return keyword, options[keyword]
    for source in (config, env):
        for name in names:
            value = source.get(name)
            if value is not None and (value != "" or name == "SHOPIFY_WEBHOOK_SECRET"):
                return name, value
    return names[0], None


def _schedules(config: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, str]:
    chosen = dict(SCHEDULES)
    minutes = _lookup("", ("SYNC_INTERVAL_MINUTES",), {}, config, env)[1]
    if minutes is not None:
        count = _between(1, 1440, "minutes")("SYNC_INTERVAL_MINUTES", minutes)
        chosen |= dict.fromkeys(("PRODUCTS", "ORDERS", "INVENTORY"), _every(count))
    for job in SCHEDULES:
        name, value = _lookup("", (f"SHOPIFY_SCHEDULE_{job}",), {}, config, env)
        if value is not None:
            chosen[job] = _cron(name, value)
    return chosen


def _every(minutes: int) -> str:
    """Write an interval as cron text: whole hours from 60 minutes on."""
    if minutes < 60:
        return f"*/{minutes} * * * *"
    return f"0 */{minutes // 60} * * *" if minutes < 1440 else "0 0 * * *"


def _shop_tokens(config: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Secret]:
    """Collect `SHOPIFY_ACCESS_TOKEN_<shop with _ for .>`: `SHOPIFY_ACCESS_TOKEN_acme_myshopify_com`."""
    prefix, found = "SHOPIFY_ACCESS_TOKEN_", dict[str, Secret]()
    for source in (env, config):
        for name, value in source.items():
            if name.startswith(prefix) and value:
                found[_shop_in(name, name.removeprefix(prefix))] = _secret(name, value)
    return found


def _shop_in(name: str, suffix: str) -> str:
    """Read the shop that a setting's name ends with; variables cannot hold a hyphen, and a shop's own name no underscore."""
    label = re.sub(r"[._]myshopify[._]com$", "", suffix.lower()).replace("_", "-")
    try:
        return parse_shop_domain(label)
    except InvalidInput:
        raise SettingsError(f"{name} does not end with a shop; expected SHOPIFY_ACCESS_TOKEN_acme_myshopify_com.") from None


def _check_together(settings: Settings) -> None:
    if not settings.development and settings.admin_origin is not None:
        raise SettingsError("SHOPIFY_ADMIN_ORIGIN is for development only; unset it, or set SHOPIFY_ENV=development.")
    if not settings.development and not settings.token_keys:
        raise SettingsError(
            "SHOPIFY_TOKEN_KEYS is not set; set it to base64 of 32 random bytes (openssl rand -base64 32), newest key first."
        )
    if settings.client_id is not None and not settings.client_secrets:
        raise SettingsError("SHOPIFY_APP_CLIENT_SECRET is not set beside SHOPIFY_APP_CLIENT_ID; set both.")
    if settings.access_token is not None and settings.shop_domain is None:
        raise SettingsError("SHOPIFY_SHOP_DOMAIN is not set beside SHOPIFY_ACCESS_TOKEN; set both.")
    names = ("spaces_bucket", "spaces_key", "spaces_secret")
    given = [name for name in names if getattr(settings, name) is not None]
    if given and len(given) < len(names):
        missing = ", ".join(name.upper() for name in names if name not in given)
        raise SettingsError(f"{missing} is not set beside {', '.join(name.upper() for name in given)}; set all three.")
