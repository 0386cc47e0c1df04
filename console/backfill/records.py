"""Owns the values of a backfill: what is wanted, what came of each form, and the whole in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from console.format import number
from console.ports import Result
from console.wording import counted

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which leads: those of `forms`, or of every form of `page`, that were created after `since` (epoch seconds).

    `page` beside `forms` says whose they are. `afresh`: not from where a backfill was stopped. `dry`: only count.
    """

    since: float
    forms: tuple[str, ...] = ()
    page: str = ""
    afresh: bool = False
    dry: bool = False


@dataclass(slots=True)
class Count:
    """What came of one form so far.

    Attributes:
        read: leads that the Graph API listed.
        known: of these, came before or are queued.
        missing: the others; they have been queued, unless it was only counted.
        resumed: a backfill that had been stopped was gone on with.
        done: the listing was read to its end.
        error: why not, one line, with a `hint` and an exit code.
    """

    form: str
    page: str = ""
    name: str = ""
    read: int = 0
    known: int = 0
    missing: int = 0
    resumed: bool = False
    done: bool = False
    error: str = ""
    hint: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a backfill. `run` is the request id of the jobs it made; `stopped`: the operator had it end."""

    run: str
    dry: bool
    since: float
    forms: tuple[Count, ...]
    stopped: bool = False

    @property
    def read(self) -> int:
        """Leads listed."""
        return sum(count.read for count in self.forms)

    @property
    def known(self) -> int:
        """Leads that came before."""
        return sum(count.known for count in self.forms)

    @property
    def missing(self) -> int:
        """Leads that had not come: queued, unless it was only counted."""
        return sum(count.missing for count in self.forms)

    @property
    def failed(self) -> Count | None:
        """The first form that could not be read to its end, if there is one."""
        return next((count for count in self.forms if count.error), None)

    def result(self) -> Result:
        """The same as a front end shows what became of an action."""
        did = (
            f"{counted(self.missing, 'lead')} {'missing' if self.dry else 'queued'}, {number(self.known)} known already"
        )
        if self.stopped:
            again = "run it again to go on" if not self.dry else ""
            return Result(False, f"stopped: {did} so far", self._changed, again, INTERRUPTED)
        if bad := self.failed:
            others = sum(bool(count.error) for count in self.forms) - 1
            more = f" ({counted(others, 'more form')} failed)" if others else ""
            text = f"{did}; form {bad.form}: {bad.error}{more}"
            return Result(False, text, self._changed, bad.hint or "run it again to go on", bad.exit_code or 1)
        forms = "" if len(self.forms) == 1 else f" of {counted(len(self.forms), 'form')}"
        return Result(True, f"{did}{forms}", self._changed)

    @property
    def _changed(self) -> int:
        return 0 if self.dry else self.missing
