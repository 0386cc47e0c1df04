"""Owns finding the files that a running project was started from, by what Compose wrote on its containers. Pure.

Source: https://github.com/docker/compose/blob/main/pkg/api/labels.go
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from console.stack.docker.files import ENV, StackFiles
from console.stack.docker.labels import labels, service

FILES = "com.docker.compose.project.config_files"
ENV_FILES = "com.docker.compose.project.environment_file"
FOLDER = "com.docker.compose.project.working_dir"


def origin(containers: Iterable[dict[str, Any]]) -> StackFiles | None:
    """The compose files and the settings of the project, whether they are still there or not; None if nobody knows."""
    for container in containers:
        found = labels(container)
        paths = tuple(Path(path) for path in found.get(FILES, "").split(",") if path)
        if service(container) and paths and all(path.is_absolute() for path in paths):
            folder = found.get(FOLDER) or str(paths[0].parent)
            env = found.get(ENV_FILES, "").split(",")[0]
            return StackFiles(paths, Path(env) if env else Path(folder) / ENV)
    return None
