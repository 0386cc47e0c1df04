"""Owns the tests that every server version has to pass; a module a version runs them on its own server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import servers
from tests.api.queue.model.breaking import Tail, disturbed, looking, moves, staged, undisturbed
from tests.api.queue.model.operating import Operating
from tests.api.queue.model.operations import OPERATIONS
from tests.api.queue.model.passage import Fault
from tests.api.queue.model.sight import look

KILLS = (Fault.KILLED_DURING,)
CUTS = 2


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

    def test_model(self, server: servers.RedisServer) -> None:
        """Whatever is done, and whatever breaks."""
        machine = type("Queue", (Operating,), {"server": server})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=int(os.environ.get("EX", "40")),
                stateful_step_count=40,
                phases=[Phase.generate, *([Phase.shrink] if os.environ.get("SHRINK") else [])],
                deadline=None,
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

    @pytest.mark.parametrize("name", OPERATIONS)
    async def test_a_server_killed_at_any_command(self, server: servers.RedisServer, name: str) -> None:
        """And started again on its data."""
        commands, _, expected = await undisturbed(server, name)
        for fault in KILLS:
            for at in range(1, len(commands) + 1):
                assert await disturbed(server, name, fault, at) == expected, f"{fault} at {commands[at - 1]}"

    @pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if operation.moves])
    async def test_a_write_that_got_to_the_disk_in_part(
        self, server: servers.RedisServer, name: str, tmp_path: Path
    ) -> None:
        """Wherever the power fails, a move was made or was not."""
        async with staged(server) as (stage, _, raw):
            before, tail = look(raw).canonical(), Tail(server)
            await OPERATIONS[name].work(stage)
            after = look(raw).canonical()
            cuts = tail.cuts(CUTS)
            assert cuts
            for cut in cuts:
                torn = tail.torn(cut, tmp_path / str(cut))
                try:
                    with looking(torn) as there:
                        assert look(there).canonical() in (before, after)
                finally:
                    torn.kill()
