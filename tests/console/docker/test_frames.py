"""The engine's log framing: whatever way the bytes are cut, lines come out whole, once, bounded."""

from __future__ import annotations

import random

import pytest

from console.errors import StackError
from console.snapshots import LogLine
from console.stack.docker.frames import (
    MAX_FRAME,
    MAX_LINE,
    OVERLAP_MESSAGES,
    PART,
    Clock,
    LogDecoder,
    Taken,
    offset,
)
from tests.console.docker.fake_engine import BASE_S, frame, stamp

BASE_NS = BASE_S * 10**9


def message(text: bytes, at: int = 0, stream: int = 1, zone: str = "Z") -> bytes:
    return frame(stream, stamp(BASE_NS + at, zone).encode() + b" " + text)


def decoder(*, tty: bool = False) -> LogDecoder:
    return LogDecoder("app", "leads_app", tty=tty)


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines]


def test_a_line_has_its_time_stream_and_text() -> None:
    [line] = decoder().feed(message(b"h\xc3\xa9llo\n", at=123_456_789, stream=2))
    assert line == LogLine(line.at, "app", "leads_app", "héllo", "stderr")
    assert line.at == pytest.approx(BASE_S + 0.123456789, abs=1e-6)


def test_lines_come_out_the_same_however_the_bytes_are_cut() -> None:
    data = b"".join(message(b"line %d\n" % n, at=n, stream=1 + n % 2) for n in range(200))
    whole = decoder().feed(data)
    dice = random.Random(7)
    for _ in range(20):
        cut = decoder()
        got: list[LogLine] = []
        at = 0
        while at < len(data):
            step = dice.randint(1, 90)
            got += cut.feed(data[at : at + step])
            at += step
        assert got == whole
    assert texts(whole) == [f"line {n}" for n in range(200)]


def test_invalid_utf8_is_replaced_and_controls_are_kept_for_the_view_to_remove() -> None:
    assert texts(decoder().feed(message(b"a\xff\xfeb\x1b[31m\n"))) == ["a\ufffd\ufffdb\x1b[31m"]


def test_an_empty_line_and_carriage_returns() -> None:
    assert texts(decoder().feed(message(b"\n") + message(b"x\r\n"))) == ["", "x"]


def test_a_line_that_the_engine_split_is_joined_again() -> None:
    parts = [b"a" * PART, b"b" * PART, b"c\n"]
    [line] = decoder().feed(b"".join(message(part, at=n) for n, part in enumerate(parts)))
    assert line.text == "a" * PART + "b" * PART + "c"
    assert not line.cut
    assert line.at == pytest.approx(BASE_S, abs=1e-6)


def test_split_lines_of_both_streams_do_not_mix() -> None:
    data = message(b"out ", stream=1) + message(b"err ", stream=2) + message(b"one\n") + message(b"two\n", stream=2)
    assert texts(decoder().feed(data)) == ["out one", "err two"]


@pytest.mark.parametrize("tty", [False, True])
def test_a_megabyte_without_an_end_is_cut_and_costs_no_more_memory(tty: bool) -> None:
    lines = decoder(tty=tty)
    got: list[LogLine] = []
    for n in range(64):
        text = stamp(BASE_NS + n).encode() + b" " + b"x" * PART + (b"\n" if n == 63 else b"")
        got += lines.feed(text if tty else frame(1, text))
        assert len(lines._rest) <= 4 * MAX_LINE
    got += lines.feed(
        stamp(BASE_NS + 99).encode() + b" next\n" if tty else frame(1, stamp(BASE_NS + 99).encode() + b" next\n")
    )
    assert [line.cut for line in got] == [True, False]
    assert len(got[0].text) == MAX_LINE
    assert set(got[0].text) == {"x"}
    assert got[1].text == "next"


def test_one_large_frame_is_cut_too() -> None:
    [line] = decoder().feed(message(b"y" * (MAX_LINE + 1) + b"\n"))
    assert line.cut
    assert len(line.text) == MAX_LINE


def test_a_message_of_several_lines_becomes_several() -> None:
    assert texts(decoder().feed(message(b"a\nb\n"))) == ["a", "b"]


def test_with_a_terminal_lines_are_plain_and_split_ones_lose_their_inner_stamps() -> None:
    long = b"".join(stamp(BASE_NS + n).encode() + b" " + b"z" * PART for n in range(2))
    data = stamp(BASE_NS).encode() + b" hi\r\n" + long + stamp(BASE_NS + 3).encode() + b" end\r\n"
    got = decoder(tty=True).feed(data)
    assert texts(got) == ["hi", "z" * (2 * PART) + "end"]
    assert {line.stream for line in got} == {"stdout"}


