"""The files that a running project was started from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console.stack.docker.labels import ONE_OFF
from console.stack.docker.origin import ENV_FILES, FILES, FOLDER, origin
from tests.console.docker.fake_engine import inspected


def container(**given: str) -> dict[str, Any]:
    made = inspected("1", "db")
    made["Config"]["Labels"] |= given
    return made


def test_the_files_and_settings_that_compose_names() -> None:
    found = origin([inspected("0", "x"), container(**{FILES: "/a/base.yml,/b/more.yml", ENV_FILES: "/c/e.env"})])
    assert found is not None
    assert (found.files, found.env_file) == ((Path("/a/base.yml"), Path("/b/more.yml")), Path("/c/e.env"))


def test_without_a_named_file_settings_lie_in_the_projects_folder() -> None:
    found = origin([container(**{FILES: "/a/base.yml", FOLDER: "/d"})])
    assert found is not None
    assert found.env_file == Path("/d/.env")
    found = origin([container(**{FILES: "/a/base.yml"})])
    assert found is not None
    assert found.env_file == Path("/a/.env")


@pytest.mark.parametrize("given", [{}, {FILES: ""}, {FILES: "relative.yml"}, {FILES: "/a.yml", ONE_OFF: "True"}])
def test_nobody_knows(given: dict[str, str]) -> None:
    assert origin([container(**given)]) is None
