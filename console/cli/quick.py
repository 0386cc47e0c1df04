"""Reads the command lines that only open the UI, without the parser: its import would delay the first paint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from console.cli.invocation import Invocation

FLAGS: dict[str, tuple[str, Any]] = {
    "--local": ("runtime", "local"),
    "--docker": ("runtime", "docker"),
    "--read-only": ("read_only", True),
}
VALUES: dict[str, tuple[str, type]] = {
    "--dir": ("dir", Path),
    "--env-file": ("env_file", Path),
    "--project": ("project", str),
    "-p": ("project", str),
}


def read(arguments: Sequence[str]) -> Invocation | None:
    """What the options say, as the parser would; None when there is anything else among them."""
    options: dict[str, Any] = {}
    words = iter(arguments)
    for word in words:
        if word in FLAGS:
            name, value = FLAGS[word]
        elif word in VALUES:
            name, kind = VALUES[word]
            text = next(words, "")
            if not text or text.startswith("-"):
                return None
            value = kind(text)
        else:
            return None
        options[name] = value
    return Invocation(options=options)
