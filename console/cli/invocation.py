"""What every command shares: the options given so far, and the way to a session."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from console.settings import Settings

if TYPE_CHECKING:
    import typer

    from console.cli.narrate import Narrator
    from console.cli.output import Output
    from console.session import Session


@dataclass
class Invocation:
    """One run of `leadsctl`: `options` are the flags given, by option name (console.options)."""

    json: bool = False
    quiet: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """Flags over environment over config.toml. UsageError when one makes no sense."""
        return Settings.load(flags=self.options)

    @property
    def output(self) -> Output:
        """Standard output, as data."""
        from console.cli.output import Output

        return Output(sys.stdout, json=self.json)

    @property
    def narrator(self) -> Narrator:
        """Standard error, as narration."""
        from console.cli.narrate import Narrator

        return Narrator(sys.stderr, quiet=self.quiet)

    def run(self, body: Callable[[Session], Awaitable[int]], *, drawing: bool = False) -> int:
        """Run a command's body in a session of its own, which is closed however that ends; its exit code.

        One that is told to end does so in order, unless it is `drawing`: that may block once its terminal is gone.
        """
        import asyncio
        from contextlib import nullcontext

        from console.cli.ending import in_order
        from console.session import Session

        settings = self.settings

        async def whole() -> int:
            with nullcontext() if drawing else in_order():
                async with Session(settings) as session:
                    return await body(session)

        return asyncio.run(whole())


def invocation(ctx: typer.Context, *, json: bool = False, quiet: bool = False) -> Invocation:
    """The run's `Invocation`, with the flags that came after the verb added."""
    found = ctx.find_object(Invocation)
    if found is None:
        found = ctx.obj = Invocation()
    found.json |= json
    found.quiet |= quiet
    return found
