"""The interfaces between the console's parts: what a runtime, a source and the runner offer to both front ends.

Sources only read. Whatever changes something is an `Action` and goes through the `Runner`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from api.models import (
    Accounting,
    JobPage,
    JobState,
    JobView,
    LeadDetails,
    LeadFilter,
    LeadPage,
    QueueSnapshot,
    StoreSnapshot,
)
from console.snapshots import Endpoints, LogLine, Progress, StackSnapshot, VolumesSnapshot

if TYPE_CHECKING:
    from api.store.records import OperatorAction
    from console.foreground import Foreground
    from console.trace import TraceSource


class Verb(StrEnum):
    """Everything that changes something. UPPER-CASE keys and a question belong to the destructive ones."""

    UP = "up"
    DOWN = "down"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    RECREATE = "recreate"
    SCALE = "scale"
    BUILD = "build"
    PULL = "pull"
    RETRY = "retry"
    RETRY_MATCHING = "retry-matching"
    DISCARD = "discard"
    DISCARD_MATCHING = "discard-matching"
    UNDO = "undo"
    UNDO_MATCHING = "undo-matching"
    EDIT = "edit"
    PAUSE = "pause"
    RESUME = "resume"
    SEND = "send"
    REPLAY = "replay"
    REVEAL = "reveal"
    FORGET = "forget"
    BACKUP = "backup"
    RESTORE = "restore"
    BACKFILL = "backfill"
    SHELL = "shell"

    @property
    def destructive(self) -> bool:
        """Whether the operator is asked first."""
        return self in (
            Verb.DOWN, Verb.STOP, Verb.DISCARD, Verb.DISCARD_MATCHING, Verb.FORGET, Verb.RESTORE,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Action:
    """A verb on targets: service names for the stack, job ids for the queue.

    `args` holds the rest as text: EDIT payload=…; RETRY_MATCHING, DISCARD_MATCHING state=…, match=…; UNDO_MATCHING
    match=…; DOWN volumes="yes"; SEND source=…, form=…, id=…, page=…, fields=…: a JSON object.
    UP build="yes" or "no" (neither: where it is needed); SCALE count=…, keep="yes".
    BACKUP directory=…, keep=…, recipient=…; RESTORE the archive's path as target, identity=…: a file.
    FORGET targets are "lead 88213" and "job 01J9…"; REPLAY has one of these.
    BACKFILL targets are "form 77", or one "page 1029"; since=… (RFC 3339), page=…: whose the forms are, afresh="yes".
    SHELL has one service as target; args tool=…, index=…: see Runtime.foreground, words=… as a shell would write them.
    RESTART index=…: only that replica of the one target.
    REVEAL only records that personal data is about to be shown ("lead 88213", "job 01J9…"): show it when that is ok.
    """

    verb: Verb
    targets: tuple[str, ...] = ()
    args: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """How an action ended: `ok`, one line for the operator, how many things changed, and a hint when it failed.

    `exit_code` is what a command ends with when it failed (see console.errors); 0 when ok, or that of a program which
    was opened on the terminal.
    """

    ok: bool
    text: str
    changed: int = 0
    hint: str = ""
    exit_code: int = 0


class Runtime(Protocol):
    """Where the stack runs: Docker Compose or local processes. Raises console.errors.ConsoleError only."""

    name: str
    """"docker" or "local"."""

    title: str
    """What an operator calls the stack: Compose's project, or the state directory's name."""

    async def snapshot(self) -> StackSnapshot:
        """The services and their replicas now. UnreachableError when there is no engine; absent services are listed."""

    def up(self, services: Sequence[str] = (), *, build: bool | None = None) -> AsyncIterator[Progress]:
        """Create and start the services (all when empty) and wait until they are healthy. StackError if one is not.

        `build` None: images are built that are missing, or whose sources have changed since.
        """

    def down(self, *, volumes: bool = False) -> AsyncIterator[Progress]:
        """Stop and remove everything; data stays unless `volumes`."""

    def start(self, services: Sequence[str]) -> AsyncIterator[Progress]:
        """Start what exists and is stopped (all when empty)."""

    def stop(self, services: Sequence[str]) -> AsyncIterator[Progress]:
        """Stop (all when empty), with the grace period: a worker drains."""

    def restart(self, services: Sequence[str], *, index: int = 0) -> AsyncIterator[Progress]:
        """Stop and start again (all when empty); with `index` that replica only, StackError when there is none such."""

    def recreate(self, services: Sequence[str]) -> AsyncIterator[Progress]:
        """Replace the services' containers (all when empty) by new ones. UsageError where there are none."""

    def scale(self, service: str, count: int, *, keep: bool = False) -> AsyncIterator[Progress]:
        """Run so many replicas of a service; with `keep` the settings say so from now on. UsageError where none can."""

    def build(self, services: Sequence[str] = ()) -> AsyncIterator[Progress]:
        """Build images anew from their sources (all when empty). UsageError where there are none."""

    def pull(self, services: Sequence[str] = ()) -> AsyncIterator[Progress]:
        """Fetch images that are not built here (all when empty). UsageError where there are none."""

    async def compare(self) -> None:
        """Find out now how what runs differs from what the files ask for: the next snapshot tells. Never raises."""

    async def configuration(self, form: str = "yaml") -> str:
        """What the stack's files come to, all put together, as "yaml" or "json"; secrets masked.

        UsageError where there are none.
        """

    def logs(
        self, services: Sequence[str] = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[list[LogLine]]:
        """Batches of lines of the services (all when empty), each replica's lines in order, merged by time as far as
        a batch reaches. `since` is epoch seconds; `tail` lines per replica before following. Ends when not following.
        Reconnects by itself while following; close the generator to stop. The first batch of a follower may be empty:
        it is told thereby that the log is open, though nobody may write to it for long.
        """

    async def volumes(self) -> VolumesSnapshot:
        """Named volumes or data directories. May take seconds: call it rarely."""

    async def endpoints(self) -> Endpoints:
        """How to reach Redis, Postgres and the web port from here. UnreachableError if they are not running."""

    def execute(
        self, service: str, command: Sequence[str], source: AsyncIterator[bytes] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Standard output of a program run where a service runs, which reads `source`. Close the generator to end it.

        Postgres' programs find the stack's database in their environment. StackError when the program fails.
        """

    async def foreground(
        self, service: str, words: Sequence[str] = (), *, tool: str = "", index: int = 0
    ) -> Foreground:
        """What runs `words` (a shell when there are none) on the terminal, where and as the service runs.

        `index`: in that replica, from 1 on; 0: in any.

        `tool` "psql" or "redis-cli": that program, logged in to the service, with `words` as its arguments. No password
        is in an argument. StackError when the service is not up, or the program is not there.
        """

    async def refill_redis(self, source: AsyncIterator[bytes], *, single: bool) -> None:
        """Put an RDB file in the place of a stopped Redis' data, which is kept until `keep_redis`.

        `single`: the server keeps one append-only file (before 7.0), not a folder of them.
        """

    async def keep_redis(self, *, restored: bool) -> None:
        """End `refill_redis`: let go what was there before, or put it back (Redis stopped)."""

    async def close(self) -> None:
        """Give back threads, sockets and relays."""


class StackSource(Protocol):
    """Reads the stack."""

    async def read(self) -> StackSnapshot:
        """All services."""
        ...

    def logs(
        self, services: Sequence[str] = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[list[LogLine]]:
        """See Runtime.logs."""
        ...


class QueueSource(Protocol):
    """Reads the queue. Raises UnreachableError when Redis does not answer."""

    async def read(self) -> QueueSnapshot:
        """All figures."""
        ...

    async def jobs(self, state: JobState, *, cursor: str = "", limit: int = 50, match: str = "") -> JobPage:
        """A page of one state. `match` is a case-insensitive fragment of id, external id, page, form or last error."""
        ...

    async def job(self, job_id: str) -> JobView | None:
        """One job wherever it is queued (id, or unique fragment of one), None if it is in no state."""
        ...


class LeadsSource(Protocol):
    """Reads the stored leads. Raises UnreachableError when Postgres does not answer."""

    async def read(self) -> StoreSnapshot:
        """Totals, today's count, newest leads."""
        ...

    async def page(self, where: LeadFilter, *, cursor: str = "", limit: int = 50, full: bool = False) -> LeadPage:
        """A page of leads, newest first; `full` with every answer."""
        ...

    async def details(self, lead_id: int) -> LeadDetails:
        """One lead with its deliveries and attempts."""
        ...

    async def actions(self, limit: int = 50) -> tuple[OperatorAction, ...]:
        """What operators did, newest first."""
        ...


class Checker(Protocol):
    """Proves the accounting."""

    async def accounting(self) -> Accounting:
        """Everything accepted, and where it is."""
        ...

    async def last_backup(self) -> float:
        """Epoch seconds of the last backup, 0 if there never was one."""
        ...


class VolumesSource(Protocol):
    """Reads the volumes. May take seconds: read rarely, and only while somebody looks."""

    async def read(self) -> VolumesSnapshot:
        """All volumes and the disk beneath them."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """What a front end reads from.

    Without `volumes` the front end shows what queue and store say about themselves; without `tracer` no traces.
    """

    stack: StackSource
    queue: QueueSource
    leads: LeadsSource
    checker: Checker
    volumes: VolumesSource | None = None
    tracer: TraceSource | None = None


class Runner(Protocol):
    """Does what changes something, one action at a time per target, and says how it went. Never raises."""

    read_only: bool

    async def warnings(self, action: Action) -> tuple[str, ...]:
        """What the operator should know before saying yes ("51 jobs are in flight…"). Empty when nothing."""
        ...

    def run(self, action: Action) -> AsyncIterator[Progress | Result]:
        """Progress steps, then exactly one Result."""
        ...
