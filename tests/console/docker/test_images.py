"""What the images are built from: the digest follows what is in the files, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.stack.docker import files, images
from console.stack.docker.files import StackFiles


@pytest.fixture
def stack(tmp_path: Path) -> StackFiles:
    """A stack that was laid out."""
    return files.write(tmp_path)


def test_a_digest_for_each_image(stack: StackFiles) -> None:
    assert list(images.variables(stack)) == ["LEADS_SOURCES", "LEADS_CADDY_SOURCES"]
    assert images.digests(stack) == {
        "app": images.variables(stack)["LEADS_SOURCES"],
        "caddy": images.variables(stack)["LEADS_CADDY_SOURCES"],
    }
    for name in images.variables(stack):
        assert f"${{{name}:-}}" in stack.files[0].read_text()


@pytest.mark.parametrize(
    ("path", "service"),
    [("api/ids.py", "app"), ("compose/requirements.lock", "app"), ("compose/Caddyfile", "caddy")],
)
def test_it_changes_with_a_source_of_that_image_only(stack: StackFiles, path: str, service: str) -> None:
    before, stamp = images.digests(stack), images.stamp(stack)
    changed = stack.folder.parent / path
    changed.write_text(changed.read_text() + "# more\n")
    after = images.digests(stack)
    assert [name for name in after if after[name] != before[name]] == [service]
    assert images.stamp(stack) != stamp


def test_a_file_more_or_moved_is_a_change(stack: StackFiles) -> None:
    before = images.digests(stack)["app"]
    folder = stack.folder.parent / "api"
    (folder / "ids.py").rename(folder / "idz.py")
    moved = images.digests(stack)["app"]
    (folder / "more.py").touch()
    assert len({before, moved, images.digests(stack)["app"]}) == 3


def test_what_is_not_in_the_image_is_no_change(stack: StackFiles) -> None:
    before = images.digests(stack)
    cache = stack.folder.parent / "api" / "__pycache__"
    cache.mkdir()
    (cache / "ids.pyc").touch()
    (stack.folder / ".env").write_text("A=b")
    (stack.folder / "docker-compose.yml").write_text("services: {}")
    os.utime(stack.folder.parent / "api" / "ids.py", (1, 1))
    assert images.digests(stack) == before


def test_other_compose_files_have_no_digest(tmp_path: Path) -> None:
    assert images.variables(StackFiles((tmp_path / "compose.yml",), tmp_path / ".env")) == {}
    assert images.stamp(StackFiles((tmp_path / "compose.yml",), tmp_path / ".env")) == ()
