"""Owns what the stack's own images are built from: a digest of it, a label of the image, tells when it changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from console.stack.docker.files import StackFiles

LABEL = "leadsctl.sources"
"""The compose files put it on an image (build.labels) with the value of `Built.variable`."""


@dataclass(frozen=True, slots=True)
class Built:
    """An image of the stack: the service it is built under, the variable that gives the compose files its digest, and
    the files and folders in the build's context that it is made of."""

    service: str
    variable: str
    sources: tuple[str, ...]


IMAGES = (
    Built("app", "LEADS_SOURCES", ("api", "compose/Dockerfile", "compose/healthcheck.py", "compose/requirements.lock")),
    Built("caddy", "LEADS_CADDY_SOURCES", ("compose/Caddyfile", "compose/Dockerfile.https")),
)


def variables(stack: StackFiles) -> dict[str, str]:
    """What Compose is given in its environment: each image's digest; none whose sources are not all there.

    Raises:
        OSError: a source cannot be read.
    """
    found = {one.variable: _digest(stack.folder.parent, one) for one in IMAGES}
    return {name: digest for name, digest in found.items() if digest}


def digests(stack: StackFiles) -> dict[str, str]:
    """The digests by the service an image is built under."""
    given = variables(stack)
    return {one.service: given[one.variable] for one in IMAGES if one.variable in given}


def stamp(stack: StackFiles) -> tuple[tuple[str, int, int], ...]:
    """Changes whenever a source does: names, times and sizes, nothing is read."""
    found = []
    for one in IMAGES:
        for path in _files(stack.folder.parent, one) or ():
            seen = path.stat()
            found.append((str(path), seen.st_mtime_ns, seen.st_size))
    return tuple(found)


def _digest(root: Path, image: Built) -> str:
    files = _files(root, image)
    if files is None:
        return ""
    digest = hashlib.sha256()
    for path in files:
        body = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(body)}\0".encode())
        digest.update(body)
    return digest.hexdigest()[:16]


def _files(root: Path, image: Built) -> list[Path] | None:
    """Every file that the image is made of, in order; None where a source is missing."""
    found: list[Path] = []
    for source in image.sources:
        path = root / source
        if not path.exists():
            return None
        found += sorted(_within(path)) if path.is_dir() else [path]
    return found


def _within(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if "__pycache__" not in path.parts and path.is_file())
