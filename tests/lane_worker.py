"""A worker as a process of its own: `python -m tests.lane_worker DSN`. What it does is seen in the table `public.done`.

Kinds: `note` stores; `wait` sleeps `payload["seconds"]` before it does; `die` ends the process without a word, as a crash does.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from shopify_kit.clock import SystemClock
from shopify_kit.database import Connection, Database
from shopify_kit.jobs import Effect, Job
from shopify_kit.worker import Doer, Worker


def say(text: str) -> None:
    """Tell whoever watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(job: Job) -> Effect:
    """Store that a job was done, and by whom."""

    async def effect(conn: Connection) -> None:
        await conn.execute("insert into public.done (job_id, lane, pid) values ($1, $2, $3)", job.job_id, job.lane, os.getpid())

    return effect


def wait(job: Job) -> Effect:
    """Take long over a job."""
    say(f"waiting over {job.job_id}")
    time.sleep(job.payload["seconds"])
    return note(job)


def die(job: Job) -> Effect:
    """End the process over a job."""
    say(f"dying of {job.job_id}")
    os.kill(os.getpid(), signal.SIGKILL)
    return note(job)


DOERS: dict[str, Doer] = {"note": note, "wait": wait, "die": die}


def main() -> None:
    """Work until SIGTERM."""
    worker = Worker(Database(sys.argv[1]), DOERS, SystemClock())
    signal.signal(signal.SIGTERM, lambda *_: worker.stop(timeout_s=0))
    worker.start()
    say("working")
    while not worker.ended.wait(0.1):
        pass


if __name__ == "__main__":
    main()
