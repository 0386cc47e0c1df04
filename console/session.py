"""One object that holds a stack in hand: its runtime, what is read of it, what is done to it. Connects when needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Self

from api.errors import SettingsError
from console.errors import UsageError
from console.links import Links
from console.ports import Action, Result, Runtime, Sources
from console.runner import ActionRunner
from console.settings import Settings
from console.snapshots import Endpoints, LogLine, Progress, StackSnapshot
from console.sources.check import AccountingReader
from console.sources.leads import LeadsReader
from console.sources.queue import QueueReader
from console.sources.volumes import VolumesReader
from console.stack import select
from console.verbs import PipelineVerbs

if TYPE_CHECKING:
    from types import TracebackType

    from api.queue import Backlog, Inspector, Operator, Publisher
    from api.settings import Settings as ServiceSettings
    from api.store import Reader
    from console.backfill.verb import Backfills
    from console.backup.restoring import Restorer
    from console.doctor.examining import Doctor
    from console.forget import Forgetter
    from console.sender import Sender
    from console.sources.trace import Tracer
    from console.trace import Trace

QUEUE_SETTINGS = ("QUEUE_NAMESPACE", "VISIBILITY_TIMEOUT", "SLA_SECONDS")
GRAPH_SECRETS = ("META_APP_SECRET", "META_ACCESS_TOKEN", "META_ACCESS_TOKENS")
GRAPH_SETTINGS = (
    *GRAPH_SECRETS,
    *(f"{name}_FILE" for name in GRAPH_SECRETS),
    "META_GRAPH_URL",
    "META_GRAPH_VERSION",
    "GRAPH_TIMEOUT",
)


class StackReader:
    """The runtime's services and logs (console.ports.StackSource)."""

    def __init__(self, runtime: Callable[[], Runtime]) -> None:
        self._runtime = runtime

    async def read(self) -> StackSnapshot:
        """All services."""
        return await self._runtime().snapshot()

    def logs(
        self, services: Sequence[str] = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[list[LogLine]]:
        """See Runtime.logs."""
        return self._runtime().logs(services, since=since, tail=tail, follow=follow)


class LateTracer:
    """Follows leads (console.ports.Tracer) with one that is made when the first is followed."""

    def __init__(self, make: Callable[[], Tracer]) -> None:
        self._make = make

    async def find(self, text: str) -> Trace:
        """See Tracer.find."""
        return await self._make().find(text)


class Session:
    """A stack in hand. Nothing is connected, nor is the runtime imported, before something is asked of it.

    Whatever is asked first can raise UsageError: files were named that are not there, or the stack's settings make no
    sense. `close` gives everything back.

    Args:
        settings: what the console was told.
        runtime: None: the one that the settings name. Of one that is given nothing is kept for another program.

    Attributes:
        halting: set it to have long work (backfill) end at the next safe place, and tell how far it came.
    """

    def __init__(self, settings: Settings, runtime: Runtime | None = None) -> None:
        self.settings = settings
        self._chosen = runtime
        self._service: ServiceSettings | None = None
        self.halting = asyncio.Event()
        self.links = Links(
            self._resolve,
            redis_url=settings.redis_url,
            database_url=settings.database_url,
            inspector=self._make_inspector,
            operator=self._make_operator,
            reader=_make_reader,
            backlog=self._make_backlog,
            publisher=self._make_publisher,
        )
        self.queue = QueueReader(self.links)
        self.leads = LeadsReader(self.links)
        self.volumes = VolumesReader(lambda: self.runtime, passing=runtime is not None)
        self.checker = AccountingReader(self.links, self.volumes)
        self.sources = Sources(
            stack=StackReader(lambda: self.runtime),
            queue=self.queue,
            leads=self.leads,
            checker=self.checker,
            volumes=self.volumes,
            tracer=LateTracer(self.tracer),
        )
        verbs = PipelineVerbs(lambda: self.runtime, self.links, lambda: self.sender, self._backfill, settings.operator)
        self.runner = ActionRunner(verbs, self.sources, read_only=settings.read_only)

    @property
    def runtime(self) -> Runtime:
        """The runtime; made when first asked for. UsageError when files were named that are not there."""
        if self._chosen is None:
            self._chosen = select.runtime(self.settings)
        return self._chosen

    @cached_property
    def sender(self) -> Sender:
        """Sends webhooks; front ends go through the runner."""
        from console.sender import Sender

        return Sender(lambda: select.stack_environment(self.settings), self.links)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection, then the runtime."""
        try:
            await self.links.close()
        finally:
            if self._chosen is not None:
                await self._chosen.close()

    def tracer(self, *, logs: bool = True) -> Tracer:
        """Follows leads through the pipeline; with the log lines of app and worker, or without."""
        from console.sources.trace import Tracer

        return Tracer(self.links, self._pipeline_logs if logs else None)

    def forgetter(self) -> Forgetter:
        """Finds what is known of a person; erasing goes through the runner."""
        from console.forget import Forgetter

        return Forgetter(self.links, self.settings.operator)

    def restorer(self) -> Restorer:
        """Knows what a restore would replace; restoring goes through the runner."""
        from console.backup.restoring import Restorer

        return Restorer(self.runtime, self.links, self.checker)

    def backfills(self) -> Backfills:
        """Finds leads that no webhook announced; queueing them goes through the runner."""
        from console.backfill.verb import Backfills

        return Backfills(self.links, lambda: self._service_settings(GRAPH_SETTINGS), self.halting)

    def doctor(self) -> Doctor:
        """Looks at all that the stack needs; makes no change."""
        from console.checks import limits
        from console.doctor.examining import Doctor, Patient

        settings = self.settings
        return Doctor(
            Patient(
                local=settings.runtime == "local",
                env_file=lambda: select.env_file(settings),
                settings=lambda: select.stack_environment(settings),
                links=self.links,
                volumes=self.volumes,
                limits=limits(settings.config),
                graph_settings=lambda: self._service_settings(GRAPH_SETTINGS),
            )
        )

    @property
    def stack_name(self) -> str:
        """What an operator calls the stack: the Compose project, or the state directory's name."""
        return self.runtime.title

    def backup_wanted(self) -> dict[str, str]:
        """The arguments of the verb backup, as configured.

        Raises:
            UsageError: a recipient is configured for whom backups cannot be encrypted.
        """
        from console.backup import seal
        from console.settings import state_dir

        config = self.settings.config
        recipient = config["backup.recipient"]
        if recipient:
            seal.demand(recipient)
        directory = config["backup.dir"] or state_dir() / "backups"
        return {
            "directory": str(directory),
            "stack": self.stack_name,
            "keep": str(config["backup.keep"]),
            "recipient": recipient,
        }

    def _pipeline_logs(self, since: float) -> AsyncIterator[list[LogLine]]:
        return self.runtime.logs(("app", "worker"), since=since)

    async def _resolve(self) -> Endpoints:
        return await self.runtime.endpoints()

    def _make_inspector(self, url: str) -> Inspector:
        from api.queue import Inspector

        queue = self._queue_settings()
        return Inspector(url, queue.queue_namespace, visibility_timeout=queue.visibility_timeout, sla_s=queue.sla_s)

    def _make_operator(self, url: str) -> Operator:
        from api.queue import Operator

        queue = self._queue_settings()
        return Operator(url, queue.queue_namespace, visibility_timeout=queue.visibility_timeout, sla_s=queue.sla_s)

    def _queue_settings(self) -> ServiceSettings:
        """The queue's name and time limits as the stack itself reads them."""
        if self._service is None:
            self._service = self._service_settings(QUEUE_SETTINGS)
        return self._service

    def _service_settings(self, names: Sequence[str]) -> ServiceSettings:
        """Some of the service's settings, as the stack itself reads them."""
        from api.settings import Settings as ServiceSettings

        stack = select.stack_environment(self.settings)
        try:
            return ServiceSettings.load({name: stack[name] for name in names if name in stack})
        except SettingsError as error:
            raise UsageError(str(error), "correct it in the stack's .env") from error

    def _make_backlog(self, url: str) -> Backlog:
        from api.queue import Backlog

        return Backlog(url, self._queue_settings().queue_namespace)

    def _make_publisher(self, url: str) -> Publisher:
        from api.queue import Publisher

        return Publisher(url, self._queue_settings().queue_namespace)

    def _backfill(self, action: Action) -> AsyncIterator[Progress | Result]:
        return self.backfills().do(action)


def _make_reader(url: str) -> Reader:
    from api.store import Reader

    return Reader(url)
