"""Writes the leads of a filter to a file, with its progress in the key line; personal data masked unless asked for."""

from __future__ import annotations

import shlex
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from api.models import LeadFilter
from console.export import Layout, export
from console.format import Tone, number, safe
from console.parts import placed
from console.ports import Action, LeadsSource, Verb
from console.snapshots import Progress
from console.tui.work import begin

if TYPE_CHECKING:
    from console.tui.app import LeadsApp

REVEAL = "--reveal"


def default_name(what: str, at: float) -> str:
    """A file name in the current directory: "leads-20261124-120433.csv"."""
    return f"{what}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(at))}.csv"


class Exporting:
    """One export. `total`: how many leads there are, 0 if that is not known."""

    def __init__(self, app: LeadsApp, source: LeadsSource, where: LeadFilter, total: int) -> None:
        self._app = app
        self._source = source
        self._where = where
        self._total = total

    def begin(self, text: str) -> None:
        """Write to the file that `text` names, once the reveal is recorded where `text` asks for one."""
        try:
            words = shlex.split(text)
        except ValueError:
            words = [text]
        reveal = REVEAL in words
        names = [word for word in words if word != REVEAL]
        if len(names) != 1:
            self._say(False, "name one file")
            return
        try:
            target = Path(names[0]).expanduser()
            there = target.exists()
        except (OSError, RuntimeError, ValueError) as error:  # too long, not to be looked at, of a user who is none
            self._say(False, f"{names[0]}: {getattr(error, 'strerror', None) or error}")
            return
        layout = Layout("jsonl" if target.suffix.lower() in (".jsonl", ".ndjson", ".json") else "csv", reveal=reveal)
        run = partial(begin, self._app, partial(self._run, target, layout), "export")
        if there:
            self._say(False, f"{target} is there already: name another file")
        elif reveal:
            action = Action(Verb.REVEAL, ("export of leads",))
            self._app.acting.begin(action, "reveal", then=lambda _result: run(), changing=False)
        else:
            run()

    async def _run(self, target: Path, layout: Layout) -> None:
        known, done = self._app.known, 0
        doing = known.begin(f"export to {safe(target.name, 60)}")
        try:
            with placed(target) as stream:
                async for step in export(self._source, self._where, layout, stream):
                    done = step.done
                    known.step(doing, Progress(step.text, "", done, max(self._total, done) if self._total else 0))
                    self._edges()
        except Exception as error:  # noqa: BLE001 - said in one line; nothing is left of the file
            self._say(False, safe(error, 300) or type(error).__name__)
        else:
            masked = "" if layout.reveal else "; personal data is masked"
            self._say(True, f"{number(done)} leads written to {target}{masked}")
        finally:
            known.ended(doing)
            self._edges()

    def _edges(self) -> None:
        page = self._app.page
        if page is not None:
            page.refresh_edges()

    def _say(self, ok: bool, text: str) -> None:
        text = safe(text, 400)
        self._app.known.happened("you", "export", "leads", text, Tone.OK if ok else Tone.BAD)
        self._app.notify(
            text,
            title="● export" if ok else "✖ export",
            severity="information" if ok else "error",
            timeout=8,
            markup=False,
        )
