"""Settings: each one read, checked and refused by its name; no message shows a secret."""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from shopify_integration_register import register_shopify_integration
from shopify_kit.errors import SettingsError
from shopify_kit.secret import Secret
from shopify_kit.settings import DEFAULT_SCOPES, KEYWORDS, SCHEDULES, Settings, load_app_settings, load_settings

KEY = bytes(range(32))
OTHER_KEY = bytes(range(32, 64))
CANARY = "canary_0123456789"


def read(config: dict[str, Any] | None = None, *, environ: dict[str, str] | None = None, **options: Any) -> Settings:
    """Read settings as a development host would; `environ` is the whole environment."""
    return load_settings(config or {}, environ or {}, development=True, **options)


GOOD: list[tuple[str, Any, str, Any]] = [
    ("SHOPIFY_APP_CLIENT_ID", " abc ", "client_id", "abc"),
    ("SHOPIFY_API_KEY", "abc", "client_id", "abc"),
    ("SHOPIFY_APP_CLIENT_SECRET", "new, old", "client_secrets", (Secret("new"), Secret("old"))),
    ("SHOPIFY_API_SECRET", "one", "client_secrets", (Secret("one"),)),
    ("SHOPIFY_API_SECRET", ["one", Secret("two")], "client_secrets", (Secret("one"), Secret("two"))),
    ("SHOPIFY_API_SECRET", Secret("one"), "client_secrets", (Secret("one"),)),
    ("SHOPIFY_APP_SCOPES", "read_products, write_products,read_products,", "scopes", ("read_products", "write_products")),
    ("SHOPIFY_APP_SCOPES", ["read_orders"], "scopes", ("read_orders",)),
    ("SHOPIFY_REDIRECT_URI", "https://app.example.com/auth?x=1", "redirect_uri", "https://app.example.com/auth?x=1"),
    ("OAUTH_CALLBACK_URL", "http://127.0.0.1:8000/cb", "redirect_uri", "http://127.0.0.1:8000/cb"),
    ("SHOPIFY_WEBHOOK_URL", "https://app.example.com", "webhook_url", "https://app.example.com"),
    ("SHOPIFY_WEBHOOK_ADDRESS", "https://app.example.com:8443/w", "webhook_url", "https://app.example.com:8443/w"),
    ("WEBHOOK_ADDRESS", "http://localhost/w", "webhook_url", "http://localhost/w"),
    ("SHOPIFY_WEBHOOK_DESTINATIONS", "pubsub://project:topic, ", "webhook_destinations", ("pubsub://project:topic",)),
    ("SHOPIFY_WEBHOOK_SECRET", "new,old", "webhook_secrets", (Secret("new"), Secret("old"))),
    ("SHOPIFY_DEFAULT_USER", "u-1", "default_user", "u-1"),
    ("SHOPIFY_API_VERSION", "2026-07", "api_version", "2026-07"),
    ("SHOPIFY_API_VERSION", "unstable", "api_version", "unstable"),
    ("SHOPIFY_TOKEN_KEYS", f"{KEY.hex()},{base64.b64encode(OTHER_KEY).decode()}", "token_keys", 2),
    ("SHOPIFY_TOKEN_KEY_FILE", "/run/key", "token_key_file", Path("/run/key")),
    ("SHOPIFY_TOKEN_KEY_FILE", Path("/run/key"), "token_key_file", Path("/run/key")),
    ("SHOPIFY_DATABASE_URL", "postgres://u:p@h/d", "database_url", Secret("postgres://u:p@h/d")),
    ("SHOPIFY_DATABASE_URL", "postgresql+asyncpg://u:p[@h/d", "database_url", Secret("postgresql+asyncpg://u:p[@h/d")),
    ("DATABASE_URL", "postgresql://u:p@h/d", "host_database_url", Secret("postgresql://u:p@h/d")),
    ("DATABASE_URL", "mysql://u:p@h/d", "host_database_url", None),
    ("SPACES_REGION", "nyc3", "spaces_region", "nyc3"),
    ("SPACES_ENDPOINT", "https://nyc3.example.com", "spaces_endpoint", "https://nyc3.example.com"),
    ("SYNC_INTERVAL_MINUTES", "15", "sync_interval_minutes", 15),
    ("SYNC_INTERVAL_MINUTES", 1440, "sync_interval_minutes", 1440),
    ("SYNC_BATCH_SIZE", "250", "sync_batch_size", 250),
    ("SHOPIFY_ANALYTICS_CACHE_TTL", "0", "analytics_cache_ttl_s", 0),
    ("SHOPIFY_ANALYTICS_FORECAST_DAYS", "365", "analytics_forecast_days", 365),
    ("SHOPIFY_SERVICE_KEYS", "k1,k2", "service_keys", (Secret("k1"), Secret("k2"))),
    ("SHOPIFY_TRUST_LOOPBACK", "1", "trust_loopback", True),
    ("SHOPIFY_TRUST_LOOPBACK", "No", "trust_loopback", False),
    ("SHOPIFY_TRUST_LOOPBACK", True, "trust_loopback", True),
    ("SHOPIFY_WORKER", "OFF", "worker", "off"),
    ("SHOPIFY_REDIS_URL", "redis://:p@h", "redis_url", Secret("redis://:p@h")),
    ("SHOPIFY_CACHE_TTL", "60", "cache_ttl_s", 60),
    ("SHOPIFY_ALLOW_MUTATIONS", "true", "allow_mutations", True),
    ("SHOPIFY_ENV", "Staging", "env", "staging"),
    ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
    ("LOG_LEVEL", "WARN", "log_level", "WARNING"),
    ("SQL_ECHO", "on", "sql_echo", True),
    ("SHOPIFY_ADMIN_ORIGIN", "http://127.0.0.1:4000/", "admin_origin", "http://127.0.0.1:4000"),
    ("SHOPIFY_ADMIN_ORIGIN", "https://localhost:4000", "admin_origin", "https://localhost:4000"),
    ("SHOPIFY_ADMIN_ORIGIN", "http://[::1]:4000", "admin_origin", "http://[::1]:4000"),
    ("SHOPIFY_RATE_LIMIT_PER_MINUTE", "1000000", "rate_limit_per_minute", 1_000_000),
]
NEEDS: dict[str, dict[str, str]] = {"client_id": {"SHOPIFY_APP_CLIENT_SECRET": "s"}}
"""Settings that are refused alone, with what they need beside them."""


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    GOOD,
    ids=[f"{name}={type(value).__name__} {at}" for at, (name, value, _, _) in enumerate(GOOD)],
)
def test_setting_is_read(name: str, value: Any, field: str, expected: Any) -> None:
    settings = read({name: value, **NEEDS.get(field, {})})

    found = getattr(settings, field)
    assert (len(found) if field == "token_keys" else found) == expected


