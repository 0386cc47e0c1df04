"""Log files: where reading begins, what survives rotation, how lines are timed, cut and merged."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from console.snapshots import LogLine
from console.stack.local import logs


def stamp(second: float) -> str:
    """A JSON line's time, `second` seconds into a certain minute."""
    return f'{{"ts":"2026-11-24T10:00:{second:06.3f}Z","event":"e{second:g}"}}'


AT_0 = 1_795_514_400.0


async def texts(files: dict[str, Path], **options: float) -> list[str]:
    return [line.text async for batch in logs.read(files, **options) for line in batch]  # type: ignore[arg-type]


class Follower:
    """Collects lines in the background."""

    def __init__(self, files: dict[str, Path], **options: float) -> None:
        self.lines: list[LogLine] = []
        self._batches = logs.read(files, follow=True, **options)  # type: ignore[arg-type]
        self._task = asyncio.create_task(self._collect())

    async def _collect(self) -> None:
        async with aclosing(self._batches) as batches:
            async for batch in batches:
                self.lines += batch

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(10):
            while len(self.lines) < count:
                assert not self._task.done()
                await asyncio.sleep(0.01)
        return [line.text for line in self.lines]

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def follow() -> AsyncIterator[type[Follower]]:
    made: list[Follower] = []

    class Made(Follower):
        def __init__(self, files: dict[str, Path], **options: float) -> None:
            super().__init__(files, **options)
            made.append(self)

    yield Made
    for one in made:
        await one.close()


