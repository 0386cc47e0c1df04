"""The Docker runtime: the stack on a Docker Engine, started by Compose v2. The SDK is imported when first used."""

from __future__ import annotations

from console.stack.docker.runtime import DockerRuntime

__all__ = ["DockerRuntime"]