@pytest.mark.parametrize("name", sorted({name for name, *_ in GOOD}))
def test_setting_may_stand_in_the_environment(name: str) -> None:
    value, field, expected = next((v, f, e) for n, v, f, e in GOOD if n == name and isinstance(v, str))

    found = getattr(read(environ={name: value, **NEEDS.get(field, {})}), field)

    assert (len(found) if field == "token_keys" else found) == expected


BAD: dict[str, list[Any]] = {
    "SHOPIFY_APP_CLIENT_ID": [" ", 5],
    "SHOPIFY_APP_CLIENT_SECRET": [f"{CANARY},", f",{CANARY}", f"{CANARY},,x", 5, []],
    "SHOPIFY_APP_SCOPES": ["read products", "READ_PRODUCTS", "read_products;write_products", 5, [5]],
    "SHOPIFY_REDIRECT_URI": [
        "http://app.example.com",
        "app.example.com",
        "https://",
        f"https://user:{CANARY}@app.example.com",
        "https://@app.example.com",
        "https://app.example.com#x",
        "https://app.example.com:99999",
        "https://app.example.com:x",
        "https://[bad",
        "https://app.example.com/\nx",
        "https://app.example.com/a b",
        "https://app.example.com\\@evil.com",
        "https://äpp.example.com",
        "javascript:alert(1)",
        "ftp://app.example.com",
        5,
    ],
    "SHOPIFY_WEBHOOK_URL": ["http://app.example.com", "pubsub://project:topic", " "],
    "SHOPIFY_WEBHOOK_DESTINATIONS": [5],
    "SHOPIFY_WEBHOOK_SECRET": ["", " ", f"{CANARY},", [], 0],
    "SHOPIFY_ACCESS_TOKEN": [" ", 5],
    "SHOPIFY_SHOP_DOMAIN": ["evil.com", "acme.myshopify.com.evil.com", 5, "acme.myshopify.com/admin", "xn--acme"],
    "SHOPIFY_DEFAULT_USER": [" ", 5],
    "SHOPIFY_API_VERSION": ["2026-11", "26-10", "latest", "2026-10 x", 202610],
    "SHOPIFY_TOKEN_KEYS": [
        CANARY,
        KEY.hex()[:-2],
        f"{KEY.hex()},",
        f"{KEY.hex()},{CANARY}",
        base64.b64encode(KEY[:31]).decode(),
        5,
    ],
    "SHOPIFY_TOKEN_KEY_FILE": [" "],
    "SHOPIFY_DATABASE_URL": [f"mysql://u:{CANARY}@h/d", CANARY, "sqlite:///x", 5, "postgresql:u", "://h"],
    "SPACES_ENDPOINT": ["http://nyc3.example.com", "nyc3"],
    "SYNC_INTERVAL_MINUTES": ["0", "1441", "-5", "1.5", "abc", "٣", "1_0", True, object(), "9" * 5000],
    "SYNC_BATCH_SIZE": ["0", "251"],
    "SHOPIFY_ANALYTICS_CACHE_TTL": ["-1", "86401"],
    "SHOPIFY_ANALYTICS_FORECAST_DAYS": ["0", "366"],
    "SHOPIFY_SERVICE_KEYS": [f"{CANARY},", ","],
    "SHOPIFY_TRUST_LOOPBACK": ["maybe", "2", 2],
    "SHOPIFY_WORKER": ["on", "thread"],
    "SHOPIFY_CACHE_TTL": ["-1", "x"],
    "SHOPIFY_ALLOW_MUTATIONS": ["perhaps"],
    "SHOPIFY_ENV": ["prod"],
    "LOG_LEVEL": ["loud", 10],
    "SQL_ECHO": ["please"],
    "SHOPIFY_ADMIN_ORIGIN": [
        "http://evil.com",
        "http://127.0.0.1:4000/path",
        "http://127.0.0.1:4000?x",
        "http://127.0.0.1:4000#x",
        f"http://u:{CANARY}@127.0.0.1:4000",
        "http://127.0.0.1:4000@evil.com",
        "http://127.0.0.1:x",
        "http://10.0.0.1:4000",
        "http://0.0.0.0:4000",
        "ftp://127.0.0.1",
        "127.0.0.1:4000",
    ],
    "SHOPIFY_RATE_LIMIT_PER_MINUTE": ["0", "1000001"],
    "SHOPIFY_SCHEDULE_PRODUCTS": ["often", "* * * *", "* * * * * *", "61 * * * *", "@daily", "0 0 31 2 *", " ", 5],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param(name, value, id=f"{name} {at}") for name, values in BAD.items() for at, value in enumerate(values)],
)
def test_wrong_value_is_refused_by_name_and_shape(name: str, value: Any) -> None:
    companions = {"SHOPIFY_ACCESS_TOKEN": {"SHOPIFY_SHOP_DOMAIN": "acme"}}.get(name, {})

    with pytest.raises(SettingsError) as caught:
        read({name: value, **companions})

    text = str(caught.value)
    assert text.startswith(f"{name} is ")
    assert "expected" in text
    assert CANARY not in text
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("x" * 7, "text of 7 characters"),
        (500, "number"),
        (True, "yes/no"),
        (b"abc", "bytes of 3 characters"),
        ({}, "dict"),
        (1.5, "float"),
    ],
    ids=["text", "number", "boolean", "bytes", "dict", "float"],
)
def test_message_tells_the_shape_of_a_value(value: Any, shape: str) -> None:
    with pytest.raises(SettingsError, match=f"SYNC_BATCH_SIZE is {shape}; expected a whole number of objects from 1 to 250"):
        read({"SYNC_BATCH_SIZE": value})


