"""The queue's model and its crashes on whatever other versions LEADSCTL_TEST_REDIS_BINS or PATH have."""

from __future__ import annotations

from tests import servers
from tests.api.queue.model.suite import Suite

NAMED = {"Redis 6", "Redis 7", "Redis 8", "Valkey 8", "Valkey 9"}
"""Those with a module of their own."""

for _line in sorted(servers.redis_binaries().keys() - NAMED):
    globals()[f"TestOn{_line.replace(' ', '')}"] = type("TestOnOther", (Suite,), {"line": _line})
