"""The queue's model and its crashes on Valkey 9, the embedded server."""

from __future__ import annotations

from tests.api.queue.model.suite import Suite


class TestOnValkey9(Suite):
    line = "Valkey 9"
