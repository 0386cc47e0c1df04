"""The worker: takes jobs off the queue, reads what they lack from the Graph API, writes rows, ends the jobs."""

from __future__ import annotations

from api.settings import Settings


def run(settings: Settings) -> int:
    """Work until SIGTERM or SIGINT, then drain; the process's exit code.

    Redis and Postgres may be away at any time, also at the start: the worker waits for them.
    """
    from api.worker.process import run as run_process

    return run_process(settings)
