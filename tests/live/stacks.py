"""Stacks for the tests on a real engine: each with its own project, container names and port, removed at the end."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from console.snapshots import Progress
from console.stack.docker import DockerRuntime
from tests.servers import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE = REPOSITORY / "compose" / "docker-compose.yml"
IMAGES = ("python:3.13-slim", "postgres:15-alpine", "redis:7-alpine", "caddy:2-alpine")
APP_SECRET = "a secret that only tests know"
PASSWORD = 'p@ss/w:or"d\\ #1'
"""With every character that trips a URL, a shell, a Redis file or an environment file."""

OVERRIDE = """
services:
  app: {{container_name: {project}_app}}
  db: {{container_name: {project}_db}}
  redis: {{container_name: {project}_redis}}
  caddy: {{container_name: {project}_caddy}}
  graph:
    image: python:3.13-slim
    command: ["python3", "/graph.py"]
    volumes: ["{graph}:/graph.py:ro"]
    networks: [app-network]
    stop_grace_period: 1s
"""


def why_not() -> str:
    """What is missing for these tests, "" if nothing."""
    if shutil.which("docker") is None:
        return "no docker command; tests/live/engine.sh brings an engine"
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "no Docker Engine answers; tests/live/engine.sh brings one"
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        return "no Compose v2; tests/live/engine.sh brings it"
    for image in IMAGES:
        if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode:
            return f"the image {image} is not there; tests/live/images.sh brings it"
    return ""


@dataclass
class LiveStack:
    """One stack. `overlays` are further compose files, over the override of names."""

    folder: Path
    overlays: tuple[Path, ...] = ()
    base: Path = COMPOSE
    image: str = "leadstest_app:latest"
    project: str = field(default_factory=lambda: f"leadstest{secrets.token_hex(4)}")
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.override = self.folder / "override.yml"
        self.override.write_text(OVERRIDE.format(project=self.project, graph=Path(__file__).with_name("graph.py")))
        self.env_file = self.folder / "stack.env"
        self.settings(
            POSTGRES_PASSWORD=PASSWORD,
            REDIS_PASSWORD=PASSWORD,
            META_APP_SECRET=APP_SECRET,
            META_VERIFY_TOKEN="token",
            META_ACCESS_TOKEN="EAAtoken",
            FORMS_SECRET="whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=",
            META_GRAPH_URL="http://graph:8080",
            PORT=f"127.0.0.1:{self.port}",
            LEADS_IMAGE=self.image,
            LEADS_CADDY_IMAGE="leadstest_caddy:latest",
        )

    @property
    def words(self) -> list[str]:
        """The options of leadsctl that name it."""
        named = [word for path in self.files for word in ("--file", str(path))]
        return ["--project", self.project, *named, "--env-file", str(self.env_file)]

    def setting(self, name: str, value: str) -> None:
        """Add one to the stack's `.env`."""
        with self.env_file.open("a") as file:
            file.write(f"{name}='{value}'\n")

    def settings(self, **values: str) -> None:
        """Write the stack's `.env`."""
        self.env_file.write_text("".join(f"{name}='{value}'\n" for name, value in values.items()))
        self.env_file.chmod(0o600)

    @property
    def files(self) -> tuple[Path, ...]:
        """The compose files, the base first."""
        return (self.base, *self.overlays, self.override)

    def runtime(self, docker_host: str = "") -> DockerRuntime:
        """The runtime on this stack, not yet connected."""
        return DockerRuntime(project=self.project, files=self.files, env_file=self.env_file, docker_host=docker_host)

    def docker(self, *words: str) -> str:
        """Run a docker command; its output."""
        done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def compose(self, *words: str) -> str:
        """Run a Compose verb on the stack; its output."""
        files = [word for path in self.files for word in ("--file", str(path))]
        return self.docker("compose", "--project-name", self.project, *files, "--env-file", str(self.env_file), *words)

    def container(self, service: str) -> str:
        """The id of a service's only container."""
        words = ("ps", "-aq", "--no-trunc", "--filter", f"label=com.docker.compose.project={self.project}")
        return self.docker(*words, "--filter", f"label=com.docker.compose.service={service}").strip()

    def up(self, *services: str) -> list[Progress]:
        """Build the image and bring the stack up; the steps."""

        async def whole() -> list[Progress]:
            runtime = self.runtime()
            try:
                return [*(await steps(runtime.build())), *(await steps(runtime.up(services)))]
            finally:
                await runtime.close()

        return asyncio.run(whole())

    def remove(self) -> None:
        """Leave nothing behind: containers, network, volumes. By the labels alone, whatever state it is in."""
        words = [
            "docker",
            "compose",
            "--project-name",
            self.project,
            "--profile",
            "*",
            "down",
            "--volumes",
            "--remove-orphans",
            "-t",
            "3",
        ]
        files = [word for path in self.files for word in ("--file", str(path))]
        env = os.environ | dict.fromkeys(("POSTGRES_PASSWORD", "REDIS_PASSWORD", "META_APP_SECRET", "DOMAIN"), "x")
        words[2:2] = files
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=env | {"META_VERIFY_TOKEN": "x"})
        assert done.returncode == 0, done.stderr


async def steps(running: AsyncIterator[Progress]) -> list[Progress]:
    """All steps of a verb."""
    return [step async for step in running]
