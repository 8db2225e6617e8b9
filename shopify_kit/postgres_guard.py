"""The process between an owner and its embedded PostgreSQL: starts the server unprivileged and ends it when the owner is gone.

Run by path with nothing but the standard library (`python -I -S postgres_guard.py …`), so that it starts in milliseconds and needs
no import path. The owner's end shows as end-of-file on standard input or as a new parent, whichever comes first; that holds after
`kill -9`, and does not depend on which of the owner's threads started the server. Should the guard itself be killed, the kernel's
parent-death signal ends the server. Which binaries, directories and settings are used is `embedded_postgres`'s business.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import sys
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_OWNER_POLL_MS = 500
_FAST_SHUTDOWN_S = 15
# The owner's environment holds secrets, and the server's is readable to whoever shares its account.
SERVER_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def become_server(command: list[str], *, guard_pid: int, uid: int, gid: int) -> NoReturn:
    """Replace this process by the server, as `uid`/`gid` unless they are -1, bound to the life of `guard_pid`."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After setuid, because a change of credentials clears the parent-death signal.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != guard_pid:
        os._exit(1)
    os.execve(command[0], command, SERVER_ENVIRONMENT)


def wait_for_end(server_pid: int, *, owner_pid: int) -> tuple[int, bool]:
    """Return (the server's exit code, whether the owner was gone before); a vanished owner makes the server shut down fast."""
    wake_up, bell = os.pipe()
    os.set_blocking(bell, False)
    signal.set_wakeup_fd(bell)
    told_to_end = False
    poll = select.poll()
    poll.register(wake_up, select.POLLIN)
    poll.register(sys.stdin.fileno(), select.POLLIN)
    while True:
        ended, status = os.waitpid(server_pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), told_to_end
        events = poll.poll(_OWNER_POLL_MS)
        received = os.read(wake_up, 64) if any(fd == wake_up for fd, _ in events) else b""
        if signal.SIGALRM in received:
            os.kill(server_pid, signal.SIGQUIT)
        owner_gone = os.getppid() != owner_pid or any(fd != wake_up for fd, _ in events) or signal.SIGTERM in received
        if owner_gone and not told_to_end:
            told_to_end = True
            poll.unregister(sys.stdin.fileno())
            os.kill(server_pid, signal.SIGINT)
            signal.alarm(_FAST_SHUTDOWN_S)


def main(arguments: list[str]) -> int:
    """Run `OWNER_PID UID GID TEMPORARY_DIR… -- COMMAND…`; the temporary directories are removed when the owner is gone."""
    owner_pid, uid, gid = (int(text) for text in arguments[:3])
    separator = arguments.index("--")
    temporary_dirs, command = arguments[3:separator], arguments[separator + 1 :]
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, lambda *_: None)
    guard_pid = os.getpid()
    server_pid = os.fork()
    if server_pid == 0:
        become_server(command, guard_pid=guard_pid, uid=uid, gid=gid)
    code, owner_gone = wait_for_end(server_pid, owner_pid=owner_pid)
    if owner_gone:
        for directory in temporary_dirs:
            shutil.rmtree(directory, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
