"""A stand-in for a Docker Engine on a Unix socket: the few calls the console makes, answered from plain objects.

It frames logs, honours `since`, `tail` and `follow`, streams events and statistics, and carries execs to a TCP port. It
can go away in the middle of everything and come back.
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from console.stack.docker.labels import NUMBER, PROJECT, SERVICE

BASE_S = 1_790_000_000


def stamp(at_ns: int, zone: str = "Z") -> str:
    """RFC 3339 with nanoseconds, as the engine writes it."""
    return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{at_ns % 10**9:09d}{zone}"


def frame(stream: int, payload: bytes) -> bytes:
    """A message as sent for a container without a terminal."""
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def inspected(
    ident: str,
    service: str,
    *,
    project: str = "leads",
    name: str = "",
    status: str = "running",
    health: str = "healthy",
    **changes: Any,
) -> dict[str, Any]:
    """What the engine says of a container. `changes` replace whole top-level parts."""
    running = status == "running"
    state: dict[str, Any] = {
        "Status": status,
        "Running": running or status == "restarting",
        "Restarting": status == "restarting",
        "ExitCode": 0,
        "Error": "",
        "OOMKilled": False,
        "Pid": 4711 if running else 0,
        "StartedAt": "2026-09-21T12:00:00.5Z",
    }
    if health:
        state["Health"] = {"Status": health, "Log": [{"Output": "redis: ok\n"}]}
    return {
        "Id": ident,
        "Name": f"/{name or f'{project}-{service}-1'}",
        "Image": "sha256:image",
        "RestartCount": 2,
        "State": state,
        "Config": {
            "Image": f"{service}:1",
            "Tty": False,
            "Env": [],
            "Labels": {PROJECT: project, SERVICE: service, NUMBER: "1"},
        },
        "HostConfig": {"Memory": 1024, "RestartPolicy": {"Name": "always"}},
        "NetworkSettings": {"Ports": {}, "Networks": {}},
        "Mounts": [],
    } | changes


@dataclass
class Log:
    """What a container wrote. `lines` are (nanoseconds, stream, bytes)."""

    tty: bool = False
    lines: list[tuple[int, int, bytes]] = field(default_factory=list)
    more: threading.Condition = field(default_factory=threading.Condition)
    running: bool = True

    def write(self, text: bytes, stream: int = 1, at_ns: int | None = None) -> None:
        """Append one message, a millisecond after the one before unless told when."""
        with self.more:
            last = self.lines[-1][0] if self.lines else BASE_S * 10**9
            self.lines.append((last + 10**6 if at_ns is None else at_ns, stream, text))
            self.more.notify_all()

    def run(self, running: bool) -> None:
        """The container stops, which ends every follower, or starts."""
        with self.more:
            self.running = running
            self.more.notify_all()

    def message(self, index: int) -> bytes:
        """One message as it travels."""
        at_ns, stream, text = self.lines[index]
        payload = stamp(at_ns).encode() + b" " + text
        return payload if self.tty else frame(stream, payload)


class FakeEngine:
    """The engine; `url` is its DOCKER_HOST. `requests` records what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "engine.sock"
        self.url = f"unix://{self.socket}"
        self.containers: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, Log] = {}
        self.volumes: list[dict[str, Any]] = []
        self.sizes: dict[str, int] = {}
        self.samples: list[bytes] = []
        self.programs: dict[str, int] = {}
        """Program name → TCP port on loopback that it leads to."""
        self.execs: list[list[str]] = []
        self.requests: list[str] = []
        self.chunked = False
        self.api = "1.43"
        self._listeners: list[queue.Queue[bytes | None]] = []
        self._server: _Server | None = None
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def start(self) -> FakeEngine:
        """Begin to listen."""
        self.socket.unlink(missing_ok=True)
        self._server = _Server(str(self.socket), self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Vanish: nobody listens any more, every open connection breaks."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        self.socket.unlink(missing_ok=True)
        with self._guard:
            broken, self._open = self._open, set()
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.put(None)
        for connection in broken:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for log in self.logs.values():
            with log.more:
                log.more.notify_all()

    def add(self, container: dict[str, Any], log: Log | None = None) -> Log:
        """A container appears."""
        self.logs[container["Id"]] = log or Log()
        container["Config"]["Tty"] = self.logs[container["Id"]].tty
        self.containers[container["Id"]] = container
        return self.logs[container["Id"]]

    def happen(self, action: str, ident: str, **attributes: str) -> None:
        """An event for everyone who listens."""
        labels = self.containers[ident]["Config"]["Labels"] if ident in self.containers else {}
        event = {
            "Type": "container",
            "Action": action,
            "timeNano": BASE_S * 10**9,
            "Actor": {"ID": ident, "Attributes": {"name": "x", **labels, **attributes}},
        }
        with self._guard:
            for listener in self._listeners:
                listener.put(json.dumps(event).encode() + b"\n")

    @property
    def listening(self) -> int:
        """How many event streams are open."""
        return len(self._listeners)

    def listen(self) -> queue.Queue[bytes | None]:
        """A new event stream."""
        listener: queue.Queue[bytes | None] = queue.Queue()
        with self._guard:
            self._listeners.append(listener)
        return listener

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection, to break it with the engine."""
        with self._guard:
            self._open.add(connection)

    @property
    def up(self) -> bool:
        """Whether it listens."""
        return self._server is not None


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: str, engine: FakeEngine) -> None:
        super().__init__(path, _Handler)
        self.engine = engine

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""

    @property
    def engine(self) -> FakeEngine:
        assert isinstance(self.server, _Server)
        return self.server.engine

    def do_GET(self) -> None:
        """Answer a question or open a stream."""
        path, query = self._target()
        parts = path.strip("/").split("/")
        engine = self.engine
        if path == "/version":
            self._json({"ApiVersion": engine.api, "Version": "24.0"})
        elif path == "/_ping":
            self._plain(b"OK")
        elif path == "/info":
            self._json({"DockerRootDir": "/"})
        elif path == "/containers/json":
            self._json([{"Id": key, "Labels": one["Config"]["Labels"]} for key, one in engine.containers.items()])
        elif path == "/volumes":
            self._json({"Volumes": engine.volumes})
        elif path == "/system/df":
            sizes = [{"Name": name, "UsageData": {"Size": size}} for name, size in engine.sizes.items()]
            self._json({"Volumes": sizes})
        elif path == "/events":
            self._events()
        elif parts[0] == "images":
            self._json({"Created": "2026-09-20T00:00:00Z", "Config": {"Labels": {}}})
        elif parts[0] == "containers" and parts[1] in engine.containers:
            self._container(parts[1], parts[2], query)
        else:
            self._json({"message": f"No such thing: {path}"}, 404)

    def do_POST(self) -> None:
        """Make or start an exec."""
        path, _ = self._target()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        parts = path.strip("/").split("/")
        if parts[0] == "containers" and parts[1] not in self.engine.containers:
            self._json({"message": f"No such container: {parts[1]}"}, 404)
        elif parts[0] == "containers":
            self.engine.execs.append(body["Cmd"])
            self._json({"Id": str(len(self.engine.execs) - 1)}, 201)
        else:
            self._exec(self.engine.execs[int(parts[1])])

    def _target(self) -> tuple[str, dict[str, str]]:
        self.engine.opened(self.connection)
        self.engine.requests.append(f"{self.command} {self.path}")
        parts = urlsplit(self.path)
        path = parts.path
        if path.startswith("/v1."):
            path = path[path.index("/", 1) :]
        return path, {key: values[0] for key, values in parse_qs(parts.query).items()}

    def _container(self, ident: str, what: str, query: dict[str, str]) -> None:
        if what == "json":
            self._json(self.engine.containers[ident])
        elif what == "logs":
            self._logs(self.engine.logs[ident], query)
        elif what == "stats":
            self._begin()
            for sample in self.engine.samples:
                self._piece(sample)
            self._end()

    def _logs(self, log: Log, query: dict[str, str]) -> None:
        whole, _, part = query.get("since", "0").partition(".")
        since = int(whole) * 10**9 + int(part.ljust(9, "0") or 0)
        first = next((i for i, line in enumerate(log.lines) if line[0] >= since), len(log.lines))
        if "tail" in query:
            first = max(first, len(log.lines) - int(query["tail"]))
        self._begin()
        sent = first
        while True:
            with log.more:
                while sent == len(log.lines) and log.running and query.get("follow") == "1" and self.engine.up:
                    log.more.wait(1)
                fresh = [log.message(i) for i in range(sent, len(log.lines))]
            for message in fresh:
                self._piece(message)
            sent += len(fresh)
            if not fresh:
                break
        self._end()

    def _events(self) -> None:
        listener = self.engine.listen()
        self._begin()
        while (event := listener.get()) is not None:
            self._piece(event)
        self._end()

    def _exec(self, command: list[str]) -> None:
        self.close_connection = True
        self.send_response(101, "UPGRADED")
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "tcp")
        self.end_headers()
        port = self.engine.programs.get(command[0])
        if port is None:
            self.wfile.write(frame(1, b"OCI runtime exec failed: executable file not found in $PATH\r\n"))
            return
        with socket.create_connection(("127.0.0.1", port)) as far:
            self.engine.opened(far)
            threading.Thread(target=self._up, args=(far,), daemon=True).start()
            while data := far.recv(65_536):
                self.connection.sendall(frame(2, b"noise") + frame(1, data))

    def _up(self, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := self.connection.recv(65_536):
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)

    def _begin(self) -> None:
        self.close_connection = True
        self.send_response(200)
        if self.engine.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def _piece(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if self.engine.chunked else data)

    def _end(self) -> None:
        if self.engine.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _json(self, value: Any, status: int = 200) -> None:
        self._plain(json.dumps(value).encode(), status)

    def _plain(self, data: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
