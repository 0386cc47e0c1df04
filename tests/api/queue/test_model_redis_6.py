"""The queue's model and its crashes on Redis 6, the oldest that the queue works on."""

from __future__ import annotations

from tests.api.queue.model.suite import Suite


class TestOnRedis6(Suite):
    line = "Redis 6"
