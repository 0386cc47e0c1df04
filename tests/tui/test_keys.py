"""Other keys for actions: as configured they work, show and are listed; mistakes are one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.config import load
from console.errors import UsageError
from console.ports import Verb
from console.tools import Tools
from console.tui import keymap
from tests.tui.conftest import opened


def test_every_action_has_a_name_of_its_own() -> None:
    found = [each.id for _, classes in keymap.PLACES for cls in classes for each in keymap._bound(cls) if each.id]
    assert len(found) == len(set(found))
    for name in (
        "queue.retry",
        "queue.discard-all",
        "services.stop",
        "lists.next-row",
        "everywhere.queue",
        "log.follow",
    ):
        assert name in found


def test_the_usual_keys_are_in_order() -> None:
    keymap.checked({})


async def test_another_key_does_it_and_is_shown() -> None:
    keys = keymap.checked({"queue.retry": ("y",), "everywhere.queue": ("Q", "f3"), "lists.next-row": ("ctrl+n",)})
    async with opened(tools=Tools(keys=keys)) as seat:
        await seat.press("3")
        await seat.misses("worker-2 go")
        await seat.press("Q")
        await seat.sees("worker-2 go")
        assert "y retry" in seat.lines[-1]
        await seat.press("r")
        await seat.press("ctrl+n", "y")
        await seat.did(Verb.RETRY)
        assert len(seat.runner.done) == 1
        await seat.press("question_mark")
        await seat.until(lambda: re.search(r"\by +retry\b", seat.text) is not None)


def test_the_list_of_keys_has_them() -> None:
    lines = {key.action: key.keys for section in keymap.sections({"queue.retry": ("y",)}) for key in section.keys}
    assert lines["queue.retry"] == ("y",)
    assert lines["queue.discard"] == ("X",)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"queue.rety": ("y",)}, "'queue.rety', which is no action"),
        ({"queue.retry": ("hyper+y",)}, "that is no key"),
        ({"queue.retry": ("X",)}, "[keys] queue.retry cannot be 'X': that is queue.discard"),
        ({"queue.retry": ("j",)}, "that is lists.next-row"),
        ({"queue.retry": ("?",)}, "that is everywhere.help"),
        ({"everywhere.help": ("r",)}, "[keys] everywhere.help cannot be 'r'"),
        ({"queue.retry": ("y",), "queue.discard": ("y",)}, "cannot be 'y'"),
        ({"queue.retry": ("escape",)}, "cannot be 'esc'"),
    ],
)
def test_a_mistake_is_one_line(keys: dict[str, tuple[str, ...]], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        keymap.checked(keys)
    assert said in str(raised.value)
    assert raised.value.hint


def test_two_actions_may_change_places() -> None:
    keymap.checked({"queue.retry": ("X",), "queue.discard": ("r",)})


def test_they_are_read_from_the_file_and_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('read_only = true\n[keys]\n"queue.retry" = "y"\nqueue.discard = ["Z", "ctrl+z"]\n')
    env = {"LEADSCTL_CONFIG": str(path)}
    assert load(env=env)["keys"] == {"queue.retry": ("y",), "queue.discard": ("Z", "ctrl+z")}
    assert load(env={**env, "LEADSCTL_KEYS": "queue.retry = 'w'"})["keys"] == {"queue.retry": ("w",)}
    for wrong in ('[keys]\n"queue.retry" = 3\n', '[keys]\n"queue.retry" = []\n', 'keys = "x"\n'):
        path.write_text(wrong)
        with pytest.raises(UsageError, match="keys in"):
            load(env=env)
