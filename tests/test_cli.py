"""`flask shopify …`: each command does what it says, in processes as an operator starts them; mistakes are said in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click import Context, Group
from click.testing import Result
from flask import Flask

from shopify_cli import make_group
from shopify_integration_register import register_shopify_integration
from shopify_kit.topics import DEFAULT_TOPICS
from tests.databases import fresh_database
from tests.fake_store import FakeStore
from tests.processes import PROJECT_ROOT, ChildProcess, wait_until
from tests.web_host import STANDARD, USERS, Host, empty_inbox, run_connected_host, run_host, run_sql

pytest_plugins = ("tests.web_fixtures",)

KEY, NEXT_KEY = "1" * 64, "2" * 64
NOBODY_LISTENS = "postgresql://user:password@127.0.0.1:1/none"
HOST = """
import os
import time

from flask import Flask

from shopify_integration_register import register_shopify_integration

app = Flask(__name__, instance_path=os.path.dirname(__file__))
register_shopify_integration(app)


if "shopify" in app.extensions:

    @app.extensions["shopify"].webhooks.on("orders/*")
    def handle(event):
        note(f"begun {event.payload['id']}")
        time.sleep(event.payload.get("takes_s", 0))
        note(f"done {event.payload['id']}")


def note(line):
    with open(os.environ["NOTES"], "a") as file:
        file.write(line + "\\n")
"""


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at a terminal in front of a backend, and the same backend in this process for what comes over HTTP."""

    host: Host
    folder: Path

    def env(self, **changes: str) -> dict[str, str]:
        """Return the environment of the backend."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOPIFY_")}
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join([str(self.folder), str(PROJECT_ROOT)]),
            "FLASK_APP": "host",
            "NOTES": str(self.folder / "notes"),
            "SHOPIFY_DATABASE_URL": self.host.dsn,
            "SHOPIFY_ENV": "development",
            "SHOPIFY_ADMIN_ORIGIN": self.host.store.base_url,
            "SHOPIFY_TOKEN_KEYS": KEY,
            **{name: str(value) for name, value in STANDARD.items()},
            **changes,
        }

    def run(self, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run `flask shopify …` to its end."""
        command = [sys.executable, "-m", "flask", "shopify", *words]
        return subprocess.run(
            command, env=self.env(**changes), cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )

    def call(self, *words: str) -> Result:
        """Run a command in this process."""
        return self.host.app.test_cli_runner().invoke(args=["shopify", *words])

    @property
    def notes(self) -> list[str]:
        """What the handler has noted."""
        file = self.folder / "notes"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture(scope="module")
