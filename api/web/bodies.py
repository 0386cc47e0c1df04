"""Owns the room for bodies: how large one may be, how much all that are held at once, and how many are received."""

from __future__ import annotations

from api.errors import RejectedError, UnavailableError
from api.settings import Settings


class BusyError(UnavailableError):
    """More is being received than this process may hold at once."""


class Room:
    """What all bodies of a process share. Whoever takes room gives it back."""

    __slots__ = ("active", "held", "max_active", "max_bytes", "max_held")

    def __init__(self, settings: Settings) -> None:
        self.max_bytes = settings.max_body_bytes
        self.max_held = settings.max_buffered_bytes
        self.max_active = settings.max_requests
        self.held = 0
        """Bytes held now, over all requests."""
        self.active = 0
        """Webhooks that are being received or answered now."""


class Body:
    """One body on its way in, in as little memory as it has bytes however small its pieces are."""

    __slots__ = ("_room", "_text", "declared", "size")

    def __init__(self, room: Room, content_length: bytes | None) -> None:
        """`content_length` is the header as sent, None for a body that tells its length at its end.

        Raises:
            RejectedError: 413 larger than allowed, 400 not a length.
            BusyError: there is no room for another one.
        """
        if content_length is None:
            self.declared = -1
        else:
            if not content_length.isdigit() or len(content_length) > 18:
                raise RejectedError(400, "Content-Length is not a number")
            self.declared = int(content_length)
            if self.declared > room.max_bytes:
                raise RejectedError(413, _too_large(room))
        if room.active >= room.max_active:
            raise BusyError("too many webhooks at once")
        if room.held > room.max_held:
            raise BusyError("too much is being received at once")
        room.active += 1
        self._room = room
        self._text: bytes | bytearray = b""
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Keep a piece.

        Raises:
            RejectedError: 413, the body has become too large.
            BusyError: all bodies together have.
        """
        room = self._room
        if not self.size:
            self._text = piece
        elif isinstance(self._text, bytes):
            self._text = bytearray(self._text)
            self._text += piece
        else:
            self._text += piece
        self.size += len(piece)
        room.held += len(piece)
        if self.size > room.max_bytes:
            raise RejectedError(413, _too_large(room))
        if room.held > room.max_held:
            raise BusyError("too much is being received at once")

    def whole(self) -> bytes:
        """All of it; it counts as held until `close`. RejectedError (400) if it has another length than was said."""
        if 0 <= self.declared != self.size:
            raise RejectedError(400, "the body is not as long as Content-Length says")
        return bytes(self._text)

    def close(self) -> None:
        """Give the room back; once."""
        self._room.held -= self.size
        self._room.active -= 1
        self._text = b""


def _too_large(room: Room) -> str:
    return f"the body is larger than {room.max_bytes} bytes"
