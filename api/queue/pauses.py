"""Owns what ends a page's wait: releasing the jobs that wait for it, and who tries whether it goes on."""

from __future__ import annotations

from api.queue.codec import KEY_LENGTH, clip, text
from api.queue.link import Link

STEP = 500
"""Jobs a script looks at."""


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
