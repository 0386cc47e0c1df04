"""Owns what Compose writes on the things it makes, and how the stack's containers are found by it.

Source: https://github.com/docker/compose/blob/main/pkg/api/labels.go
"""

from __future__ import annotations

from typing import Any

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"
NUMBER = "com.docker.compose.container-number"
VOLUME = "com.docker.compose.volume"


def filters(project: str) -> dict[str, list[str]]:
    """The engine's filter for everything of a project."""
    return {"label": [f"{PROJECT}={project}"]}


def labels(container: dict[str, Any]) -> dict[str, str]:
    """The labels of a container, as listed or as inspected."""
    found = container.get("Labels")
    if found is None:
        found = (container.get("Config") or {}).get("Labels")
    return {str(key): str(value) for key, value in (found or {}).items()}


def service(container: dict[str, Any]) -> str:
    """The Compose service of a container, "" for one of `docker compose run` and for one that is not Compose's."""
    found = labels(container)
    return "" if found.get(ONE_OFF, "False").lower() == "true" else found.get(SERVICE, "")