SECRET_SETTINGS = sorted(
    {names[0] for spec in fields(Settings) if spec.metadata and "Secret" in str(spec.type) for names in [spec.metadata["names"]]}
)


@pytest.mark.parametrize("name", SECRET_SETTINGS)
def test_settings_show_no_secret(name: str) -> None:
    value = {
        "SHOPIFY_TOKEN_KEYS": KEY.hex(),
        "SHOPIFY_DATABASE_URL": f"postgresql://u:{CANARY}@h/d",
        "DATABASE_URL": f"postgres://{CANARY}",
    }
    companions = {
        "SHOPIFY_ACCESS_TOKEN": {"SHOPIFY_SHOP_DOMAIN": "acme"},
        "SPACES_KEY": {"SPACES_SECRET": "x", "SPACES_BUCKET": "x"},
        "SPACES_SECRET": {"SPACES_KEY": "x", "SPACES_BUCKET": "x"},
    }

    settings = read({name: value.get(name, CANARY), **companions.get(name, {})})

    assert "Secret(…)" in repr(settings)
    assert CANARY not in repr(settings)
    assert KEY.hex() not in repr(settings)


def test_defaults_are_those_of_the_contract() -> None:
    settings = read()

    assert settings.api_version == "2026-10"
    assert settings.scopes == tuple(DEFAULT_SCOPES.split(","))
    assert (settings.cache_ttl_s, settings.analytics_forecast_days, settings.worker) == (300, 30, "embedded")
    assert (settings.allow_mutations, settings.trust_loopback, settings.has_app) == (False, False, False)
    assert settings.schedules == SCHEDULES
    assert settings.default_user == "default"


