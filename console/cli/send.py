"""The command send: one signed test webhook, and what the stack answered."""

from __future__ import annotations

from json import dumps as encode
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation
from console.errors import UsageError

if TYPE_CHECKING:
    from console.send import Answer
    from console.session import Session


def send(
    ctx: typer.Context,
    *,
    source: Annotated[
        str, typer.Option("--source", metavar="SOURCE", help="As meta, google or typeform.", show_default=True)
    ] = "meta",
    form: Annotated[str, typer.Option("--form", metavar="NAME", help="As the web form NAME, instead of Meta.")] = "",
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field", metavar="NAME=VALUE", help="An answer, of any source but Meta; give it again for more."
        ),
    ] = None,
    lead: Annotated[
        str,
        typer.Option("--id", metavar="ID", help="The sender's id of the lead; made up otherwise. Twice: a duplicate."),
    ] = "",
    page: Annotated[str, typer.Option("--page", metavar="ID", help="Meta's page; of no other source.")] = "",
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Send a signed test webhook to the stack.

    It is signed with the stack's own secret, from its .env. Meta's carries only an id: the worker then asks the Graph
    API for the answers, so that a made-up id ends as a dead letter. Any other lead is stored as it is, marked as a
    test.
    """
    fields = _fields(field or [])
    if form and source != "meta":
        raise UsageError("--form is a web form's lead: it does not go with --source")
    if field and not form and source == "meta":
        raise UsageError("--field goes with --form or --source: Meta's webhooks carry no answers")
    if page and (form or source != "meta"):
        raise UsageError("--page is Meta's: no other source has one")
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        from console.cli.act import finish, refuse_if_read_only
        from console.ports import Action, Verb
        from console.sender import Sent

        refuse_if_read_only(session, "send")
        args = {"source": source, "form": form, "id": lead, "page": page}
        if fields:
            args["fields"] = encode(fields)
        action = Action(Verb.SEND, (), {name: value for name, value in args.items() if value})
        result = await inv.narrator.follow(session.runner.run(action))
        if not isinstance(result, Sent) or result.answer is None:
            return finish(inv, result)
        _show(inv, result.answer)
        return result.exit_code

    return inv.run(body)


def _show(inv: Invocation, answer: Answer) -> None:
    from console.cli.documents import send_document
    from console.format import Cell, Tone, safe, took

    if inv.json:
        inv.output.document(send_document(answer))
    else:
        tone = Tone.OK if answer.accepted else Tone.BAD
        inv.output.line(Cell(str(answer.status), tone), f" in {took(answer.took_s)}  {safe(answer.body, 2_000)}")
    inv.narrator.say(f"lead {answer.external_id}, request {answer.request_id or '–'}")


def _fields(pairs: list[str]) -> dict[str, str]:
    fields = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--field {pair} is not NAME=VALUE")
        try:
            pair.encode()
        except UnicodeEncodeError:
            raise UsageError(f"--field {pair} is not UTF-8") from None
        fields[name] = value
    return fields
