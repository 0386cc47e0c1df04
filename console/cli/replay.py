"""The command leads replay: a lead's signed webhook once more, shown or sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation

if TYPE_CHECKING:
    from console.replay import Origin
    from console.send import Answer, Webhook
    from console.session import Session


def replay(
    ctx: typer.Context,
    *,
    lead: Annotated[
        str, typer.Argument(metavar="LEAD", help="Id of a lead, a job or a request, or the sender's id of the lead.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the request, masked.")] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Send a lead's webhook to the stack once more.

    It is made of what is stored or queued, and signed with the stack's own secret as its sender would. What the stack
    has already is a duplicate and is not stored twice.
    """
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        from console.cli.act import finish, refuse_if_read_only
        from console.ports import Action, Verb
        from console.sender import Sent

        if not dry_run:
            refuse_if_read_only(session, "replay")
        origin = await session.sender.origin(lead)
        webhook = session.sender.webhook(origin)
        if dry_run:
            _show(inv, origin, webhook)
            return 0
        result = await inv.narrator.follow(session.runner.run(Action(Verb.REPLAY, (origin.target,))))
        if inv.json and isinstance(result, Sent) and result.answer is not None:
            inv.output.document(_document(origin, webhook, result.answer))
            return result.exit_code
        return finish(inv, result)

    return inv.run(body)


def _show(inv: Invocation, origin: Origin, webhook: Webhook) -> None:
    from console.format import safe
    from console.replay import shown_body, shown_headers

    if inv.json:
        inv.output.document(_document(origin, webhook, None))
        return
    inv.output.line(f"POST {safe(webhook.path)}")
    for name, value in shown_headers(webhook).items():
        inv.output.line(f"{name}: {safe(value)}")
    inv.output.line()
    inv.output.line(shown_body(webhook))
    inv.narrator.say(f"{origin.target}; nothing was sent")


def _document(origin: Origin, webhook: Webhook, answer: Answer | None) -> object:
    from console.cli.shapes import ReplayDocument
    from console.replay import shown_body, shown_headers
    from console.sender import counts

    found = counts(answer) if answer is not None else {}
    return ReplayDocument(
        target=origin.target,
        source=origin.source,
        external_id=origin.external_id,
        method="POST",
        path=webhook.path,
        headers=shown_headers(webhook),
        body=shown_body(webhook),
        accepted=bool(found.get("accepted")),
        duplicate=bool(found.get("duplicates")),
        answer=answer,
    )
