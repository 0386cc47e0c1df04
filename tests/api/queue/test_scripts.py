"""The Lua scripts as they are shipped: complete, and honest about their keys."""

from __future__ import annotations

import pytest

from api.queue import keys, lua
from tests.api.queue.conftest import Queue

SHARED = {"common", *(part for parts in lua.SHARED.values() for part in parts)}
NAMES = sorted(path.stem for path in lua.FOLDER.glob("*.lua") if path.stem not in SHARED)


@pytest.mark.parametrize("name", NAMES)
def test_every_script_names_all_keys_it_uses(name: str) -> None:
    script = lua.load(name)
    own = (lua.FOLDER / f"{name}.lua").read_text()
    assert script.keys
    for n, key in enumerate(script.keys, start=1):
        assert f"KEYS[{n}]" in own
        assert f"\n{key} " in (keys.__doc__ or "")
    assert f"KEYS[{len(script.keys) + 1}]" not in own


@pytest.mark.parametrize("name", NAMES)
def test_every_script_compiles(queue: Queue, name: str) -> None:
    script = lua.load(name)
    assert queue.raw.script_load(script.text).encode() == script.sha


def test_names_of_keys_can_be_read_back() -> None:
    names = keys.Keys("leads")
    for source, external_id in (("meta", "1"), ("forms", "a:b:c"), ("meta", "")):
        assert names.lead_of(names.seen(source, external_id).decode()) == (source, external_id)
