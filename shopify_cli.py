"""The command-line face: `flask shopify …`, for whoever runs the backend.

A command reads its options, calls one feature and prints. It sees every shop; there is no user here.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from functools import partial, wraps
from typing import Any, Protocol

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from shopify_custom_apps import Installations
from shopify_kit.database import Database
from shopify_kit.embedded_worker import EmbeddedWorker
from shopify_kit.errors import IntegrationError
from shopify_kit.identifiers import parse_shop_domain
from shopify_kit.migrations import Schema, pending
from shopify_kit.migrations import migrate as apply_migrations
from shopify_kit.topics import topic_of
from shopify_kit.vault import Vault
from shopify_kit.worker import Worker
from shopify_webhooks import STATUSES, Filter, Webhooks


class HealthReport(Protocol):
    """How everything is."""

    @property
    def status(self) -> str:
        """`healthy`, `degraded` or `unhealthy`."""
        ...

    @property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """Name → facts, among them `status`."""
        ...

    @property
    def alerts(self) -> Any:
        """What somebody has to look into, by name."""
        ...


class Integration(Protocol):
    """What the commands need of an app's integration."""

    @property
    def database(self) -> Database: ...

    @property
    def schema(self) -> Schema: ...

    @property
    def vault(self) -> Vault: ...

    @property
    def installations(self) -> Installations: ...

    @property
    def webhooks(self) -> Webhooks: ...

    @property
    def worker(self) -> EmbeddedWorker: ...

    def make_worker(self, **options: Any) -> Worker: ...

    def look_at_health(self) -> HealthReport: ...


def make_group() -> AppGroup:
    """Make the group of commands for one app."""
    group = AppGroup("shopify", help="The Shopify integration: migrations, worker, webhooks, tokens.")
    for command in (migrate, worker, webhooks, tokens, doctor, fake_store):
        group.add_command(command)
    return group


def integration() -> Integration:
    """Return this app's integration, with the embedded worker off: a command does its own work and nothing else."""
    found: Integration = current_app.extensions["shopify"]
    found.worker.stop()
    return found


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Run a command in the app's context; an error of ours becomes one line and exit status 1."""

    @with_appcontext
    @wraps(function)
    def run(*args: Any, **options: Any) -> None:
        try:
            function(*args, **options)
        except IntegrationError as error:
            raise click.ClickException(error.message) from None

    made: Callable[..., None] = run
    return made


def _shop(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else parse_shop_domain(value)
    except IntegrationError as error:
        raise click.BadParameter(error.message) from None


def _instant(_context: click.Context, _option: click.Parameter, value: str | None, *, of_day: time) -> datetime | None:
    """Read a date, which means `of_day` on it, or an instant; UTC unless it says otherwise."""
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        text = "expected an ISO 8601 date or instant, such as 2026-11-01 or 2026-11-01T12:00:00Z"
        raise click.BadParameter(text) from None
    if len(value) == 10:
        instant = datetime.combine(instant, of_day)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant


# Database


@click.command()
@click.option("--check", is_flag=True, help="Only list what is pending; exit status 1 when something is.")
@command
def migrate(check: bool) -> None:
    """Bring the tables in schema `shopify` up to date."""
    database = integration().database
    waiting = pending(database)
    if check:
        for migration in waiting:
            click.echo(f"pending  {migration}")
        click.echo(f"{len(waiting)} pending.")
        raise SystemExit(1 if waiting else 0)
    for migration in apply_migrations(database):
        click.echo(f"applied  {migration}")
    click.echo("The schema is up to date.")


# Worker


@click.command()
@click.option("--hands", default=4, show_default=True, type=click.IntRange(1, 64), help="Jobs done at the same time.")
@click.option("--deadline", "deadline_s", default=60.0, show_default=True, type=click.FloatRange(1), help="Seconds for one job.")
@click.option("--once", is_flag=True, help="Do what waits now, then end.")
@command
def worker(hands: int, deadline_s: float, once: bool) -> None:
    """Do the work that waits, until Ctrl-C or SIGTERM.

    Any number of these may run, on any machines.
    """
    found = integration()
    found.schema.ensure()
    made = found.make_worker(hands=hands, deadline_s=deadline_s)
    if once:
        click.echo(f"{made.run_until_idle()} jobs done.")
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: made.stop(timeout_s=0))
    made.start()
    click.echo(f"Working with {hands} hands as {made.name}; Ctrl-C ends it.")
    while not made.ended.wait(1.0):
        pass
    click.echo("Ended; what was begun is done, what was not goes to other workers.")


# Webhooks


@click.group()
def webhooks() -> None:
    """Deliveries: list, show, replay, dead, toml."""


def _choosing(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--until", callback=partial(_instant, of_day=time.max), help="Received until then: a date or an instant (UTC)."
        ),
        click.option(
            "--since", callback=partial(_instant, of_day=time.min), help="Received since then: a date or an instant (UTC)."
        ),
        click.option("--status", type=click.Choice(STATUSES), help="What became of it."),
        click.option("--topic", help="Such as orders/create."),
        click.option("--shop", callback=_shop, help="One shop's; all shops unless given."),
    ):
        function = option(function)
    return function