def terminal(
    postgres: str, migrated_template: str, web_store: FakeStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("terminal")
    (folder / "host.py").write_text(HOST)
    with (
        fresh_database(postgres, template=migrated_template) as (_, dsn),
        run_connected_host(dsn, web_store, folder, SHOPIFY_TOKEN_KEYS=KEY) as host,
    ):
        host.integration.webhooks.on("orders/create")(lambda _event: None)
        yield Operator(host, folder)


@pytest.fixture
def operator(terminal: Operator) -> Operator:
    """At a terminal; nothing has been delivered yet."""
    empty_inbox(terminal.host.dsn)
    (terminal.folder / "notes").unlink(missing_ok=True)
    return terminal


def deliver_some(host: Host) -> None:
    """Have deliveries end well, die, and stand in quarantine, at two shops."""
    host.deliver("orders/create", {"id": 1, "email": "ada@example.com"})
    host.deliver("orders/create", {"id": 2}, "bob")
    host.deliver("orders/create", b"[]")
    host.deliver("orders/create", {"id": 3, "myshopify_domain": "other.myshopify.com"})
    host.work()


# Help


def groups(group: Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, Group):
            yield from groups(command, (*path, name))


COMMANDS = [pytest.param(command, id=" ".join(path)) for path, command in groups(make_group())]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_reads_well(command: Any) -> None:
    short = command.get_short_help_str(limit=60)

    assert short.endswith("."), "cut off in the list of commands"
    assert command.help[0].isupper()
    for option in command.params:
        is_explained = getattr(option, "help", None) or option.param_type_name == "argument" or option.name == "limit"
        assert is_explained, option.name


def test_group_lists_what_there_is(operator: Operator) -> None:
    done = operator.run("--help")

    assert done.returncode == 0
    assert [name for name in ("migrate", "worker", "webhooks", "tokens", "doctor", "fake-store") if name not in done.stdout] == []
    assert "..." not in done.stdout.replace("[ARGS]...", "")


def test_every_command_is_known_to_click_by_one_name() -> None:
    group = make_group()

    assert group.list_commands(Context(group)) == sorted(group.commands)


# migrate


def test_migrate_brings_the_tables_up_to_date(empty_database_url: str, tmp_path: Path) -> None:
    app = Flask("backend", instance_path=str(tmp_path))
    app.config.update(TESTING=True, SHOPIFY_WORKER="off")
    assert register_shopify_integration(app, empty_database_url, strict=True)
    run_sql(empty_database_url, "drop schema shopify cascade")
    run = app.test_cli_runner()

    before = run.invoke(args=["shopify", "migrate", "--check"])
    done = run.invoke(args=["shopify", "migrate"])
    after = run.invoke(args=["shopify", "migrate", "--check"])

    assert before.exit_code == 1
    assert before.output.startswith("pending  0001")
    assert done.output.startswith("applied  0001")
    assert done.output.endswith("The schema is up to date.\n")
    assert (after.exit_code, after.output) == (0, "0 pending.\n")
    app.extensions["shopify"].close()


def test_migrations_are_checked_from_the_shell(operator: Operator) -> None:
    done = operator.run("migrate", "--check")

    assert (done.returncode, done.stdout) == (0, "0 pending.\n")


# worker


def test_worker_does_once_what_waits(operator: Operator) -> None:
    for number in range(3):
        operator.host.deliver("orders/create", {"id": number})

    done = operator.run("worker", "--once")

    assert (done.returncode, done.stdout) == (0, "3 jobs done.\n")
    assert sorted(operator.notes) == sorted(f"{word} {number}" for word in ("begun", "done") for number in range(3))
    assert [event["status"] for event in operator.host.events()] == ["processed"] * 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["sigterm", "sigint"])
def test_worker_ends_when_told_to_and_finishes_what_it_began(operator: Operator, number: signal.Signals) -> None:
    command = ["-m", "flask", "shopify", "worker", "--hands", "1"]
    with ChildProcess(command, env=operator.env(), cwd=operator.folder) as process:
        process.wait_for_line(lambda line: line.startswith("Working with 1 hands"))
        operator.host.deliver("orders/create", {"id": 1, "takes_s": 1.5})
        operator.host.deliver("orders/create", {"id": 2})
        wait_until(lambda: "begun 1" in operator.notes, what="the handler's turn")

        began = time.monotonic()
        process.send(number)
        code = process.wait(timeout_s=15)

        assert time.monotonic() - began < 10
        assert (code, process.stdout.splitlines()[-1]) == (0, "Ended; what was begun is done, what was not goes to other workers.")
    assert operator.notes == ["begun 1", "done 1"]
    assert run_sql(operator.host.dsn, "select 1 from shopify.leases") == []
    assert {event["status"] for event in operator.host.events()} == {"processed", "pending"}
    assert operator.call("worker", "--once").output == "1 jobs done.\n"


def test_two_workers_share_the_work(operator: Operator) -> None:
    command = ["-m", "flask", "shopify", "worker"]
    with (
        ChildProcess(command, env=operator.env(), cwd=operator.folder) as one,
        ChildProcess(command, env=operator.env(), cwd=operator.folder) as other,
    ):
        for process in (one, other):
            process.wait_for_line(lambda line: line.startswith("Working with 4 hands"))
        for number in range(20):
            operator.host.deliver("orders/create", {"id": number, "takes_s": 0.02})

        wait_until(lambda: len(operator.notes) >= 40, what="all of them done")

    assert sorted(operator.notes) == sorted(f"{word} {number}" for word in ("begun", "done") for number in range(20))


def test_command_beside_it_begins_no_worker(operator: Operator) -> None:
    operator.host.deliver("orders/create", {"id": 1})

    operator.run("webhooks", "list", SHOPIFY_WORKER="embedded")

    assert operator.notes == []


# webhooks


