"""The queue's model and its crashes on Redis 7, the stack's own."""

from __future__ import annotations

from tests.api.queue.model.suite import Suite


class TestOnRedis7(Suite):
    line = "Redis 7"
