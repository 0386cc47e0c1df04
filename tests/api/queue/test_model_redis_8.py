"""The queue's model and its crashes on Redis 8."""

from __future__ import annotations

from tests.api.queue.model.suite import Suite


class TestOnRedis8(Suite):
    line = "Redis 8"