def _filter(
    topic: str | None, status: str | None, since: datetime | None, until: datetime | None, ids: tuple[int, ...] | None = None
) -> Filter:
    written = None if topic is None else topic_of(topic) or topic
    return Filter(written, status, since, until, ids or None)


@webhooks.command("list")
@_choosing
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@command
def list_deliveries(limit: int, shop: str | None, **chosen: Any) -> None:
    """List deliveries, newest first."""
    found = integration()
    rows = found.webhooks.history.list(
        found.installations.all_shop_ids(shop) + ([] if shop else [0]), _filter(**chosen), after=None, limit=limit
    )
    _print_deliveries(rows)


def _print_deliveries(rows: list[dict[str, Any]]) -> None:
    click.echo(f"{'id':>10}  {'received':20}  {'status':11}  {'tries':>5}  {'topic':28}  shop")
    for row in rows:
        line = f"{row['id']:>10}  {row['received_at'][:19]:20}  {row['status']:11}  {row['attempts']:>5}  {row['topic']:28}"
        why = row["last_error"] or row["reason"]
        click.echo(f"{line}  {row['shop_domain'] or '-'}" + (f"  ({why})" if why else ""))
    click.echo(f"{len(rows)} deliveries.")


@webhooks.command("show")
@click.argument("delivery_id", type=click.IntRange(1))
@command
def show_delivery(delivery_id: int) -> None:
    """Show one delivery with its payload, customers' data masked."""
    found = integration()
    event = found.webhooks.history.find([0, *found.installations.all_shop_ids()], delivery_id)
    click.echo(json.dumps(event, indent=2, ensure_ascii=False))


@webhooks.command("replay")
@click.argument("ids", nargs=-1, type=click.IntRange(1))
@_choosing
@click.option("--dry-run", is_flag=True, help="Only count.")
@command
def replay_deliveries(ids: tuple[int, ...], dry_run: bool, shop: str | None, **chosen: Any) -> None:
    """Have deliveries handled again: by id, or all that the options choose. May be repeated after a stop."""
    if not ids and shop is None and not any(chosen.values()):
        raise click.UsageError("Say which: ids, --shop, --topic, --status, --since or --until.")
    found = integration()
    shop_ids, wanted = found.installations.all_shop_ids(shop), _filter(**chosen, ids=ids)
    matched = replayed = 0
    after: int | None = 0
    while after is not None:
        done = found.webhooks.replay(shop_ids, wanted, after=after, dry_run=dry_run)
        matched, replayed, after = matched + done.matched, replayed + done.replayed, done.next_after
        if after is not None:
            click.echo(f"… {matched} so far", err=True)
    what = "would be handled again" if dry_run else "will be handled again"
    click.echo(f"{matched} found, {replayed} {what}.")


@webhooks.command("dead")
@click.option("--shop", callback=_shop, help="One shop's; all shops unless given.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@command
def list_dead(shop: str | None, limit: int) -> None:
    """List deliveries that were given up; `replay` has them handled again. They are kept for 90 days."""
    found = integration()
    shop_ids = found.installations.all_shop_ids(shop) + ([] if shop else [0])
    _print_deliveries(found.webhooks.history.list(shop_ids, Filter(status="dead"), after=None, limit=limit))


@webhooks.command("toml")
@click.option("--address", help="Where deliveries go; SHOPIFY_WEBHOOK_URL unless given.")
@command
def print_toml(address: str | None) -> None:
    """Print the [webhooks] section of shopify.app.toml."""
    webhooks = integration().webhooks
    click.echo(webhooks.toml(webhooks.addresses.check(address)), nl=False)


# Tokens


@click.group()
def tokens() -> None:
    """Access tokens: how they are, never what they are."""


@tokens.command("list")
@command
def list_tokens() -> None:
    """List the tokens of all users."""
    rows = integration().installations.token_states()
    for row in rows:
        ends = row["expires_at"].isoformat() if row["expires_at"] else "never"
        click.echo(f"{row['shop_domain']:40}  {row['kind']:18}  {row['state']:24}  ends {ends}")
    click.echo(f"{len(rows)} tokens.")


@tokens.command("reseal")
@command
def reseal_tokens() -> None:
    """Seal every token with the newest key of SHOPIFY_TOKEN_KEYS. May be stopped and repeated."""
    vault = integration().vault
    click.echo(f"{vault.reseal()} tokens sealed anew.")
    for key, count in vault.count_by_key().items():
        click.echo(f"{count:>8} sealed with key {key}")


# The rest


@click.command()
@command
def doctor() -> None:
    """Look at all it stands on; exit status 1 if amiss."""
    health = integration().look_at_health()
    for name, facts in health.services.items():
        rest = ", ".join(f"{key} {value}" for key, value in facts.items() if key != "status" and value not in (None, [], {}))
        click.echo(f"{name:14} {facts['status']:14} {rest}".rstrip())
    why = f" ({', '.join(health.alerts)})" if health.alerts else ""
    click.echo(f"All in all: {health.status}{why}.")
    raise SystemExit(0 if health.status == "healthy" else 1)


@click.command("fake-store", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def fake_store(arguments: tuple[str, ...]) -> None:
    """Run the fake store (options: fake-store --help)."""
    from fake_shopify.__main__ import main  # noqa: PLC0415 - half a second of schema that no other command needs

    main(list(arguments))