def test_deliveries_are_listed_shown_and_replayed_from_the_shell(operator: Operator) -> None:
    deliver_some(operator.host)
    alice = operator.host.shops["alice"].shop_domain

    listed = operator.run("webhooks", "list", "--shop", alice)
    number = listed.stdout.splitlines()[-2].split()[0]
    shown = operator.call("webhooks", "show", number)
    replayed = operator.call("webhooks", "replay", number)

    assert [line.split()[2] for line in listed.stdout.splitlines()[1:-1]] == ["quarantined", "dead", "processed"]
    assert listed.stdout.splitlines()[-1] == "3 deliveries."
    event = json.loads(shown.output)
    assert (event["topic"], event["payload"]["email"]) == ("orders/create", "***")
    assert replayed.output == "1 found, 1 will be handled again.\n"
    assert operator.call("worker", "--once").output == "1 jobs done.\n"


def test_operator_sees_every_shop_and_what_is_of_none(operator: Operator) -> None:
    deliver_some(operator.host)
    operator.host.deliver("orders/create", {"id": 9}, "nobody")
    operator.host.work()

    lines = operator.call("webhooks", "list").output.splitlines()

    assert lines[-1] == "5 deliveries."
    assert {line.split()[5] for line in lines[1:-1]} == {operator.host.shops[who].shop_domain for who in ("alice", "bob", "nobody")}


@pytest.mark.parametrize(
    ("words", "count"),
    [
        pytest.param(("--status", "dead"), 1, id="status"),
        pytest.param(("--topic", "orders-create"), 4, id="topic"),
        pytest.param(("--topic", "orders/paid"), 0, id="other_topic"),
        pytest.param(("--since", "2020-01-01"), 4, id="since"),
        pytest.param(("--since", "2099-01-01T00:00:00Z"), 0, id="since_later"),
        pytest.param(("--until", "2020-01-01T00:00:00+02:00"), 0, id="until"),
        pytest.param(("--limit", "2"), 2, id="limit"),
    ],
)
def test_list_is_filtered(operator: Operator, words: tuple[str, ...], count: int) -> None:
    deliver_some(operator.host)

    assert operator.call("webhooks", "list", *words).output.splitlines()[-1] == f"{count} deliveries."


def test_day_given_as_the_end_is_a_whole_day(operator: Operator) -> None:
    deliver_some(operator.host)
    (row,) = run_sql(
        operator.host.dsn, "select to_char(max(received_at) at time zone 'UTC', 'YYYY-MM-DD') as day from shopify.inbox"
    )

    result = operator.call("webhooks", "list", "--since", row["day"], "--until", row["day"])

    assert result.output.splitlines()[-1] == "4 deliveries."


def test_dead_letters_are_listed_with_their_reason_and_replayed(operator: Operator) -> None:
    deliver_some(operator.host)

    (line,) = operator.call("webhooks", "dead").output.splitlines()[1:-1]
    counted = operator.call("webhooks", "replay", "--status", "dead", "--dry-run").output
    replayed = operator.call("webhooks", "replay", "--status", "dead").output

    assert line.endswith("(invalid_shape)")
    assert counted == "1 found, 1 would be handled again.\n"
    assert replayed == "1 found, 1 will be handled again.\n"


def test_configuration_section_is_printed(operator: Operator) -> None:
    result = operator.call("webhooks", "toml", "--address", "https://app.example.com/hooks")

    assert tomllib.loads(result.output)["webhooks"]["subscriptions"][0] == {
        "topics": list(DEFAULT_TOPICS),
        "uri": "https://app.example.com/hooks",
    }


# tokens


def test_tokens_are_listed_without_their_values(operator: Operator) -> None:
    done = operator.run("tokens", "list")

    assert done.stdout.splitlines()[-1] == f"{len(USERS)} tokens."
    for who in USERS:
        assert operator.host.shops[who].shop_domain in done.stdout
        assert operator.host.shops[who].access_token not in done.stdout + done.stderr
    assert "static" in done.stdout
    assert "active" in done.stdout


def test_tokens_are_sealed_anew_with_the_newest_key(operator: Operator, tmp_path: Path) -> None:
    said = []
    for keys in (f"{NEXT_KEY},{KEY}", f"{NEXT_KEY},{KEY}", f"{KEY},{NEXT_KEY}"):
        with run_host(operator.host.dsn, operator.host.store, tmp_path, SHOPIFY_TOKEN_KEYS=keys) as host:
            said.append(host.app.test_cli_runner().invoke(args=["shopify", "tokens", "reseal"]).output.splitlines())

    assert [lines[0] for lines in said] == [
        f"{len(USERS)} tokens sealed anew.",
        "0 tokens sealed anew.",
        f"{len(USERS)} tokens sealed anew.",
    ]
    assert [len(lines) for lines in said] == [2, 2, 2], "all of them under one key"
    assert operator.host.get("/shop").status_code == 200


