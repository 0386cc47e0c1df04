"""Where things are: ports, lock, configuration, directories."""

from __future__ import annotations

import asyncio
import configparser
import contextlib
import os
import shlex
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.errors import StackError
from console.stack.local import places, ports
from console.stack.local.config import redis_configuration, supervisor_configuration
from console.stack.local.lock import locked
from console.stack.local.places import Kept, Places
from tests.console.local.stacks import until


@contextlib.contextmanager
def listener() -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_the_command_that_starts_it_names_the_folder_where_that_is_not_the_usual_one(tmp_path: Path) -> None:
    state = tmp_path / "my $stack's"
    assert shlex.split(Places(state).up) == ["leadsctl", "--local", "--dir", str(state), "up"]
    assert Places(places.default_state_dir()).up == "leadsctl --local up"


def test_ports_are_kept_while_they_are_free() -> None:
    first = ports.settle({}, (), "127.0.0.1", 0)
    assert len(set(first.values())) == 3
    assert all(20_000 <= port < 32_000 for port in first.values())
    assert ports.settle(first, (), "127.0.0.1", 0) == first


def test_a_port_that_was_taken_meanwhile_is_picked_anew_unless_the_service_itself_has_it() -> None:
    with listener() as taken:
        kept = ports.settle({}, (), "127.0.0.1", 0) | {"db": taken}
        assert ports.settle(kept, (), "127.0.0.1", 0)["db"] != taken
        assert ports.settle(kept, ("db",), "127.0.0.1", 0) == kept


def test_the_web_port_that_was_asked_for_is_taken_or_refused_but_never_replaced() -> None:
    with listener() as taken, pytest.raises(StackError, match=f"PORT {taken} is taken"):
        ports.settle({}, (), "127.0.0.1", taken)
    assert ports.settle({"app": 20_001}, (), "127.0.0.1", taken)["app"] == taken


async def test_one_at_a_time_and_the_other_is_told_who(tmp_path: Path) -> None:
    told: list[str] = []
    order: list[str] = []

    async def second() -> None:
        async with locked(tmp_path / "lock", told.append):
            order.append("second")

    async with locked(tmp_path / "lock", told.append):
        waiting = asyncio.create_task(second())
        await until(lambda: told, "the second waits")
        order.append("first")
    await waiting
    assert order == ["first", "second"]
    assert told == [f"waiting for another leadsctl (process {os.getpid()})"]


async def test_a_lock_that_is_not_given_back_in_time_is_an_error(tmp_path: Path) -> None:
    async with locked(tmp_path / "lock", lambda _: None):
        with pytest.raises(StackError, match="another leadsctl"):
            async with locked(tmp_path / "lock", lambda _: None, timeout_s=0.1):
                pass


async def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import fcntl,os,sys,time; f=os.open(sys.argv[1],os.O_RDWR|os.O_CREAT); fcntl.flock(f,2);"
        "print(1,flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
        holder.wait()
        async with locked(tmp_path / "lock", lambda _: None, timeout_s=5):
            pass


def test_the_supervisors_configuration_holds_no_path_and_no_secret() -> None:
    parsed = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"))
    parsed.read_string(supervisor_configuration())
    assert {f"program:{name}" for name in ("app", "worker", "db", "redis")} < set(parsed.sections())
    assert "/" not in parsed["program:db"]["command"]
    assert parsed["supervisord"]["logfile"] == "logs/supervisord.log"


def test_redis_is_told_to_write_down_everything_at_once() -> None:
    text = redis_configuration(1234, {"REDIS_PASSWORD": 'a"b\\ c'})
    assert "appendonly yes\nappendfsync always\n" in text
    assert 'requirepass "\\x61\\x22\\x62\\x5c\\x20\\x63"' in text
    assert "appendfsync everysec" in redis_configuration(1, {"REDIS_PASSWORD": "p", "REDIS_APPENDFSYNC": "everysec"})


def test_state_that_makes_no_sense_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{")
    assert Places(tmp_path).load() is None


def test_the_socket_of_a_deep_directory_lies_in_a_private_short_one(tmp_path: Path) -> None:
    deep = Places(tmp_path / ("x" * 120))
    folder = Path(deep.socket_dir(None))
    try:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        kept = Kept(token="t", ports={}, socket_dir=str(folder))
        assert len(str(deep.socket(kept))) < 90
        assert deep.socket_dir(kept) == str(folder)
        folder.chmod(0o755)
        other = Path(deep.socket_dir(kept))
        assert other != folder, "one that others can enter is not used again"
        other.rmdir()
    finally:
        folder.rmdir()
    assert Places(Path("/short")).socket_dir(None) == ""


def test_root_keeps_its_state_where_the_database_can_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not places.default_state_dir().is_relative_to("/root")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert places.default_state_dir().name == "leadsctl"


def test_a_directory_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(StackError, match="belongs to another user"):
        Places(tmp_path).prepare("")


@pytest.mark.parametrize("mode", [0o1777, 0o777])
def test_a_directory_for_everybody_stays_one(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(StackError, match="is for every user to write to"):
        Places(tmp_path).prepare("")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == mode
    assert list(tmp_path.iterdir()) == []
