"""Owns the pages' pauses: reading and writing them, releasing the jobs that wait, who tries whether a page goes on."""

from __future__ import annotations

import time

from api.models import PagePause
from api.queue.codec import KEY_LENGTH, TEXT_LENGTH, Pause, clip, encode, pairs, pauses_in, text
from api.queue.link import Link

STEP = 500
"""Jobs a script looks at."""


async def read(link: Link) -> tuple[PagePause, ...]:
    """Pauses in force, without those that have run out. `waiting` is left to the snapshot."""
    found = pauses_in(pairs(await link.call("HGETALL", link.keys.of("pauses"))))
    now = time.time()
    return tuple(pause for pause in found if not pause.until or pause.until > now)


async def write(link: Link, pause: PagePause) -> None:
    """Record that a page's Graph calls wait; replaces the page's former pause."""
    value = Pause(
        ends=round(pause.until * 1000),
        kind=pause.kind,
        reason=clip(pause.reason, TEXT_LENGTH),
        name=clip(pause.name, KEY_LENGTH),
        lead=clip(pause.lead, KEY_LENGTH),
        tries=pause.tries,
        next_at=pause.next_at,
    )
    await link.call("HSET", link.keys.of("pauses"), clip(pause.page, KEY_LENGTH), encode(value))


async def release(link: Link, page: str) -> int:
    """Make due at once what waits for a page's calls; how many. The oldest job comes first.

    "*" stands for every page that has no pause of its own.

    Jobs that wait for their own next attempt keep waiting.
    """
    released, now, score, member = 0, "", "", ""
    left = int(await link.call("ZCARD", link.keys.of("retry"))) + STEP
    while left > 0:
        now, score, member, count = [text(word) for word in await link.run("release", page, now, score, member, STEP)]
        released += int(count)
        left -= STEP
        if not score:
            break
    return released


async def claim(link: Link, page: str, consumer: str, hold_s: float, *, again: bool) -> bool:
    """Whether this consumer may try a paused page; no other may for `hold_s`. `again`: whoever tried before."""
    words = () if again else ("NX",)
    key = link.keys.of(f"trying:{clip(page, KEY_LENGTH)}")
    return bool(await link.call("SET", key, consumer, "PX", max(1, round(hold_s * 1000)), *words))