def rotate(path: Path, backups: int = 3) -> None:
    """As the supervisor does it."""
    path.with_name(f"{path.name}.{backups}").unlink(missing_ok=True)
    for number in range(backups - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.rename(path.with_name(f"{path.name}.{number + 1}"))
    path.rename(path.with_name(f"{path.name}.1"))
    path.touch()


async def test_all_services_are_merged_by_time(tmp_path: Path) -> None:
    app, db, redis = (tmp_path / f"{name}.log" for name in ("app", "db", "redis"))
    app.write_text(f"{stamp(1)}\n{stamp(4)}\n")
    db.write_text("2026-11-24 10:00:02.500 UTC [12] LOG:  ready\n\tcontinued\n")
    redis.write_text("7:M 24 Nov 2026 10:00:03.000 * Ready\n")
    lines = [x async for batch in logs.read({"app": app, "db": db, "redis": redis}) for x in batch]
    assert [line.service for line in lines] == ["app", "db", "db", "redis", "app"]
    assert [line.at - AT_0 for line in lines] == [1, 2.5, 2.5, 3, 4]


async def test_tail_and_since_choose_where_to_begin(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("".join(f"{stamp(n)}\n" for n in range(50)))
    assert await texts({"app": log}, tail=2) == [stamp(48), stamp(49)]
    assert await texts({"app": log}, tail=0) == []
    assert len(await texts({"app": log}, tail=1000)) == 50
    assert await texts({"app": log}, since=AT_0 + 48) == [stamp(48), stamp(49)]
    assert await texts({"app": log}, since=AT_0 + 48, tail=1) == [stamp(49)]


@pytest.mark.parametrize("tail", [1, 3, 6, 7, 10, 99])
async def test_a_tail_reaches_back_into_rotated_files(tmp_path: Path, tail: int) -> None:
    log = tmp_path / "app.log"
    for first in (0, 3, 6):
        if log.exists():
            rotate(log)
        log.write_text("".join(f"{stamp(n)}\n" for n in range(first, first + 3)))
    assert await texts({"app": log}, tail=tail) == [stamp(n) for n in range(9)][-tail:]


async def test_a_tail_is_right_for_blocks_and_lines_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "app.log"
    lines = [str(n) * (n % 7 + 1) for n in range(200)]
    log.write_text("\n".join(lines))
    for block in (1, 2, 3, 7, 64, 10_000):
        monkeypatch.setattr(logs, "_BLOCK", block)
        for tail in (1, 2, 13, 199, 200, 201):
            assert await texts({"app": log}, tail=tail) == lines[-tail:], (block, tail)


async def test_following_survives_rotation_without_losing_or_repeating(tmp_path: Path, follow: type[Follower]) -> None:
    log = tmp_path / "app.log"
    log.write_text(f"{stamp(0)}\n")
    follower = follow({"app": log})
    await follower.until(1)
    with log.open("a") as out:
        out.write(f"{stamp(1)}\n")
    rotate(log)
    log.write_text(f"{stamp(2)}\n")
    rotate(log)
    log.write_text(f"{stamp(3)}\n")
    assert await follower.until(4) == [stamp(n) for n in range(4)]
    with log.open("a") as out:
        out.write(f"{stamp(4)}\n")
    assert await follower.until(5) == [stamp(n) for n in range(5)]


async def test_following_survives_truncation(tmp_path: Path, follow: type[Follower]) -> None:
    log = tmp_path / "app.log"
    log.write_text("one long enough line\n")
    follower = follow({"app": log})
    await follower.until(1)
    os.truncate(log, 0)
    with log.open("a") as out:
        out.write("short\n")
    assert (await follower.until(2))[1] == "short"


async def test_following_waits_for_a_log_that_is_not_there_yet(tmp_path: Path, follow: type[Follower]) -> None:
    log = tmp_path / "none" / "app.log"
    follower = follow({"app": log})
    await asyncio.sleep(0.05)
    log.parent.mkdir()
    log.write_text("there\n")
    assert await follower.until(1) == ["there"]


async def test_a_line_is_given_when_it_is_whole(tmp_path: Path, follow: type[Follower]) -> None:
    log = tmp_path / "app.log"
    log.write_bytes("grü".encode()[:-1])
    follower = follow({"app": log})
    await asyncio.sleep(0.1)
    assert not follower.lines
    with log.open("ab") as out:
        out.write("grü".encode()[-1:] + b"n\r\nnext\n")
    assert await follower.until(2) == ["grün", "next"]


async def test_without_following_an_unfinished_line_counts(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("one\ntwo")
    assert await texts({"app": log}) == ["one", "two"]
    assert await texts({"app": log}, tail=1) == ["two"]


async def test_endless_lines_are_cut_and_their_rest_is_left_out(tmp_path: Path, follow: type[Follower]) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"x" * 3_000_000 + b"\nnext\n" + b"y" * (logs.MAX_LINE + 5) + b"\nlast\n")
    lines = [line async for batch in logs.read({"app": log}) for line in batch]
    assert [(line.text[:1], len(line.text), line.cut) for line in lines] == [
        ("x", logs.MAX_LINE, True),
        ("n", 4, False),
        ("y", logs.MAX_LINE, True),
        ("l", 4, False),
    ]


async def test_a_service_never_goes_back_in_time(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(f"{stamp(5)}\n{stamp(1)}\n")
    lines = [line async for batch in logs.read({"app": log}) for line in batch]
    assert [line.text for line in lines] == [stamp(5), stamp(1)]
    assert [line.at - AT_0 for line in lines] == [5, 5]


async def test_a_line_without_a_time_gets_the_files(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("Traceback\n")
    os.utime(log, (AT_0, AT_0))
    (batch,) = [batch async for batch in logs.read({"app": log})]
    assert batch[0].at == AT_0


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        (b'{"ts": "2026-11-24T10:00:01+00:00"}', AT_0 + 1),
        (b'{"level":"info","ts":"2026-11-24T10:00:01.5Z"}', AT_0 + 1.5),
        (b'{"ts":"2026-99-24T10:00:01.5Z"}', None),
        (b"7:M 99 Nov 2026 10:00:03.000 * x", None),
        (b"2026-11-24 10:00:61.000 UTC [1] x", None),
        (b"\xff\xfe", None),
        (b"", None),
    ],
)
def test_times_are_read_where_there_are_any(raw: bytes, at: float | None) -> None:
    assert logs.line_time(raw) == at


async def test_bytes_that_are_no_text_do_not_stop_it(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"\xff\x00\x1b[31m\n\n\nok\n")
    assert await texts({"app": log}) == ["\ufffd\x00\x1b[31m", "ok"]


async def test_a_flood_comes_in_bounded_batches(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("".join(f"{stamp(n % 60)}\n" for n in range(20_000)))
    sizes = [len(batch) async for batch in logs.read({"app": log})]
    assert sum(sizes) == 20_000
    assert max(sizes) <= 2_000