# Where a value is looked for


def test_app_config_wins_over_the_environment() -> None:
    settings = read({"SHOPIFY_CACHE_TTL": 1}, environ={"SHOPIFY_CACHE_TTL": "2", "SYNC_BATCH_SIZE": "3"})

    assert (settings.cache_ttl_s, settings.sync_batch_size) == (1, 3)


def test_other_name_in_app_config_wins_over_the_environment() -> None:
    settings = read(
        {"WEBHOOK_ADDRESS": "https://config.example.com"}, environ={"SHOPIFY_WEBHOOK_URL": "https://environment.example.com"}
    )

    assert settings.webhook_url == "https://config.example.com"


def test_first_name_wins_over_its_aliases_in_one_place() -> None:
    names = ("SHOPIFY_WEBHOOK_URL", "SHOPIFY_WEBHOOK_ADDRESS", "WEBHOOK_ADDRESS")
    addresses = {name: f"https://{at}.example.com" for at, name in enumerate(names)}

    assert read(addresses).webhook_url == "https://0.example.com"


def test_keyword_wins_over_everything() -> None:
    assert read({"SHOPIFY_CACHE_TTL": 1}, environ={"SHOPIFY_CACHE_TTL": "2"}, cache_ttl_s=3).cache_ttl_s == 3


def test_wrong_keyword_is_refused_by_its_own_name() -> None:
    with pytest.raises(SettingsError, match=r"^cache_ttl_s is number; expected a whole number of seconds"):
        read(cache_ttl_s=-3)


def test_unknown_keyword_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"unknown option scope; known: .*scopes") as caught:
        read(scope=CANARY)

    assert CANARY not in str(caught.value)
    assert {"scopes", "api_version", "allow_mutations"} <= KEYWORDS


def test_empty_value_counts_as_absent() -> None:
    empty = {spec.metadata["names"][0]: "" for spec in fields(Settings) if spec.metadata and spec.name != "webhook_secrets"}

    assert read(empty, environ=empty) == read()


