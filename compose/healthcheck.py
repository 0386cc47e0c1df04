"""The containers' health probe: `healthcheck.py web` asks the service, `healthcheck.py worker` seeks its heartbeat.

Prints one line and exits 0 (well) or 1. Standard library only and few imports: it runs every few seconds. A service
that takes leads in is well, also while the database is away: nothing may stop sending to it then.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

LIMIT_S = 4.0
SILENCE_S = 15.0
ANSWER_BYTES = 65_536


def web(port: int) -> tuple[bool, str]:
    """Whether the service on this machine's port answers and reaches Redis, and what it says of both."""
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as link:
        link.sendall(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head, _, body = _all(link).partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1].decode()
    told = json.loads(body)
    checks = {name: state for name, state in told.items() if isinstance(state, dict) and "ok" in state}
    text = ", ".join(f"{name}: {'ok' if state['ok'] else state['reason']}" for name, state in checks.items())
    return status == "200" or bool(checks.get("redis", {}).get("ok")), text


def worker(url: str, key: str, name: str) -> tuple[bool, str]:
    """Whether that worker's last heartbeat is recent by Redis's own clock."""
    parts = urlsplit(url)
    commands = [["HGET", key, name], ["TIME"]]
    if parts.password:
        commands.insert(0, ["AUTH", *filter(None, [unquote(parts.username or "")]), unquote(parts.password)])
    with socket.create_connection((parts.hostname or "localhost", parts.port or 6379), LIMIT_S) as plain:
        link = _secure(plain, parts.hostname) if parts.scheme == "rediss" else plain
        link.sendall(b"".join(_command(words) for words in commands))
        answers = link.makefile("rb")
        beat, now = [_answer(answers) for _ in commands][-2:]
    if not beat:
        return False, "no heartbeat yet"
    age = float(now[0]) - json.loads(beat)["at"] / 1000
    return age <= SILENCE_S, f"heartbeat {max(age, 0):.0f} s ago"


def redis_url() -> str:
    """Where Redis is, by the service's own settings: REDIS_URL, or REDIS_HOST, REDIS_PORT and REDIS_PASSWORD."""
    url = _setting("REDIS_URL")
    if url:
        return url
    from urllib.parse import quote

    login = f":{quote(_setting('REDIS_PASSWORD'), safe='')}@"
    return f"redis://{login}{os.environ.get('REDIS_HOST', 'redis')}:{os.environ.get('REDIS_PORT') or 6379}"


def _setting(name: str) -> str:
    path = os.environ.get(f"{name}_FILE")
    if path:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs as much as the rest of the probe
            return file.read().strip()
    return os.environ.get(name, "").strip()


def _name() -> str:
    """This worker's name, as the service makes it of the host's."""
    return os.environ.get("WORKER_NAME") or re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "worker"


def _secure(plain: socket.socket, host: str | None) -> socket.socket:
    import ssl

    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _command(words: list[str]) -> bytes:
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def _answer(stream: BinaryIO) -> Any:
    """One RESP2 value; an error is raised."""
    line = stream.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    if kind == b"$":
        return None if int(rest) < 0 else stream.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return [_answer(stream) for _ in range(int(rest))]
    if kind == b"-" or not kind:
        raise OSError(f"redis: {rest.decode('utf-8', 'replace') or 'no answer'}")
    return rest


def _all(link: socket.socket) -> bytes:
    until = time.monotonic() + LIMIT_S
    data = b""
    while len(data) < ANSWER_BYTES and time.monotonic() < until:
        piece = link.recv(ANSWER_BYTES)
        if not piece:
            break
        data += piece
    return data


def main(arguments: list[str]) -> int:
    """Probe what the one argument names."""
    try:
        if arguments == ["web"]:
            well, text = web(int(os.environ.get("PORT") or 3000))
        elif arguments == ["worker"]:
            namespace = os.environ.get("QUEUE_NAMESPACE") or "leads"
            well, text = worker(redis_url(), f"{{{namespace}}}:beats", _name())
        else:
            well, text = False, "usage: healthcheck.py web|worker"
    except (OSError, ValueError, IndexError, KeyError) as error:
        well, text = False, str(error) or type(error).__name__
    sys.stdout.write(text.replace("\n", " ")[:200] + "\n")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
