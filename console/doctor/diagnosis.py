"""Owns what a check says, and the running of checks: side by side, each bounded in time, none stopped by another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from api.errors import ServiceError
from console.checks import Verdict
from console.errors import ConsoleError
from console.format import safe

TIMEOUT_S = 20.0
"""For one check. What it asks has shorter limits of its own."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at: how it is, one line why, and how to mend it if it is not well. Holds no secret."""

    name: str
    verdict: Verdict
    text: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """All of it."""

    diagnoses: tuple[Diagnosis, ...]

    @property
    def ok(self) -> bool:
        """True unless something failed; warnings do not."""
        return all(one.verdict is not Verdict.FAIL for one in self.diagnoses)


Said = Sequence[Diagnosis]
Check = tuple[str, Callable[[], Awaitable[Said]]]
"""A check: the name it fails under, and what it does."""


def fine(name: str, text: str) -> Diagnosis:
    """It is well."""
    return Diagnosis(name, Verdict.OK, text)


def warn(name: str, text: str, mend: str = "") -> Diagnosis:
    """It may do, but should be seen to."""
    return Diagnosis(name, Verdict.WARN, text, mend)


def fail(name: str, text: str, mend: str = "") -> Diagnosis:
    """It is not well."""
    return Diagnosis(name, Verdict.FAIL, text, mend)


async def examine(checks: Iterable[Check], timeout_s: float = TIMEOUT_S) -> Examination:
    """Run all checks; what they say, in their order. Never raises."""
    said = await asyncio.gather(*(_said(name, check, timeout_s) for name, check in checks))
    return Examination(tuple(diagnosis for part in said for diagnosis in part))


async def _said(name: str, check: Callable[[], Awaitable[Said]], timeout_s: float) -> Said:
    try:
        async with asyncio.timeout(timeout_s):
            return await check()
    except TimeoutError:
        return (fail(name, f"no answer within {timeout_s:.0f} s", "run it again; leadsctl logs shows what is slow"),)
    except ConsoleError as error:
        return (fail(name, safe(str(error), 300), safe(error.hint, 300)),)
    except ServiceError as error:
        return (fail(name, safe(str(error), 300)),)
    except Exception as error:  # noqa: BLE001 - one check's defect must not hide what the others found
        # Its text may quote a setting.
        return (fail(name, f"could not be looked at: unexpected {type(error).__name__}", "this is a defect"),)
