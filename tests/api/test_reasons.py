"""Why Redis or Postgres does not do its part, in words that name no address and no secret."""

from __future__ import annotations

import socket

import pytest

from api.errors import QueueUnavailableError, StoreUnavailableError
from api.reasons import OTHERWISE, REASONS, reason_of


def after(cause: BaseException, text: str) -> StoreUnavailableError:
    """An error of ours that came from another."""
    error = StoreUnavailableError(text)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            StoreUnavailableError(
                'Postgres does not answer: connection to server at "10.0.0.9" failed: Connection refused'
            ),
            "connection refused",
        ),
        (QueueUnavailableError("Redis does not answer: Error 111 connecting to 10.0.0.9:6379"), "connection refused"),
        (after(ConnectionRefusedError(), "Redis does not answer: odd"), "connection refused"),
        (after(socket.gaierror(-2, "odd"), "odd"), "its name cannot be resolved"),
        (after(ConnectionResetError(), "odd"), "the connection was lost"),
        (QueueUnavailableError("Redis has not answered within 2 s"), "does not answer in time"),
        (TimeoutError(), "does not answer in time"),
        (QueueUnavailableError("Redis refused: OOM command not allowed when used memory"), "out of memory"),
        (QueueUnavailableError("Redis refused: MISCONF Redis is configured to save"), "it cannot write to its disk"),
        (QueueUnavailableError("Redis refused: LOADING Redis is loading the dataset"), "it is starting"),
        (QueueUnavailableError("Redis refused: NOAUTH Authentication required."), "the login is refused"),
        (StoreUnavailableError("FATAL:  the database system is starting up"), "it is starting"),
        (StoreUnavailableError('FATAL:  password authentication failed for user "leads"'), "the login is refused"),
        (StoreUnavailableError('FATAL:  database "leads" does not exist'), "there is no such database"),
        (StoreUnavailableError("FATAL:  sorry, too many clients already"), "it has no connection left"),
        (StoreUnavailableError("Postgres refuses: disk full (53100)"), "its disk is full"),
        (
            StoreUnavailableError("the database lacks tables or columns this version needs: run python -m api migrate"),
            "the schema is not migrated: run python -m api migrate",
        ),
        (RuntimeError("password=hunter2 at 10.0.0.9"), OTHERWISE),
    ],
)
def test_the_reason_is_one_of_a_few(error: BaseException, reason: str) -> None:
    assert reason_of(error) == reason
    assert reason in REASONS
