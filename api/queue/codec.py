"""Owns what the queue's values look like in Redis: jobs, notes, heartbeats, pauses and warnings as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from api.models import Attempt, Job, PagePause, WorkerState

ERROR_LENGTH = 500
TEXT_LENGTH = 500
KEY_LENGTH = 200
HISTORY_LENGTH = 20
UNREADABLE = "unreadable"


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a parked job beside the job itself.

    Attributes:
        seq: as in Job.
        at: when it came to its place, epoch milliseconds of the server; filled in by the scripts.
        page: as in Job, to count those that wait for it.
        error: why it is there.
        worker: who held it last.
        was: the state it was discarded from.
        waits: it waits for its page's calls to go on, rather than for its own next attempt.
    """

    seq: int = 0
    at: int = 0
    page: str = ""
    error: str = ""
    worker: str = ""
    was: str = ""
    waits: bool = False


class Beat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A worker's heartbeat. `at` is epoch milliseconds of the server, filled in by the script."""

    at: int = 0
    pid: int = 0
    host: str = ""
    started_at: float = 0.0
    stored: int = 0
    failed: int = 0
    state: WorkerState = WorkerState()


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A page's pause. `ends` (epoch ms, 0: open) is read by scripts and has to stay the first field.

    The others are as in PagePause.
    """

    ends: int
    kind: str
    reason: str
    name: str = ""
    lead: str = ""
    tries: int = 0
    next_at: float = 0.0


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """A warning as the script `warn` writes it; times are epoch milliseconds of the server."""

    count: int
    first_ms: int
    last_ms: int
    text: str


_encoder = msgspec.json.Encoder()
_job_decoder = msgspec.json.Decoder(Job)
_note_decoder = msgspec.json.Decoder(Note)
_pause_decoder = msgspec.json.Decoder(Pause)


def encode(value: msgspec.Struct) -> bytes:
    """A struct as JSON. Lone surrogates, which no UTF-8 can hold, become question marks."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(msgspec.convert(_without_surrogates(msgspec.to_builtins(value)), type(value)))


def encode_job(job: Job) -> bytes:
    """A job with its history cut to the last attempts and their errors to one bounded text."""
    if job.history and (len(job.history) > HISTORY_LENGTH or any(len(a.error) > ERROR_LENGTH for a in job.history)):
        history = tuple(_bounded(attempt) for attempt in job.history[-HISTORY_LENGTH:])
        job = msgspec.structs.replace(job, history=history)
    return encode(job)


def decode_job(value: bytes, seq: int) -> Job:
    """A job from its JSON; `seq` is kept beside it. ValueError if it is none."""
    job = _job_decoder.decode(value)
    return job if job.seq == seq else msgspec.structs.replace(job, seq=seq)


def job_or_rest(value: bytes, seq: int, name: str) -> Job:
    """As `decode_job`, but what cannot be read becomes a job of the source "unreadable" with the text as payload.

    So an entry written by hand, or by another version, can still be seen and buried instead of stopping the line.
    `name` (where it was found) becomes its id.
    """
    try:
        return decode_job(value, seq)
    except ValueError:
        payload = _encoder.encode(text(value)).decode()
        return Job(id=name, source=UNREADABLE, external_id=name, payload=payload, received_at=0.0, seq=seq)


def decode_note(value: bytes | None) -> Note:
    """A note; an empty one where there is none or it cannot be read."""
    try:
        return _note_decoder.decode(value) if value else Note()
    except ValueError:
        return Note()


def pauses_in(pages: Iterable[tuple[bytes, bytes]]) -> tuple[PagePause, ...]:
    """Pauses from (page, JSON) pairs, by page; what cannot be read is left out."""
    found = []
    for page, value in pages:
        try:
            pause = _pause_decoder.decode(value)
        except ValueError:
            continue
        found.append(
            PagePause(
                text(page),
                pause.kind,
                pause.ends / 1000,
                pause.reason,
                name=pause.name,
                lead=pause.lead,
                tries=pause.tries,
                next_at=pause.next_at,
            )
        )
    return tuple(sorted(found, key=lambda pause: pause.page))


def pairs(flat: Sequence[bytes]) -> Iterable[tuple[bytes, bytes]]:
    """(key, value) pairs from the flat list that HGETALL gives."""
    return zip(flat[::2], flat[1::2], strict=True)


def text(value: bytes) -> str:
    """Bytes from Redis as text, whatever they are."""
    return value.decode("utf-8", "replace")


def clip(words: str, length: int = ERROR_LENGTH) -> str:
    """A text within bounds, an ellipsis where it was cut."""
    return words if len(words) <= length else words[: length - 1] + "…"


def _bounded(attempt: Attempt) -> Attempt:
    return msgspec.structs.replace(attempt, error=clip(attempt.error))


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
