"""The JSON that `--json` prints, one frozen shape a document; `version` stands before the fields of each.

A shape only ever gains fields within a version. Times called `…_at` are epoch seconds in what comes from the runtime
and the queue, RFC 3339 texts in what comes from the store; ages and durations (`…_s`) are seconds, sizes bytes.
Personal data is masked, and `masked` true, unless `--reveal` was given.

    ps                      console.cli.stack_shapes.StackDocument
    queue list              JobsDocument           queue show      JobDocument
    leads, list, search     LeadsDocument          leads show      LeadsFoundDocument
    leads count             LeadCountsDocument
    queue, queue status     api.models.QueueSnapshot with `depth` (still to be stored), `cause` and
                            `cause_kind` (why it is so, as a sentence and as one of api.cause.Kind)
    trace                   TraceDocument
    check                   CheckDocument          send            console.send.Answer with `accepted`
    volumes                 console.cli.stack_shapes.VolumesDocument
    leads replay            ReplayDocument
    doctor                  DoctorDocument
    backfill                console.ports.Result           backfill --dry-run   BackfillDocument
    logs                    one console.cli.loglines.LogDocument a line
    leads export            a lead a line: fields of LeadDocument that stand in console.export.COLUMNS, no `version`
    restore --dry-run       manifest (console.backup.archive.Manifest), fits, reason
    up down start stop restart recreate scale build pull backup restore, leads forget,
    queue retry discard undo edit pause resume
                            console.ports.Result: ok, text, changed, hint, exit_code
    activity                ActivityDocument
    config, config show     console.cli.config.ConfigDocument          config path     path, found
    config compose          compose: what `docker compose config --format json` prints, secrets masked
    help                    help: the text; help keys: sections; help codes: codes (code, means)
    demo                    ok, settled, seconds, leads_answered_200, duplicates_sent, unreadable_leads,
                            stack (StackDocument), queue (as queue status), accounting (AccountingDocument)
    web                     url: opens the console in a browser, once
    init                    directory, env_file, env_kept, missing (settings that must still be filled in), changes

What goes wrong is told on standard error with --json too, and by the exit code; standard output then stays empty, or
holds a Result with `ok` false.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.models import Outcome
from api.store.records import OperatorAction
from console.backfill.records import Count
from console.checks import Finding
from console.doctor.diagnosis import Diagnosis
from console.send import Answer
from console.trace import JobTrace


@dataclass(frozen=True, slots=True)
class AttemptDocument:
    """One finished try at a job."""

    n: int
    worker: str
    started_at: float
    took_s: float
    error: str
    job_id: str = ""


@dataclass(frozen=True, slots=True)
class JobDocument:
    """A queued job (see api.models.Job and JobView). `payload` is JSON text."""

    id: str
    state: str
    source: str
    external_id: str
    page: str
    form: str
    seq: int
    received_at: float
    request_id: str
    attempt: int
    since: float
    due_at: float
    worker: str
    idle_s: float
    deliveries: int
    error: str
    stuck: str
    payload: str
    history: tuple[AttemptDocument, ...]
    masked: bool


@dataclass(frozen=True, slots=True)
class JobsDocument:
    """A page of jobs; `cursor` continues it, "" at the end."""

    state: str
    jobs: tuple[JobDocument, ...]
    cursor: str
    scanned: int


@dataclass(frozen=True, slots=True)
class LeadDocument:
    """A stored lead (see api.models.Lead). `raw` is JSON text, "" while masked and in lists."""

    id: int
    source: str
    external_id: str
    job_id: str
    status: str
    full_name: str
    email: str
    phone: str
    phone_e164: str
    page_id: str
    page_name: str
    form_id: str
    form_name: str
    ad_id: str
    ad_name: str
    campaign_id: str
    campaign_name: str
    platform: str
    fields: dict[str, list[str]]
    consent: dict[str, bool]
    raw: str
    is_test: bool
    cleaned: bool
    received_at: datetime
    created_at: datetime | None
    stored_at: datetime | None
    masked: bool


@dataclass(frozen=True, slots=True)
class LeadsDocument:
    """A page of leads, newest first. `notice` says when the search had to read every row."""

    leads: tuple[LeadDocument, ...]
    cursor: str
    notice: str


@dataclass(frozen=True, slots=True)
class LeadCountDocument:
    """Leads of a day (UTC), of a form, or of both; null for what is not counted by. `form_id` "": leads of no form."""

    day: str | None
    form_id: str | None
    form_name: str | None
    leads: int


@dataclass(frozen=True, slots=True)
class LeadCountsDocument:
    """Leads from the day `since` to before the day `until`."""

    since: str
    until: str
    total: int
    counts: tuple[LeadCountDocument, ...]


@dataclass(frozen=True, slots=True)
class DeliveryDocument:
    """The end of one job."""

    job_id: str
    seq: int
    source: str
    external_id: str
    outcome: Outcome
    attempts: int
    request_id: str
    received_at: datetime
    finished_at: datetime
    took_s: float
    lead_id: int
    worker: str


@dataclass(frozen=True, slots=True)
class LeadDetailsDocument:
    """One lead with all that happened to it. `lead` is null for a job that ended without one."""

    lead: LeadDocument | None
    deliveries: tuple[DeliveryDocument, ...]
    attempts: tuple[AttemptDocument, ...]


@dataclass(frozen=True, slots=True)
class LeadsFoundDocument:
    """What has the id that was asked for; usually one."""

    found: tuple[LeadDetailsDocument, ...]


@dataclass(frozen=True, slots=True)
class TraceDocument:
    """See console.trace.Trace: each job's steps in order, `gap_s` before each."""

    leads: tuple[LeadDocument, ...]
    jobs: tuple[JobTrace, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BackfillDocument:
    """What a backfill would bring in; `error` of a form that could not be read to its end. `since` is epoch seconds."""

    ok: bool
    since: float
    read: int
    known: int
    missing: int
    forms: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class DoctorDocument:
    """Whether nothing failed, and each thing that was looked at: how it is, why, how to mend it."""

    ok: bool
    diagnoses: tuple[Diagnosis, ...]


@dataclass(frozen=True, slots=True)
class AccountingDocument:
    """See api.models.Accounting; `accounted` is the sum over all places."""

    balanced: bool
    accepted: int
    accounted: int
    ready: int
    in_flight: int
    retry: int
    dead: int
    deliveries: dict[str, int]
    settling: int
    missing: tuple[str, ...]
    doubled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckDocument:
    """Whether all is well, and why not."""

    ok: bool
    findings: tuple[Finding, ...]
    accounting: AccountingDocument
    queue: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReplayDocument:
    """A lead's webhook made again. Its `body` and the signature are masked; `answer` is null with --dry-run.

    `duplicate`: the stack has it already, and stored nothing twice.
    """

    target: str
    source: str
    external_id: str
    method: str
    path: str
    headers: dict[str, str]
    body: str
    accepted: bool
    duplicate: bool
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class ActivityDocument:
    """What operators did, newest first."""

    actions: tuple[OperatorAction, ...]
