"""Turns values into words fit for an operator's one line: text from outside made safe, numbers, ages, times. Pure."""

from __future__ import annotations

import re
import time
import unicodedata

ELLIPSIS = "…"
MAX_TEXT = 500
"""Characters kept of one piece of outside text in a cell or a message."""

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor moves
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS…: titles, clipboards
    r"|\x1b[ -/]*[0-~]?"
)
_MARKS = re.compile(r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{2})"
                    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")  # fmt: skip
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_UNKNOWN = "\ufffd"


class _SafeTable(dict[int, str | None]):
    """Code point → what may be shown of it; filled as code points come up, and bounded against a hostile parade."""

    def __missing__(self, code: int) -> str | None:
        if len(self) > 20_000:
            self.clear()
        shown = self[code] = _shown(code)
        return shown


def _shown(code: int) -> str | None:
    char = chr(code)
    category = unicodedata.category(char)
    if char in "\t\n\r\v\f" or char in _BLANKS or category in ("Zl", "Zp"):
        return " "
    if category == "Zs":
        return char if char == "\u3000" else " "
    if category in ("Cc", "Cf"):
        return None
    if category in ("Cs", "Co", "Cn"):
        return _UNKNOWN
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x1F3FB <= code <= 0x1F3FF:
        return None  # variation selectors and skin tones: terminals disagree about their width
    if 0x1F1E6 <= code <= 0x1F1FF:
        return chr(ord("A") + code - 0x1F1E6)  # half of a flag: same reason
    return char


_SAFE = _SafeTable()


def safe(text: object, limit: int = MAX_TEXT) -> str:
    """One line of `text` with nothing in it that moves a cursor, hides, reorders or widens what is shown.

    Terminal escapes, C0, C1, bidi controls and zero-width characters go; line breaks and tabs become spaces; piles of
    combining marks are cut to two. At most `limit` characters, the last an ellipsis if something was cut.
    """
    raw = text if isinstance(text, str) else str(text)
    cut = len(raw) > limit * 2 + 64
    if cut:
        raw = raw[: limit * 2 + 64]
    if not (raw.isascii() and raw.isprintable()):
        raw = _ESCAPES.sub("", raw).translate(_SAFE)
        if not raw.isascii():
            raw = _MARKS.sub(r"\1", raw)
    if len(raw) > limit or cut:
        raw = raw[: max(limit - 1, 0)] + ELLIPSIS
    return raw


def number(value: float) -> str:
    """Grouped by thousands: 18402 → "18,402"."""
    return f"{value:,.0f}"


def rate(per_second: float | None) -> str:
    """Things a second: "312/s", "0.4/s"; unknown is "–/s"."""
    if per_second is None:
        return "–/s"
    if per_second == 0 or per_second >= 9.95:
        return f"{per_second:,.0f}/s"
    return f"{per_second:.1f}/s" if per_second >= 0.05 else "<0.1/s"


def age(seconds: float) -> str:
    """A short age: "4 s", "12 min", "5 h", "2 d". Negative is "0 s"."""
    seconds = max(seconds, 0.0)
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds < 59.5 else "1 min"
    if seconds < 3_570:
        return f"{seconds / 60:.0f} min"
    if seconds < 47.5 * 3_600:
        return f"{seconds / 3_600:.0f} h"
    return f"{seconds / 86_400:,.0f} d"


def clock(epoch_s: float) -> str:
    """Local time of day: "12:04:33"; 0 is "–"."""
    return time.strftime("%H:%M:%S", time.localtime(epoch_s)) if 0 < epoch_s < 1e11 else "–"
