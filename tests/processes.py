"""Real processes for tests: output kept in files, waiting bounded, the end certain."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

T = TypeVar("T")

PROJECT_ROOT = Path(__file__).resolve().parents[1]
_POLL_S = 0.01


def wait_until(look: Callable[[], T], *, timeout_s: float = 10.0, what: str = "the awaited state") -> T:
    """Call `look` until it returns something true and return that; AssertionError when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {timeout_s:g} s")
        time.sleep(_POLL_S)
    return seen


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and waits for its parent to notice does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def find_descendants(pid: int) -> list[int]:
    """Return the ids of all processes that a process and its children have started and that still have a parent among them."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for ancestor in found:
        found.extend(child for child, parent in parents.items() if parent == ancestor)
    return found[1:]


class ChildProcess:
    """A process of its own session, with its output kept for reading; a context manager that leaves nothing running.

    Args:
        command: arguments; one that starts with `-` is given to this Python.
        env: the whole environment; None passes ours on.
    """

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path = PROJECT_ROOT) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="shopify-test-")
        self._stdout_file = Path(self._directory.name, "stdout")
        self._stderr_file = Path(self._directory.name, "stderr")
        whole = [sys.executable, *command] if command[0].startswith("-") else list(command)
        with self._stdout_file.open("wb") as stdout, self._stderr_file.open("wb") as stderr:
            self._process = subprocess.Popen(
                whole, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=env, cwd=cwd, start_new_session=True
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return self._stdout_file.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        """What it has complained about so far."""
        return self._stderr_file.read_text(errors="replace")

    def wait_for_line(self, is_wanted: Callable[[str], bool], *, timeout_s: float = 30.0) -> str:
        """Return the first complete line of its standard output that is wanted.

        Raises:
            AssertionError: it ended before, or the time is over; shows its output.
        """

        def look() -> str | None:
            has_ended = self._process.poll() is not None
            wanted = [line for line in self.stdout.splitlines(keepends=True) if line.endswith("\n") and is_wanted(line)]
            if wanted:
                return wanted[0]
            if has_ended:
                raise AssertionError(f"ended with {self._process.returncode}:\n{self.stdout}\n{self.stderr}")
            return None

        try:
            return wait_until(look, timeout_s=timeout_s, what="the awaited line") or ""
        except AssertionError as error:
            error.add_note(f"stdout:\n{self.stdout[-2000:]}\nstderr:\n{self.stderr[-2000:]}")
            raise

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self._process.send_signal(number)

    def wait(self, *, timeout_s: float = 30.0) -> int:
        """Wait for the end and return the exit code (negative: the signal that ended it)."""
        return self._process.wait(timeout_s)

    def stop(self, *, timeout_s: float = 10.0) -> int:
        """Ask it to end, insist when it does not, and return the exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            return self._process.wait(timeout_s)

    def close(self) -> None:
        """Stop it and forget its output."""
        self.stop()
        self._directory.cleanup()
