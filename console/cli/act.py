"""Carries out one action for a command: what it risks, the question, the steps, the result, the exit code."""

from __future__ import annotations

from collections.abc import Sequence

from console.cli.invocation import Invocation
from console.errors import ReadOnlyError, UsageError
from console.ports import Action, Result
from console.session import Session


async def act(inv: Invocation, session: Session, action: Action, *, question: str = "", yes: bool = False) -> int:
    """Do it and tell how it went; the exit code.

    Args:
        question: what is asked before a destructive verb ("" for one that is not).
        yes: the answer was given with the command.

    Raises:
        UsageError: a question must be asked and nobody is there to answer.
        ReadOnlyError: the console may not change anything.
    """
    refuse_if_read_only(session, action.verb.value)
    if question and not await agreed(inv, session, action, question, yes=yes):
        inv.narrator.say("nothing was done")
        return 1
    result = await inv.narrator.follow(session.runner.run(action))
    return finish(inv, result)


async def agreed(inv: Invocation, session: Session, action: Action, question: str, *, yes: bool) -> bool:
    """Whether the operator wants it, after having read what it risks."""
    narrator = inv.narrator
    if not yes and not inv.narrator.asks:
        raise UsageError(f"{action.verb} asks first, and there is no terminal to ask on", "add --yes to do it unasked")
    for line in await session.runner.warnings(action):
        narrator.warn(line, asking=not yes)
    return yes or narrator.confirm(question)


async def named_to_agree(inv: Invocation, session: Session, action: Action, confirm: str, *, why: str, to: str) -> bool:
    """Whether the operator named the stack, by typing its name or with `--confirm`, having read what it risks.

    Args:
        confirm: the name given with the command, "" for none.
        why: what is at stake, told where nobody is there to ask.
        to: what typing the name does, as in "Type leads to …:".

    Raises:
        UsageError: another name was given, or none and nobody is there to type it.
    """
    name = session.stack_name
    if confirm and confirm != name:
        raise UsageError(f"the stack is called {name}, not {confirm}")
    if not confirm and not inv.narrator.asks:
        raise UsageError(f"{why}, and there is no terminal to ask on", f"add --confirm {name}")
    for line in await session.runner.warnings(action):
        inv.narrator.warn(line, asking=not confirm)
    return bool(confirm) or inv.narrator.typed(f"Type {name} to {to}:", name)


def finish(inv: Invocation, result: Result) -> int:
    """Tell a result: as a document with --json, else as narration. Its exit code."""
    if inv.json:
        inv.output.document(result)
    if result.ok:
        inv.narrator.say(result.text)
        return 0
    inv.narrator.error(result.text, result.hint)
    return result.exit_code or 1


def refuse_if_read_only(session: Session, verb: str) -> None:
    """Say no before anything is read or asked."""
    if session.runner.read_only:
        raise ReadOnlyError(f"{verb} is refused: the console is read-only", session.settings.to_write)


def named(targets: Sequence[str], everything: str) -> str:
    """The targets as in a sentence."""
    return ", ".join(targets) if targets else everything