@pytest.mark.parametrize("source", ["config", "environment"])
def test_empty_webhook_secret_is_an_error_and_never_switches_verification_off(source: str) -> None:
    empty = {"SHOPIFY_WEBHOOK_SECRET": ""}

    with pytest.raises(SettingsError, match="SHOPIFY_WEBHOOK_SECRET is text of 0 characters; expected one or more secrets"):
        read(empty) if source == "config" else read(environ=empty)


def test_empty_webhook_secret_in_app_config_is_not_healed_by_the_environment() -> None:
    with pytest.raises(SettingsError, match="SHOPIFY_WEBHOOK_SECRET"):
        read({"SHOPIFY_WEBHOOK_SECRET": ""}, environ={"SHOPIFY_WEBHOOK_SECRET": "s"})


def test_deliveries_are_verified_with_every_secret_newest_first() -> None:
    settings = read({"SHOPIFY_WEBHOOK_SECRET": "a,b", "SHOPIFY_APP_CLIENT_ID": "id", "SHOPIFY_APP_CLIENT_SECRET": "b,c"})

    assert settings.verification_secrets == (Secret("a"), Secret("b"), Secret("c"))


def test_environment_is_the_processes_own_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPIFY_CACHE_TTL", "77")

    assert load_settings({}, development=True).cache_ttl_s == 77


# Development and production


@pytest.mark.parametrize(
    ("debug", "testing", "env", "is_development"),
    [
        pytest.param(True, False, None, True, id="debug"),
        pytest.param(False, True, None, True, id="testing"),
        pytest.param(False, False, "development", True, id="SHOPIFY_ENV=development"),
        pytest.param(False, False, None, False, id="nothing said"),
        pytest.param(False, False, "staging", False, id="staging"),
        pytest.param(True, False, "production", True, id="debug in production"),
    ],
)
def test_development_is_what_the_contract_says(
    debug: bool, testing: bool, env: str | None, is_development: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOPIFY_ENV", raising=False)
    app = Flask("host")
    app.debug, app.testing = debug, testing
    app.config["SHOPIFY_TOKEN_KEYS"] = KEY.hex()
    if env is not None:
        app.config["SHOPIFY_ENV"] = env

    assert load_app_settings(app).development is is_development


def test_production_needs_sealing_keys() -> None:
    with pytest.raises(SettingsError, match="SHOPIFY_TOKEN_KEYS is not set; set it to base64 of 32 random bytes"):
        load_settings({}, {})


def test_production_refuses_a_stand_in_for_shopify() -> None:
    with pytest.raises(SettingsError, match="SHOPIFY_ADMIN_ORIGIN is for development only"):
        load_settings({"SHOPIFY_TOKEN_KEYS": KEY.hex(), "SHOPIFY_ADMIN_ORIGIN": "http://127.0.0.1:4000"}, {})


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        pytest.param({"SHOPIFY_APP_CLIENT_ID": "x"}, "SHOPIFY_APP_CLIENT_SECRET is not set beside", id="id without secret"),
        pytest.param({"SHOPIFY_ACCESS_TOKEN": CANARY}, "SHOPIFY_SHOP_DOMAIN is not set beside", id="token without shop"),
        pytest.param({"SPACES_KEY": CANARY}, "SPACES_BUCKET, SPACES_SECRET is not set beside SPACES_KEY", id="key without bucket"),
        pytest.param({"SPACES_BUCKET": "b", "SPACES_KEY": CANARY}, "SPACES_SECRET is not set beside", id="bucket without secret"),
    ],
)
def test_half_of_what_belongs_together_is_refused(given: dict[str, str], missing: str) -> None:
    with pytest.raises(SettingsError, match=missing) as caught:
        read(given)

    assert CANARY not in str(caught.value)


