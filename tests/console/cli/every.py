"""Every command with its documented JSON: one table, run on a stack of either runtime. Not a test by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import msgspec

from api.models import QueueSnapshot
from console.cli import config, loglines, shapes, stack_shapes
from console.export import COLUMNS
from console.ports import Result
from console.send import Answer
from tests.console.cli.calls import Call

Run = Callable[..., Call]
QUEUE_WORDS = {"depth": int, "cause": str, "cause_kind": str}


@dataclass(frozen=True)
class Case:
    """A command: its words ({lead}, {job}, {dead}, {folder} are filled in), what it prints, its exit codes."""

    words: str
    shape: Any
    codes: tuple[int, ...] = (0,)

    @property
    def name(self) -> str:
        """The command without what is filled in."""
        return self.words.split(" --json")[0]


READING = (
    Case("ps", stack_shapes.StackDocument),
    Case("ps --stats", stack_shapes.StackDocument),
    Case("logs --tail 3", [loglines.LogDocument]),
    Case("logs --until 1w", [loglines.LogDocument]),
    Case("logs --tail 3 --index 1 worker", [loglines.LogDocument]),
    Case("volumes", stack_shapes.VolumesDocument),
    Case("queue", QueueSnapshot),
    Case("queue status", QueueSnapshot),
    Case("queue list", shapes.JobsDocument),
    Case("queue list stuck", shapes.JobsDocument),
    Case("queue show {dead}", shapes.JobDocument),
    Case("leads", shapes.LeadsDocument),
    Case("leads list --limit 2 --since 1d", shapes.LeadsDocument),
    Case("leads search ana", shapes.LeadsDocument),
    Case("leads count", shapes.LeadCountsDocument),
    Case("leads count --by day,form --since 7d", shapes.LeadCountsDocument),
    Case("leads show {lead}", shapes.LeadsFoundDocument),
    Case("leads export --limit 2", [COLUMNS]),
    Case("leads replay {lead} --dry-run", shapes.ReplayDocument),
    Case("trace {lead} --no-logs", shapes.TraceDocument),
    Case("check", shapes.CheckDocument, (0, 4)),
    Case("doctor --offline", shapes.DoctorDocument, (0, 4)),
    Case("activity", shapes.ActivityDocument),
    Case("config", config.ConfigDocument),
    Case("config show", config.ConfigDocument),
    Case("config path", ("path", "found")),
    Case("help", ("help",)),
    Case("help keys", ("sections",)),
    Case("help codes", ("codes",)),
)
CHANGING = (
    Case("send --form contact", Answer),
    Case("leads replay {lead}", shapes.ReplayDocument),
    Case("queue pause", Result),
    Case("queue resume", Result),
    Case("queue resume --page 1029", Result),
    Case("queue edit {dead} --payload {{}}", Result, (1,)),
    Case("queue discard {dead} --yes", Result),
    Case("queue undo {dead}", Result),
    Case("queue retry --all stuck", Result),
    Case("queue discard --all dead --match nothing-has-this --yes", Result),
    Case("queue undo --all --match nothing-has-this", Result),
    Case("queue retry nobody", None, (1,)),
    Case("leads forget {lead} --yes", Result),
    Case("backup --to {folder}", Result),
    Case("restore {archive} --dry-run", ("manifest", "fits", "reason")),
    Case("start app", Result),
    Case("stop worker --yes", Result),
    Case("restart worker", Result),
    Case("restart worker --index 1", Result),
    Case("restart worker --index 9", Result, (1,)),
    Case("up", Result),
)
"""In this order: each leaves the stack fit for the next one."""


def words_of(case: Case, **ids: str) -> list[str]:
    """The words with ids filled in."""
    return [word.format(**ids) for word in case.words.split()]


def prove(case: Case, call: Call) -> None:
    """The exit code is one of the case's, nothing but an error is narrated under --quiet, stdout is as documented."""
    assert call.code in case.codes, call
    if call.code in (0, 4):
        assert call.err == "", call
    if case.shape is None:
        assert call.out == b"", call
    elif isinstance(case.shape, list):
        for line in call.documents:
            _conforms(case.shape[0], line)
    else:
        _conforms(case.shape, call.document)


def _conforms(shape: Any, document: dict[str, Any]) -> None:
    """The document has exactly the fields of its shape, of their types, all the way down."""
    if shape is COLUMNS:
        assert list(document) == list(COLUMNS)
        return
    assert document.pop("version") == 1
    if isinstance(shape, tuple):
        assert tuple(document) == shape
        return
    if shape is QueueSnapshot:
        for name, kind in QUEUE_WORDS.items():
            assert isinstance(document.pop(name), kind)
    if shape is Answer:
        assert isinstance(document.pop("accepted"), bool)
    found = msgspec.convert(document, shape, strict=True)
    again = json.loads(msgspec.json.encode(found))
    assert document.keys() == again.keys(), "a field is not documented"
    for one, other in zip(document, again, strict=True):
        assert _names(document[one]) == _names(again[other]), one
    if is_dataclass(shape):
        assert set(document) == {field.name for field in fields(shape)}


def _names(value: Any) -> Any:
    """The names of all members, without their values."""
    if isinstance(value, dict):
        return {name: _names(each) for name, each in value.items()}
    return [_names(each) for each in value] if isinstance(value, list) else None


def run_all(run: Run, folder: Path, *, lead: str, dead: str) -> None:
    """The whole table on a stack that has this lead and this dead letter."""
    folder.mkdir()
    for case in (*READING, *CHANGING):
        archive = next(folder.iterdir(), folder)
        ids = {"lead": lead, "dead": dead, "folder": str(folder), "archive": str(archive)}
        call = run(*words_of(case, **ids), "--json", "--quiet")
        try:
            prove(case, call)
        except Exception as error:
            raise AssertionError(f"leadsctl {case.words}: {error}\n{call.out[:2000]!r}\n{call.err}") from error
