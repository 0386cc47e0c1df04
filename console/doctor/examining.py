"""Chooses what is looked at, by the stack's runtime and what the operator asked for, and has it looked at."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from api.graph import GraphClient
from api.settings import Settings as ServiceSettings
from console.checks import Limits
from console.doctor import envfile, machine, servers, webhook
from console.doctor.diagnosis import Check, Examination, Said, examine, fail, fine
from console.doctor.meta import MetaSide
from console.errors import ConsoleError, UnreachableError
from console.links import Links
from console.ports import VolumesSource


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator wants looked at beside the stack itself.

    Attributes:
        url: the public https:// address, "" for none.
        pages: of Meta's, by id.
        offline: Meta is not asked.
    """

    url: str = ""
    pages: tuple[str, ...] = ()
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Patient:
    """The stack that is looked at.

    Attributes:
        local: it is one of local processes.
        env_file: its `.env`, whether it is there or not. `settings`: by name, the environment over that file.
        links: to its servers. `volumes`: reads them. `limits`: what is still fine.
        graph_settings: how the Graph API is asked; UsageError when they make no sense.
    """

    local: bool
    env_file: Callable[[], Path]
    settings: Callable[[], dict[str, str]]
    links: Links
    volumes: VolumesSource
    limits: Limits
    graph_settings: Callable[[], ServiceSettings]


class Doctor:
    """Looks at one stack."""

    def __init__(self, patient: Patient) -> None:
        self._patient = patient

    async def look(self, asked: Asked) -> Examination:
        """All checks, side by side. Never raises."""
        return await examine(self._checks(asked))

    def _checks(self, asked: Asked) -> list[Check]:
        patient = self._patient
        runs_on: list[Check] = [("docker", machine.docker), ("compose", machine.compose)]
        if patient.local:
            runs_on = [("programs", partial(machine.programs, os.environ))]
        checks: list[Check] = [
            *runs_on,
            ("python", machine.python),
            ("env file", self._env_file),
            ("settings", self._settings),
            ("port", self._port),
            ("disk", self._disk),
            ("redis", self._server("redis", servers.redis)),
            ("postgres", self._server("postgres", servers.postgres)),
            ("webhook", self._webhook),
        ]
        checks += [("public webhook", partial(self._public, asked.url))] if asked.url else []
        checks += [] if asked.offline else [("token", partial(self._meta, asked.pages))]
        return checks

    async def _env_file(self) -> Said:
        patient = self._patient
        return tuple(envfile.file(patient.env_file(), local=patient.local, given=os.environ))

    async def _settings(self) -> Said:
        return envfile.values(self._patient.settings(), local=self._patient.local)

    async def _port(self) -> Said:
        try:
            web_url = (await self._patient.links.endpoints()).web_url
        except ConsoleError:
            web_url = ""
        if not self._patient.local and not web_url and machine.engine_elsewhere():
            return (fine("port", "the engine is on another machine: not looked at"),)
        setting = self._patient.settings().get("PORT", "")
        return await machine.port(setting or ("" if self._patient.local else "3000"), web_url)

    async def _disk(self) -> Said:
        return await machine.disk(self._patient.volumes, self._patient.env_file().parent, self._patient.limits)

    def _server(self, name: str, look: Callable[[Links], Awaitable[Said]]) -> Callable[[], Awaitable[Said]]:
        async def check() -> Said:
            try:
                return await look(self._patient.links)
            except UnreachableError as error:
                return (fail(name, str(error), error.hint or "leadsctl up"),)

        return check

    async def _webhook(self) -> Said:
        return await webhook.local((await self._patient.links.endpoints()).web_url, self._verify_token())

    async def _public(self, url: str) -> Said:
        return await webhook.public(url, self._verify_token())

    def _verify_token(self) -> str:
        stack = self._patient.settings()
        return ServiceSettings.load(
            {name: stack[name] for name in ("META_VERIFY_TOKEN", "META_VERIFY_TOKEN_FILE") if name in stack}
        ).meta_verify_token

    async def _meta(self, pages: tuple[str, ...]) -> Said:
        async with self._graph() as (settings, graph):
            return await MetaSide(settings, graph, self._patient.links, pages).look()

    @asynccontextmanager
    async def _graph(self) -> AsyncIterator[tuple[ServiceSettings, GraphClient]]:
        settings = self._patient.graph_settings()
        async with GraphClient.of(settings) as graph:
            yield settings, graph
