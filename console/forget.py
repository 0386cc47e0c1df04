"""Erases a person's data: rows, queued jobs and dead letters. The accounting stays true; what was done is recorded."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from api.models import Job, JobPage, JobState, JobView, Lead, LeadFilter, LeadPage
from console.links import Links
from console.ports import Result
from console.snapshots import Progress
from console.wording import counted

PAGE = 500
PLACES = (JobState.IN_FLIGHT, JobState.READY, JobState.RETRY, JobState.DEAD, JobState.DISCARDED)
IN_FLIGHT_WAIT_S = 30.0
LEAD, JOB = "lead ", "job "
MAX_DEPTH = 100
_PHONE = re.compile(r"[+( ]{0,3}[0-9][0-9 ()/.\u2010-\u2015-]{5,30}")


@dataclass(frozen=True, slots=True)
class Person:
    """What is stored and queued of somebody."""

    leads: tuple[Lead, ...]
    jobs: tuple[JobView, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets of the verb forget."""
        return (*(f"{LEAD}{lead.id}" for lead in self.leads), *(f"{JOB}{view.job.id}" for view in self.jobs))


class Forgetter:
    """Finds and erases what is known of a person."""

    def __init__(self, links: Links, operator: str) -> None:
        self._links = links
        self._operator = operator

    async def find(self, text: str) -> Person:
        """All leads and jobs with exactly this e-mail address, phone number, lead id or external id.

        A job of Meta that was not read yet holds ids only: it is found by these, or once it is a row.
        """
        text = text.strip()
        leads = await self._leads(text)
        known = {(lead.source, lead.external_id) for lead in leads}
        return Person(leads, tuple([view async for view in self._jobs(text, known)]))

    async def forget(self, targets: Sequence[str]) -> AsyncIterator[Progress | Result]:
        """Erase these leads and jobs ("lead 7", "job 01J9…"): rows first, then the queue; steps, then a result."""
        lead_ids = [int(target.removeprefix(LEAD)) for target in targets if target.startswith(LEAD)]
        job_ids = [target.removeprefix(JOB) for target in targets if target.startswith(JOB)]
        rows = await self._links.read(lambda reader: reader.forget(self._operator, lead_ids, len(job_ids)))
        yield Progress(f"{counted(rows, 'row')} erased", done=rows, total=len(lead_ids))
        held: list[str] = []
        erased = 0
        for done, job_id in enumerate(job_ids, 1):
            kept = await self._erase(job_id)
            held += [kept] if kept else []
            erased += not kept
            yield Progress("queued jobs erased", service="queue", done=done, total=len(job_ids))
        if job_ids:
            await self._links.operate(lambda operator: operator.rewrite_aof())
        text = f"{counted(rows, 'lead')} and {counted(erased, 'queued job')} erased"
        if held:
            yield Result(False, f"{text}; {held[0]}", rows + erased, "run it again in a moment", 1)
        else:
            yield Result(True, text, rows + erased)

    async def _leads(self, text: str) -> tuple[Lead, ...]:
        found: dict[int, Lead] = {}
        for details in await self._links.read(lambda reader: reader.find(text)):
            if details.lead and text in (str(details.lead.id), details.lead.external_id):
                found[details.lead.id] = details.lead
        for wanted in dict.fromkeys((text, phone_figures(text) or text)):
            page = LeadPage(())
            while True:
                page = await self._links.read(
                    lambda reader, wanted=wanted, cursor=page.cursor: reader.page(LeadFilter(text=wanted), cursor, PAGE)  # type: ignore[misc]
                )
                found |= {lead.id: lead for lead in page.leads if _is(lead, text)}
                if not page.cursor:
                    break
        return tuple(found.values())

    async def _jobs(self, text: str, known: set[tuple[str, str]]) -> AsyncIterator[JobView]:
        """Every queued job that has the text or one of the leads' ids for its own, or carries the address or number.

        Any other text is no answer that names somebody: "3" or "yes" stands in many a payload.
        """
        names_somebody = "@" in text or bool(phone_figures(text))
        for state in PLACES:
            page = JobPage(())
            while True:
                page = await self._links.inspect(
                    lambda inspector, state=state, cursor=page.cursor: inspector.jobs(state, cursor=cursor, limit=PAGE)  # type: ignore[misc]
                )
                for view in page.jobs:
                    job = view.job
                    mine = (job.source, job.external_id) in known or text in (job.id, job.external_id)
                    if mine or (names_somebody and carries(job.payload, text)):
                        yield view
                if not page.cursor:
                    break

    async def _erase(self, job_id: str) -> str:
        """Take one job out of the queue for good; why that was impossible, "" if it was done or is not there."""
        deadline = asyncio.get_running_loop().time() + IN_FLIGHT_WAIT_S
        while True:
            view = await self._links.inspect(lambda inspector: inspector.job(job_id))
            if view is None:
                return ""
            if view.state is not JobState.DISCARDED:
                reason = await self._discard(view.job)
                if reason and asyncio.get_running_loop().time() < deadline:
                    await asyncio.sleep(0.5)
                    continue
                if reason:
                    return reason
            await self._links.operate(lambda operator: operator.erase([job_id]))
            return ""

    async def _discard(self, job: Job) -> str:
        if not await self._links.read(lambda reader: reader.mark_discarded([job])):
            return f"job {job.id} is being stored"
        changed = await self._links.operate(lambda operator: operator.discard([job.id]))
        return "; ".join(f"job {id_} {reason}" for id_, reason in changed.refused)


def _is(lead: Lead, text: str) -> bool:
    if figures := phone_figures(text):
        return figures in (phone_figures(lead.phone), phone_figures(lead.phone_e164))
    return bool(lead.email) and lead.email.casefold() == text.casefold()


def carries(payload: str, text: str) -> bool:
    """Whether a value in a payload is this address or number."""
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return text.casefold() in payload.casefold()
    return _within(value, text.strip().casefold(), phone_figures(text))


def _within(value: Any, folded: str, figures: str, depth: int = 0) -> bool:
    if depth > MAX_DEPTH:
        return False
    if isinstance(value, dict):
        return any(_within(each, folded, figures, depth + 1) for each in value.values())
    if isinstance(value, list):
        return any(_within(each, folded, figures, depth + 1) for each in value)
    said = (
        str(value).strip().casefold()
        if isinstance(value, str | int) and value is not True and value is not False
        else ""
    )
    return bool(said) and (said == folded or (bool(figures) and phone_figures(said) == figures))


def phone_figures(text: str) -> str:
    """The digits of what looks like a phone number, however it is written; "" for anything else."""
    plain = unicodedata.normalize("NFKC", text).strip()
    return re.sub(r"\D", "", plain) if _PHONE.fullmatch(plain) else ""
