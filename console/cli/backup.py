"""The commands backup and restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation

if TYPE_CHECKING:
    from console.backup.archive import Manifest
    from console.ports import Action
    from console.session import Session


def backup(
    ctx: typer.Context,
    *,
    directory: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Where to write it; backup.dir in config.toml.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option("--keep", metavar="N", min=0, help="Let only so many of this stack's stay; 0: all.")
    ] = None,
    recipient: Annotated[
        str, typer.Option("--recipient", metavar="AGE1…", help="Encrypt it for this age public key.")
    ] = "",
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Back up leads and queue while the stack runs, in one archive.

    Every lead that was acknowledged before it begins is inside. The archive is read back and its sums are checked
    before it appears in its place; one that is encrypted can only be checked with its identity (restore --dry-run).
    From cron: 0 3 * * * leadsctl -q backup --keep 14
    """
    inv = invocation(ctx, json=json, quiet=quiet)
    inv.options |= {"backup.dir": directory, "backup.keep": keep, "backup.recipient": recipient}

    async def body(session: Session) -> int:
        from console.cli.act import act
        from console.ports import Action, Verb

        return await act(inv, session, Action(Verb.BACKUP, (), session.backup_wanted()))

    return inv.run(body)


def restore(
    ctx: typer.Context,
    *,
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="An archive that backup made.")],
    identity: Annotated[
        Path | None, typer.Option("--identity", metavar="FILE", help="The age identity of an encrypted one.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the archive, and whether it fits.")] = False,
    confirm: Annotated[
        str, typer.Option("--confirm", metavar="STACK", help="The stack's name, instead of typing it when asked.")
    ] = "",
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Restore an archive into the stack, which must be up.

    The archive is checked first, and refused if it does not fit. All that was there is kept until what is restored is
    in place. A stack that holds anything is only replaced once its name has been typed.
    """
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        from console.cli.act import act, refuse_if_read_only
        from console.ports import Action, Verb

        manifest = await _checked(inv, archive, identity)
        if dry_run:
            return await _fits(inv, session, manifest)
        refuse_if_read_only(session, "restore")
        action = Action(Verb.RESTORE, (str(archive),), {"identity": str(identity)} if identity else {})
        if not await _agreed(inv, session, action, confirm):
            inv.narrator.say("nothing was done")
            return 1
        return await act(inv, session, action)

    return inv.run(body)


async def _checked(inv: Invocation, archive: Path, identity: Path | None) -> Manifest:
    """The archive's manifest, once every sum is right."""
    from console.backup.restoring import checked
    from console.snapshots import Progress

    steps = inv.narrator.steps()
    try:
        async for step in checked(archive, identity):
            if not isinstance(step, Progress):
                return step
            steps.step(step)
    finally:
        steps.end()
    raise AssertionError("an archive ends with its manifest")


async def _fits(inv: Invocation, session: Session, manifest: Manifest) -> int:
    from console.backup.restoring import as_of, misfit
    from console.format import safe

    reason = misfit(manifest, await session.restorer().target())
    if inv.json:
        inv.output.document({"manifest": manifest, "fits": reason is None, "reason": reason[0] if reason else ""})
    else:
        inv.output.line(f"whole: {manifest.leads:,} leads of {safe(manifest.stack, 60)} as of {as_of(manifest)}")
        inv.output.line("it fits this stack" if reason is None else f"it does not fit: {reason[0]}")
    return 0 if reason is None else 1


async def _agreed(inv: Invocation, session: Session, action: Action, confirm: str) -> bool:
    """Whether the stack may be replaced: it is empty, or its name was typed."""
    from console.cli.act import named_to_agree

    target = await session.restorer().target()
    if not target.full:
        return True
    why = f"the stack holds {target.leads:,} leads"
    return await named_to_agree(inv, session, action, confirm, why=why, to="replace what the stack holds")
