"""Picks loopback ports: the same after a restart if they are still free, others if not."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection, Mapping

from console.errors import StackError

# Below the range from which systems take the ports of outgoing connections, so that none of those takes ours meanwhile.
_LOW, _HIGH = 20_000, 32_000


def settle(kept: Mapping[str, int], busy: Collection[str], host: str, web_port: int) -> dict[str, int]:
    """Ports for app, db and redis.

    `kept` are those of the last time; a service in `busy` runs and stays where it is. `web_port` is the one that was
    asked for (0: any), `host` the address the web port will listen on.

    Raises:
        StackError: the web port that was asked for is taken, or nothing is free.
    """
    chosen: dict[str, int] = {}
    for service, address in (("app", host), ("db", "127.0.0.1"), ("redis", "127.0.0.1")):
        wanted = web_port if service == "app" and web_port else kept.get(service, 0)
        ours = service in busy and wanted == kept.get(service, 0)
        if wanted and wanted not in chosen.values() and (ours or _free(address, wanted)):
            chosen[service] = wanted
        elif service == "app" and web_port:
            raise StackError(
                f"PORT {web_port} is taken", "end what listens there, choose another PORT, or unset it for a free one"
            )
        else:
            chosen[service] = _pick(address, {*chosen.values(), *kept.values()})
    return chosen


def _pick(host: str, taken: Collection[int]) -> int:
    for port in random.sample(range(_LOW, _HIGH), 500):
        if port not in taken and _free(host, port):
            return port
    raise StackError(f"no free port found on {host}")


def _free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do, so that connections of the last run that linger (TIME_WAIT) do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
