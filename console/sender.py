"""Sends webhooks to the stack: test leads, and leads that came before. Front ends go through the runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from api.models import JobView
from console import send
from console.errors import ConsoleError, UsageError
from console.format import safe
from console.links import Links
from console.ports import Result
from console.replay import Origin, of_job, of_lead
from console.replay import webhook as webhook_of
from console.send import Answer, Webhook
from console.sources.trace import Tracer
from console.wording import counted


@dataclass(frozen=True, slots=True)
class Sent(Result):
    """A result with what the stack answered."""

    answer: Answer | None = None


class Sender:
    """Makes webhooks with the stack's own secrets, and sends them to its web port.

    Args:
        stack: the stack's settings by name, as in its `.env`.
    """

    def __init__(self, stack: Callable[[], Mapping[str, str]], links: Links) -> None:
        self._stack = stack
        self._links = links

    async def test(self, args: Mapping[str, str]) -> Sent:
        """Send a test lead; `args` as of the verb send (console.ports.Action).

        Raises:
            UsageError: there is no such source, or the stack has no secret for it.
            UnreachableError: the web service does not answer.
        """
        fields = args.get("fields", "")
        webhook = send.prepare(
            self._stack(),
            source=args.get("source", "meta"),
            form=args.get("form", ""),
            fields=msgspec.json.decode(fields, type=dict[str, str]) if fields else None,
            external_id=args.get("id", ""),
            page=args.get("page", ""),
        )
        answer = await self._deliver(webhook)
        found = answer.result()
        return Sent(found.ok, found.text, found.changed, exit_code=found.exit_code, answer=answer)

    async def origin(self, text: str) -> Origin:
        """What has this id: a stored lead, else a queued or dead job. `text` as for `trace`, or a replay's target.

        Raises:
            ConsoleError: nothing has it.
            UsageError: several have.
        """
        found = await self._found(text)
        if not found:
            raise ConsoleError(
                f"nothing stored or queued has the id {safe(text, 60)}", "leadsctl leads search finds fragments"
            )
        if len(found) > 1:
            raise UsageError(
                f"{counted(len(found), 'lead')} have that: {', '.join(one.target for one in found[:5])}",
                "name one by the number of its row, or by its job",
            )
        return found[0]

    def webhook(self, origin: Origin) -> Webhook:
        """The signed request. ConsoleError when there can be none."""
        return webhook_of(origin, self._stack())

    async def replay(self, target: str) -> Sent:
        """Send a lead's webhook again ("lead 88213", "job 01J9…"). Raises as `origin`, `webhook` and `test` do."""
        origin = await self.origin(target)
        answer = await self._deliver(self.webhook(origin))
        text = f"{answer.status}: {safe(answer.body, 200)}"
        found = counts(answer)
        if found.get("accepted"):
            text = f"{origin.target} was accepted and is queued again"
        elif found.get("duplicates"):
            text = f"{origin.target} is a duplicate: the stack has it, and takes it once only"
        elif found:
            text = f"{origin.target} was taken, but holds no lead: it is a dead letter"
        changed, code = found.get("accepted", 0), 0 if answer.accepted else 1
        return Sent(answer.accepted, text, changed, exit_code=code, answer=answer)

    async def _found(self, text: str) -> list[Origin]:
        kind, _, id_ = text.partition(" ")
        if kind == "job" and id_:
            view = await self._links.inspect(lambda inspector: inspector.job(id_))
            return [of_job(view.job)] if view else []
        if kind == "lead" and id_.isdecimal() and len(id_) < 20:
            one = (await self._links.read(lambda reader: reader.details(int(id_)))).lead
            return [of_lead(one)] if one else []
        tracer = Tracer(self._links, None)
        stored = [details.lead for details in await tracer.stored(text.strip()) if details.lead]
        if stored:
            return [of_lead(lead) for lead in {lead.id: lead for lead in stored}.values()]
        queued: tuple[JobView, ...] = await tracer.queued(text.strip())
        return [of_job(view.job) for view in queued]

    async def _deliver(self, webhook: Webhook) -> Answer:
        return await send.deliver((await self._links.endpoints()).web_url, webhook)


def counts(answer: Answer) -> dict[str, int]:
    """How many leads were accepted, duplicates and ignored, as the answer says; empty when it says something else."""
    if not answer.accepted:
        return {}
    try:
        return msgspec.json.decode(answer.body, type=dict[str, int])
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return {}
