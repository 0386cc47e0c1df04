"""Finds all that is known of one lead: rows, queued jobs and log lines, by any of its ids or by its e-mail address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

from api.models import JobPage, JobState, JobView, LeadDetails, LeadFilter, LeadPage
from console.errors import ConsoleError, UnreachableError
from console.forget import carries
from console.links import Links
from console.snapshots import LogLine
from console.trace import Trace, belongs, ids_of, traced

AT_MOST = 20
"""Leads, and queued jobs, of one trace."""
SCANNED_AT_MOST = 100_000
LINES_AT_MOST = 500
LOGS_TIMEOUT_S = 20.0
BEFORE_S = 5.0
AFTER_S = 60.0
"""How long before a request and after a job's end log lines are looked for: clocks differ."""
PLACES = (JobState.IN_FLIGHT, JobState.READY, JobState.RETRY, JobState.DEAD, JobState.DISCARDED)

Logs = Callable[[float], AsyncIterator[list[LogLine]]]
"""Batches of the services' lines from an epoch second on, in time order; ends at the newest."""


class Tracer:
    """Follows leads through the pipeline.

    Args:
        logs: None: log lines are left out.
    """

    def __init__(self, links: Links, logs: Logs | None) -> None:
        self._links = links
        self._logs = logs

    async def find(self, text: str) -> Trace:
        """All about a lead id, external id, job id, request id or e-mail address. Empty when nothing has it.

        What does not answer is left out, with a notice. UnreachableError when neither queue nor store answers.
        """
        text = text.strip()
        stored, queued = await asyncio.gather(self.stored(text), self.queued(text), return_exceptions=True)
        for each in (stored, queued):
            if isinstance(each, BaseException) and not isinstance(each, UnreachableError):
                raise each
        if isinstance(stored, BaseException) and isinstance(queued, BaseException):
            raise stored
        notices = [
            f"{name} not looked at: {each}"
            for name, each in (("rows", stored), ("queue", queued))
            if isinstance(each, BaseException)
        ]
        found: Sequence[LeadDetails] = () if isinstance(stored, BaseException) else stored
        views: Sequence[JobView] = () if isinstance(queued, BaseException) else queued
        if found:
            views = [view for view in views if _exactly(view, text)]
        lines: list[LogLine] = []
        if self._logs is not None and (found or views):
            lines, notice = await self._lines(self._logs, found, views)
            notices += [notice] if notice else []
        leads = tuple(details.lead for details in found if details.lead)
        return Trace(leads, traced(found, views, lines), tuple(notices))

    async def stored(self, text: str) -> tuple[LeadDetails, ...]:
        """The rows that have this id or address. UnreachableError when Postgres does not answer."""
        named = await self._links.read(lambda reader: reader.find(text, AT_MOST))
        if "@" not in text:
            return named
        known = {details.lead.id for details in named if details.lead}
        ids: list[int] = []
        page = LeadPage(())
        while True:  # a page may be short, or empty, and still not be the last
            page = await self._links.read(
                lambda reader, cursor=page.cursor: reader.page(LeadFilter(text=text), cursor, 10 * AT_MOST)  # type: ignore[misc]
            )
            mine = [lead.id for lead in page.leads if lead.email.casefold() == text.casefold()]
            ids += [id_ for id_ in mine if id_ not in known]
            if not page.cursor or len(ids) >= AT_MOST:
                break
        others = [await self._links.read(lambda reader, id_=id_: reader.details(id_)) for id_ in ids[:AT_MOST]]  # type: ignore[misc]
        return (*named, *others)[:AT_MOST]

    async def queued(self, text: str) -> tuple[JobView, ...]:
        """The queued jobs: by job id at once; by any other id in what each place lists, newest states first.

        A fragment of a job id counts only where no job has exactly this id, and a number never: it is in many of them,
        and what is meant is a lead.
        """
        if not text:
            return ()
        named = None if "@" in text else await self._links.inspect(lambda inspector: inspector.job(text))
        if named is not None and _exactly(named, text):
            return (named,)
        matches = [f"lead:{text}", f"request:{text}"]
        if "@" in text:
            # JSON may hold what is not ASCII in several forms: then every payload is read.
            matches.append(f"payload:{text}" if text.isascii() else "")
        found: dict[str, JobView] = {}
        for state in PLACES:
            for match in matches:
                async for view in self._matching(state, match):
                    if _exactly(view, text):
                        found[view.job.id] = view
                    if len(found) >= AT_MOST:
                        return tuple(found.values())
        return tuple(found.values()) or ((named,) if named and not text.isdecimal() else ())

    async def _matching(self, state: JobState, match: str) -> AsyncIterator[JobView]:
        page, scanned = JobPage(()), 0
        while scanned < SCANNED_AT_MOST:
            cursor = page.cursor
            page = await self._links.inspect(
                lambda inspector, cursor=cursor: inspector.jobs(state, cursor=cursor, limit=AT_MOST, match=match)  # type: ignore[misc]
            )
            for view in page.jobs:
                yield view
            scanned += page.scanned
            if not page.cursor:
                return

    async def _lines(
        self, logs: Logs, found: Sequence[LeadDetails], views: Sequence[JobView]
    ) -> tuple[list[LogLine], str]:
        """The lines that name one of the ids, and why there may be more, "" if there are not."""
        ids = ids_of(found, views)
        deliveries = [delivery for details in found for delivery in details.deliveries]
        starts = [d.received_at.timestamp() for d in deliveries] + [view.job.received_at for view in views]
        until = float("inf") if views else max((d.finished_at.timestamp() for d in deliveries), default=0.0) + AFTER_S
        lines: list[LogLine] = []
        try:
            async with asyncio.timeout(LOGS_TIMEOUT_S), aclosing(logs(min(starts) - BEFORE_S)) as batches:  # type: ignore[type-var]
                async for batch in batches:
                    lines += [line for line in batch if line.at <= until and belongs(line.text, ids)]
                    if len(lines) >= LINES_AT_MOST:
                        return lines[:LINES_AT_MOST], f"only the first {LINES_AT_MOST} log lines are shown"
                    if batch and batch[0].at > until:
                        break
        except TimeoutError:
            return lines, f"the logs are long: lines that took over {LOGS_TIMEOUT_S:.0f} s to find are left out"
        except ConsoleError as error:
            return lines, f"logs not looked at: {error}"
        return lines, ""


def _exactly(view: JobView, text: str) -> bool:
    named = text in (view.job.external_id, view.job.request_id) or text.upper() == view.job.id
    return named or ("@" in text and carries(view.job.payload, text))
