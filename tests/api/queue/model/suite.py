"""Owns the tests that every server version has to pass; a module a version runs them on its own server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import servers
from tests.api.queue.model.breaking import Tail, disturbed, looking, moves, staged, undisturbed
from tests.api.queue.model.operating import Operating
from tests.api.queue.model.operations import OPERATIONS
from tests.api.queue.model.passage import Fault
from tests.api.queue.model.sight import look

LONG = settings.get_current_profile_name() == "long"
EXAMPLES, STEPS = (500, 60) if LONG else (25, 40)
KILLS = (Fault.KILLED_BEFORE, Fault.KILLED_DURING, Fault.KILLED_AFTER) if LONG else (Fault.KILLED_DURING,)
CUTS = 8 if LONG else 2
MOVING = [name for name, operation in OPERATIONS.items() if operation.moves]
MODEL_TIMEOUT_S = 7_200 if LONG else 600
"""To find the shortest of the failing examples takes hypothesis up to five minutes."""


class Suite:
    """Subclass it with the `line` of servers to run on: product and major version."""

    line: str

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.RedisServer]:
        """The version's own server."""
        binary = servers.redis_binaries().get(cls.line)
        if binary is None:
            pytest.skip(f"no {cls.line} on this machine (LEADSCTL_TEST_REDIS_BINS takes paths of further servers)")
        server = servers.RedisServer(tmp_path_factory.mktemp("model") / "redis", binary).start()
        yield server
        server.stop()

    @pytest.mark.timeout(MODEL_TIMEOUT_S)
    def test_whatever_is_done_and_breaks(self, server: servers.RedisServer) -> None:
        """After every step each accepted job is in exactly one place, and all figures say so."""
        machine: type[Operating] = type("Queue", (Operating,), {"server": server})
        if not LONG:
            seed(crc32(self.line.encode()))(machine)  # examples of its own for each version, the same at every run
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                derandomize=False,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )

    @pytest.mark.parametrize("name", OPERATIONS)
    async def test_every_move_is_one_command(self, server: servers.RedisServer, name: str) -> None:
        """Between two commands of an operation every job is where it was, or where it is to be."""
        assert tuple(await moves(server, name)) == OPERATIONS[name].moves

    @pytest.mark.parametrize("name", OPERATIONS)
    async def test_a_connection_lost_at_any_command(self, server: servers.RedisServer, name: str) -> None:
        """Before it is done or after it, or with the scripts forgotten: done again, it is as if nothing had been."""
        commands, _, expected = await undisturbed(server, name)
        assert commands
        for fault in (Fault.LOST, Fault.UNANSWERED, Fault.FORGOTTEN):
            for at in range(1, len(commands) + 1):
                assert await disturbed(server, name, fault, at) == expected, f"{fault} at {commands[at - 1]}"

    @pytest.mark.parametrize("name", OPERATIONS if LONG else MOVING)
    async def test_a_server_killed_at_any_command(self, server: servers.RedisServer, name: str) -> None:
        """And started again on its data. In the ordinary run at those that move jobs."""
        commands, _, expected = await undisturbed(server, name)
        for at, command in enumerate(commands, start=1):
            if LONG or command in OPERATIONS[name].moves:
                for fault in KILLS:
                    assert await disturbed(server, name, fault, at) == expected, f"{fault} at {command}"

    @pytest.mark.parametrize("name", MOVING)
    async def test_a_write_that_got_to_the_disk_in_part(
        self, server: servers.RedisServer, name: str, tmp_path: Path
    ) -> None:
        """Wherever the power fails, a move was made or was not."""
        own = servers.RedisServer(tmp_path / "own", server.binary).start()  # with a short file
        try:
            await self._tear(own, name, tmp_path)
        finally:
            own.stop()

    async def _tear(self, server: servers.RedisServer, name: str, folder: Path) -> None:
        async with staged(server) as (stage, _, raw):
            before, tail = look(raw).canonical(), Tail(server)
            await OPERATIONS[name].work(stage)
            after = look(raw).canonical()
            cuts = tail.cuts(CUTS)
            assert cuts
            for cut in cuts:
                torn = tail.torn(cut, folder / str(cut))
                try:
                    with looking(torn) as there:
                        assert look(there).canonical() in (before, after)
                finally:
                    torn.kill()
