"""What checks said, in short."""

from __future__ import annotations

from collections.abc import Iterable

from console.checks import Verdict
from console.doctor.diagnosis import Diagnosis


def verdicts(said: Iterable[Diagnosis]) -> list[tuple[str, str]]:
    """Name and verdict of each. Whatever is not well says how it is mended."""
    said = list(said)
    for one in said:
        assert one.verdict is not Verdict.FAIL or one.mend, one
    return [(one.name, one.verdict.value) for one in said]


def texts(said: Iterable[Diagnosis]) -> str:
    """Everything that was said."""
    return "\n".join(f"{one.name} {one.text} {one.mend}" for one in said)
