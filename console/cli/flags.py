"""The flags that more than one command takes, and that work after a verb as before it."""

from __future__ import annotations

from typing import Annotated

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes on standard error.")]
IndexFlag = Annotated[
    int | None, typer.Option("--index", metavar="N", min=1, help="Only replica N of the service.", show_default=False)
]
YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
RevealFlag = Annotated[bool, typer.Option("--reveal", help="Show personal data in full; this is recorded.")]