def test_register_says_which_setting_is_wrong_and_leaves_the_host_alone() -> None:
    app = Flask("host")
    app.config.update(TESTING=True, SHOPIFY_CACHE_TTL="never")

    assert register_shopify_integration(app, "postgresql://nobody@127.0.0.1:1/nothing") is False
    assert "shopify" not in app.extensions
    with pytest.raises(SettingsError, match="SHOPIFY_CACHE_TTL is text of 5 characters"):
        register_shopify_integration(app, "postgresql://nobody@127.0.0.1:1/nothing", strict=True)


# Further shops


@pytest.mark.parametrize(
    ("suffix", "shop"),
    [
        pytest.param("acme_myshopify_com", "acme.myshopify.com", id="as documented"),
        pytest.param("ACME_MYSHOPIFY_COM", "acme.myshopify.com", id="upper case"),
        pytest.param("acme-two_myshopify_com", "acme-two.myshopify.com", id="hyphen"),
        pytest.param("acme_two_myshopify_com", "acme-two.myshopify.com", id="hyphen that a variable cannot hold"),
        pytest.param("acme.myshopify.com", "acme.myshopify.com", id="dots"),
        pytest.param("acme", "acme.myshopify.com", id="name alone"),
    ],
)
def test_token_of_a_further_shop_is_found_by_its_name(suffix: str, shop: str) -> None:
    settings = read(environ={f"SHOPIFY_ACCESS_TOKEN_{suffix}": "shpat_1", "SHOPIFY_ACCESS_TOKEN_EMPTY": ""})

    assert settings.shop_tokens == {shop: Secret("shpat_1")}


def test_token_of_a_further_shop_in_app_config_wins() -> None:
    settings = read({"SHOPIFY_ACCESS_TOKEN_acme": "config"}, environ={"SHOPIFY_ACCESS_TOKEN_acme_myshopify_com": "environment"})

    assert settings.shop_tokens == {"acme.myshopify.com": Secret("config")}


def test_name_that_ends_with_no_shop_is_refused() -> None:
    with pytest.raises(SettingsError, match="SHOPIFY_ACCESS_TOKEN_a!b does not end with a shop") as caught:
        read({"SHOPIFY_ACCESS_TOKEN_a!b": CANARY})

    assert CANARY not in str(caught.value)


# Schedules


def test_schedule_of_one_job_can_be_set() -> None:
    settings = read({"SHOPIFY_SCHEDULE_ORDERS": "5 4 * * MON"})

    assert settings.schedules == SCHEDULES | {"ORDERS": "5 4 * * MON"}


@pytest.mark.parametrize(
    ("minutes", "cron"),
    [
        (1, "*/1 * * * *"),
        (20, "*/20 * * * *"),
        (59, "*/59 * * * *"),
        (60, "0 */1 * * *"),
        (120, "0 */2 * * *"),
        (1440, "0 0 * * *"),
    ],
)
def test_interval_replaces_the_three_sync_schedules(minutes: int, cron: str) -> None:
    settings = read({"SYNC_INTERVAL_MINUTES": minutes})

    changed = {job: text for job, text in settings.schedules.items() if text != SCHEDULES[job]}
    assert {job: settings.schedules[job] for job in ("PRODUCTS", "ORDERS", "INVENTORY")} == dict.fromkeys(
        ("PRODUCTS", "ORDERS", "INVENTORY"), cron
    )
    assert set(changed) <= {"PRODUCTS", "ORDERS", "INVENTORY"}


def test_schedule_of_a_job_beats_the_interval() -> None:
    settings = read({"SYNC_INTERVAL_MINUTES": 20}, environ={"SHOPIFY_SCHEDULE_ORDERS": "0 3 * * *"})

    assert (settings.schedules["ORDERS"], settings.schedules["PRODUCTS"]) == ("0 3 * * *", "*/20 * * * *")


@given(
    st.sampled_from(sorted(BAD)),
    st.one_of(st.text(max_size=80), st.integers(), st.booleans(), st.binary(max_size=10), st.lists(st.text())),
)
def test_any_value_is_read_or_refused_and_nothing_worse(name: str, value: Any) -> None:
    with suppress(SettingsError):
        read({name: value})
