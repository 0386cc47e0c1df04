"""Where a job's new payload is taken from: what has no end, is too large, or is no file, is refused in a line."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from console.cli.payload import MOST, edited
from console.errors import ConsoleError, UsageError

if TYPE_CHECKING:
    from api.models import JobView
    from console.session import Session


async def taken(given: str | None = None, file: Path | None = None) -> str | None:
    """The payload that comes of it."""
    return await edited(cast("Session", None), cast("JobView", None), given=given, file=file)


async def test_a_file_without_an_end_is_refused() -> None:
    with pytest.raises(UsageError, match="no larger than 4,000,000"):
        await taken(file=Path("/dev/zero"))


@pytest.mark.parametrize(("over", "refused"), [(0, False), (1, True)])
async def test_as_much_is_read_as_the_queue_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, over: int, refused: bool
) -> None:
    text = "x" * (MOST + over)
    file = tmp_path / "payload"
    file.write_text(text)
    for words in ({"file": file}, {"given": "-"}):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        if refused:
            with pytest.raises(UsageError, match="no larger than"):
                await taken(**words)
        else:
            assert await taken(**words) == text


@pytest.mark.parametrize(("name", "says"), [("", "Is a directory"), ("none", "No such file")])
async def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(ConsoleError, match=f"cannot be read: {says}"):
        await taken(file=tmp_path / name)
