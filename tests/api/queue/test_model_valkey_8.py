"""The queue's model and its crashes on Valkey 8."""

from __future__ import annotations

from tests.api.queue.model.suite import Suite


class TestOnValkey8(Suite):
    line = "Valkey 8"