def test_what_has_begun_when_the_container_stops_is_given_out() -> None:
    lines = decoder()
    assert lines.feed(message(b"password: ")) == []
    assert texts(lines.finish()) == ["password: "]
    assert lines.finish() == []
    plain = decoder(tty=True)
    assert plain.feed(stamp(BASE_NS).encode() + b" login: ") == []
    assert texts(plain.finish()) == ["login: "]


@pytest.mark.parametrize("tty", [False, True])
def test_reading_on_from_the_last_instant_neither_loses_nor_doubles(tty: bool) -> None:
    def one(text: bytes, at: int) -> bytes:
        plain = stamp(BASE_NS + at).encode() + b" " + text
        return plain if tty else frame(1, plain)

    # Three messages share an instant; two of them were seen before the stream broke in the third.
    old = one(b"old\n", -2 * 10**9)
    before = [one(b"a\n", 1), one(b"b\n", 2), one(b"c\n", 2)]
    lines = decoder(tty=tty)
    got = lines.feed(old + b"".join(before) + one(b"d\n", 2)[:7])
    assert lines.since == f"{BASE_S - 1}.000000002"
    lines.rewind()
    again = [*before, one(b"d\n", 2), one(b"e\n", 3)]
    got += lines.feed(b"".join(again))
    lines.rewind()
    got += lines.feed(b"".join(again) + one(b"f\n", 4))
    assert texts(got) == ["old", "a", "b", "c", "d", "e", "f"]


def test_a_log_out_of_the_order_of_its_stamps_is_read_on_whole() -> None:
    written = [message(b"%d\n" % n, at=at, stream=1 + n % 2) for n, at in enumerate([10, 50, 40, 60, 30, 70, 20, 80])]
    for cut in range(1, len(written)):
        lines = decoder()
        got = lines.feed(b"".join(written[:cut]))
        since = lines.since
        lines.rewind()
        got += lines.feed(b"".join(written))
        assert since == f"{BASE_S}.000000010"
        assert texts(got) == [str(n) for n in range(len(written))]


def test_what_is_remembered_for_reading_on_is_bounded() -> None:
    taken = Taken()
    for n in range(OVERLAP_MESSAGES + 10):
        assert not taken.known(BASE_NS + n, "stdout")
    assert len(taken._recent) == OVERLAP_MESSAGES
    assert taken.since == f"{BASE_S}.000000010"
    taken.known(BASE_NS + 5 * 10**9, "stdout")
    assert len(taken._recent) == 1
    assert taken.since == f"{BASE_S + 4}.000000000"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (b"2026-11-24T08:02:34.500000000Z x", 1795507354.5),
        (b"2026-11-24T10:02:34.500000000+02:00 x", 1795507354.5),
        (b"2026-11-24T02:32:34.5-05:30 x", 1795507354.5),
        (b"2026-11-24T08:02:34Z x", 1795507354.0),
    ],
)
def test_stamps_with_and_without_zone_and_fraction(text: bytes, at: float) -> None:
    found, width = Clock().read(text)
    assert found is not None
    assert found.at == pytest.approx(at)
    assert text[width:] == b"x"


@pytest.mark.parametrize("text", [b"", b"hello", b"2026-99-24T08:02:34Z x", b"2026-11-24 08:02:34 x"])
def test_what_is_no_stamp_is_text(text: bytes) -> None:
    assert Clock().read(text) == (None, 0)
    assert texts(decoder().feed(frame(1, text + b"\n"))) == [text.decode()]


def test_the_clock_follows_the_minute_and_the_zone() -> None:
    clock = Clock()
    stamps = [b"2026-11-24T08:02:59.0Z ", b"2026-11-24T08:03:00.0Z ", b"2026-11-24T08:03:00.0+01:00 "]
    ats = [found.at for found, _ in (clock.read(one) for one in stamps) if found]
    assert [ats[1] - ats[0], ats[2] - ats[0]] == [1.0, -3599.0]


def test_offsets() -> None:
    assert [offset(b"Z"), offset(b"+02:00"), offset(b"-05:30")] == [0, 7200, -19800]


def test_a_stream_out_of_step_is_noticed() -> None:
    with pytest.raises(StackError):
        decoder().feed(b"\x01\0\0\0" + (MAX_FRAME + 1).to_bytes(4, "big"))
