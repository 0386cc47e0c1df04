"""Notices: told in the background, not too often, and never the cause of a failure."""

from __future__ import annotations

from api.errors import QueueUnavailableError
from api.web.notices import Notices


class Told:
    """Remembers what it was told, and fails while `away`."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.away = False

    async def __call__(self, key: str, text: str) -> None:
        if self.away:
            raise QueueUnavailableError("Redis does not answer")
        self.keys.append(key)


async def test_a_key_is_told_once_in_a_while() -> None:
    told = Told()
    notices = Notices(told, every_s=60)
    for key in ("a", "a", "b", "a"):
        notices.tell(key, "text")
    await notices.close()
    assert told.keys == ["a", "b"]


async def test_a_key_is_told_again_later() -> None:
    told = Told()
    notices = Notices(told, every_s=0)
    for _ in range(3):
        notices.tell("a", "text")
    await notices.close()
    assert told.keys == ["a"] * 3


async def test_what_could_not_be_told_is_tried_again_at_the_next_occasion() -> None:
    told = Told()
    notices = Notices(told, every_s=60)
    told.away = True
    notices.tell("a", "text")
    await notices.close()
    told.away = False
    notices.tell("a", "text")
    await notices.close()
    assert told.keys == ["a"]


async def test_the_keys_remembered_are_bounded() -> None:
    told = Told()
    notices = Notices(told, every_s=60, max_keys=2)
    for key in ("a", "b", "c", "a"):
        notices.tell(key, "text")
    await notices.close()
    assert told.keys == ["a", "b", "c", "a"]
