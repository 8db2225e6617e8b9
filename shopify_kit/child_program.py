"""A module of ours run as a program beside this process: bytes go in, bytes come out, and it ends when its input ends.

For computing that would keep the other threads of a host from running. It is no fork: it has this process's import path and nothing
else of it, so that it may be started from any thread.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from contextvars import copy_context
from typing import IO, Final, TypeVar

from shopify_kit.runtime import start_daemon

T = TypeVar("T")

_PIPE_BYTES: Final = 2**20
_START: Final = "import runpy, sys; sys.path[:] = {path!r}; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"


class ChildProgram:
    """Starts the program.

    Args:
        module: has a `main` block that reads standard input and writes standard output.
        arguments: in its `sys.argv`.

    Raises:
        OSError: there is no Python to start, as inside some application servers.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        start = _START.format(path=sys.path, module=module)
        command, pipe = [sys.executable, "-c", start, *arguments], subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, pipesize=_PIPE_BYTES)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def converse(self, pieces: Iterable[bytes], read: Callable[[IO[bytes]], Iterator[T]]) -> Iterator[T]:
        """Write pieces to the program on a thread of their own, and yield what `read` makes of its output; can be done once.

        What the pieces raise is raised here, when the program has made what it can of the pieces before, and in place of what
        it or `read` makes of their early end. When this is through, in whatever way, the program is ended.
        """
        assert self._process.stdout is not None
        failures: list[BaseException] = []
        context = copy_context()
        feeder = start_daemon("shopify-feed", lambda: context.run(self._feed, pieces, failures))
        try:
            yield from read(self._process.stdout)
        except BaseException:
            if not failures:
                raise
        finally:
            self._process.kill()
            feeder.join()
            self._process.stdout.close()
            self._process.wait()
        if failures:
            raise failures[0]

    def _feed(self, pieces: Iterable[bytes], failures: list[BaseException]) -> None:
        incoming = self._process.stdin
        assert incoming is not None
        try:
            for piece in pieces:
                incoming.write(piece)
        except BrokenPipeError:
            pass
        except BaseException as error:
            failures.append(error)
        with suppress(OSError):
            incoming.close()
