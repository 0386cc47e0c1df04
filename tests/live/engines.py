"""An engine of a test's own: a second dockerd beside the machine's, with its own data, socket, pid file and network.

It has no bridge and touches no firewall rule; its containers have no network.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import tarfile
from pathlib import Path

import psutil

from tests.servers import wait_until

IMAGE = "tiny:1"
PROGRAMS = ("sh", "sleep")
STOP_S = 30.0


class OwnEngine:
    """A dockerd in that folder (a short path: a socket's has 108 bytes at most), not yet started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/docker.sock"
        self.log = folder / "dockerd.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it until it answers. A killed one leaves pid files, whose numbers may be zombies or others by now."""
        for name in ("pid", "exec/containerd/containerd.pid"):
            (self.folder / name).unlink(missing_ok=True)
        # In a network of its own: without a bridge it would take docker0 from the machine's engine.
        words = [
            "unshare",
            "--net",
            "--",
            "dockerd",
            "--host",
            self.url,
            "--bridge",
            "none",
            "--iptables=false",
            "--ip-masq=false",
        ]
        for option, name in (("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")):
            words += [option, str(self.folder / name)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
        wait_until(lambda: self.run("version").returncode == 0, "the second engine", 30)

    def end(self, by: signal.Signals) -> None:
        """End it, and nothing else, by its process id."""
        assert self._process is not None
        process, self._process = self._process, None
        process.send_signal(by)
        process.wait(STOP_S)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A docker command on it."""
        return subprocess.run(["docker", "--host", self.url, *words], capture_output=True, text=True, check=False)

    def load(self) -> None:
        """Give it IMAGE: a shell and what it needs, of this machine."""
        path = self.folder / "tiny.tar"
        with tarfile.open(path, "w", dereference=True) as tar:
            for name in needed():
                tar.add(name, name.lstrip("/"))
        done = self.run("import", str(path), IMAGE)
        assert done.returncode == 0, done.stderr

    def remove(self, project: str) -> None:
        """Leave nothing behind."""
        if self._process is not None:
            ids = self.run("ps", "-aq", "--filter", f"label=com.docker.compose.project={project}").stdout.split()
            self.run("rm", "--force", *ids)
            self.end(signal.SIGTERM)
        for process in psutil.process_iter():
            # What a killed engine left: the shims, which know its socket, and the containers below them.
            with contextlib.suppress(psutil.Error):
                if str(self.folder) in " ".join(process.cmdline()):
                    for one in (*process.children(recursive=True), process):
                        one.kill()
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for path in sorted((one for one in mounts if one.startswith(str(self.folder))), reverse=True):
            subprocess.run(["umount", "--lazy", path], check=False)
        shutil.rmtree(self.folder)


def needed() -> list[str]:
    """The programs, and the libraries they are linked to, at the paths where they are looked for."""
    found = {f"/bin/{name}": None for name in PROGRAMS}
    for name in list(found):
        told = subprocess.run(["ldd", name], capture_output=True, text=True, check=True).stdout
        found |= {word: None for word in told.split() if word.startswith("/")}
    return list(found)