# doctor


def test_doctor_finds_everything_well(operator: Operator) -> None:
    done = operator.run("doctor")

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "All in all: healthy.")
    assert {line.split()[0] for line in done.stdout.splitlines()[:-1]} == {"database", "worker", "shopify", "object_store"}


def test_doctor_says_that_too_many_deliveries_died(operator: Operator) -> None:
    run_sql(
        operator.host.dsn,
        "insert into shopify.dead_jobs (shop_id, job_id, lane, kind, attempts, reason) "
        "select 1, n, 'x', 'delivery', 1, 'invalid_json' from generate_series(1, 200) as n",
    )

    result = operator.call("doctor")

    assert (result.exit_code, result.output.splitlines()[-1]) == (1, "All in all: degraded (dead_letter_rate).")


def test_doctor_says_that_the_database_is_away(operator: Operator) -> None:
    done = operator.run("doctor", SHOPIFY_DATABASE_URL=NOBODY_LISTENS)

    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "All in all: unhealthy.")
    assert "Traceback" not in done.stderr
    assert "password" not in done.stdout + done.stderr


# fake-store


def test_fake_store_runs_from_here_too(operator: Operator) -> None:
    command = ["-m", "flask", "shopify", "fake-store", "--port", "0", "--empty"]
    with ChildProcess(command, env=operator.env(), cwd=operator.folder) as process:
        ready = json.loads(process.wait_for_line(lambda line: line.startswith("{")))

        assert ready["shops"][0]["access_token"]
        assert process.stop() == 0
    assert "--orders" in operator.call("fake-store", "--help").output


# What goes wrong


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param(("webhooks", "show", "999999"), "There is no such event.", id="no_such_event"),
        pytest.param(
            ("webhooks", "list", "--shop", "nobodys-shop"), "There is no shop nobodys-shop.myshopify.com.", id="no_such_shop"
        ),
        pytest.param(("webhooks", "list", "--shop", "evil.example"), "Invalid value for '--shop'", id="no_shop_at_all"),
        pytest.param(("webhooks", "list", "--since", "yesterday"), "expected an ISO 8601 date or instant", id="no_date"),
        pytest.param(("webhooks", "list", "--status", "lost"), "'lost' is not one of", id="no_status"),
        pytest.param(("webhooks", "replay"), "Say which", id="replay_of_everything"),
        pytest.param(
            ("webhooks", "toml", "--address", "https://evil.example/"),
            "webhook_url must be https on the origin",
            id="foreign_address",
        ),
        pytest.param(("worker", "--hands", "0"), "0 is not in the range", id="no_hands"),
    ],
)
def test_mistake_is_answered_in_one_line_that_says_what_to_do(operator: Operator, words: tuple[str, ...], reason: str) -> None:
    result = operator.call(*words)

    assert result.exit_code in (1, 2)
    assert reason in result.output.splitlines()[-1]
    assert result.output.splitlines()[-1].startswith("Error: ")
    assert result.exception is None or isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("words", [("webhooks", "list"), ("tokens", "list"), ("worker", "--once"), ("migrate",)], ids=" ".join)
def test_database_that_is_away_is_said_in_one_line(operator: Operator, words: tuple[str, ...]) -> None:
    done = operator.run(*words, SHOPIFY_DATABASE_URL=NOBODY_LISTENS)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in done.stderr
    assert "password" not in done.stdout + done.stderr


def test_backend_that_is_not_registered_says_why(operator: Operator) -> None:
    done = operator.run("doctor", SHOPIFY_API_VERSION="yesterday")

    assert done.returncode == 2
    assert "No such command 'shopify'" in done.stderr
    assert "SHOPIFY_API_VERSION" in done.stderr


def test_commands_of_two_apps_each_work_on_their_own(operator: Operator, make_host: Callable[..., Host]) -> None:
    other = make_host(is_connected=False)
    deliver_some(operator.host)

    result = other.app.test_cli_runner().invoke(args=["shopify", "webhooks", "list"])

    assert result.output.splitlines()[-1] == "0 deliveries."
    assert operator.call("webhooks", "list").output.splitlines()[-1] == "4 deliveries."
