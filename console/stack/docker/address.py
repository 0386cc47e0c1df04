"""Owns where the engine is: a given address, DOCKER_HOST, a Docker context, or the default socket, in that order."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from console.errors import UnreachableError

DEFAULT_SOCKET = "unix:///var/run/docker.sock"
TRY = "Start it, set DOCKER_HOST, or try leadsctl demo."


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of a TLS connection to an engine; "" where there is none. `verify` False accepts any server."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    verify: bool = True

    @classmethod
    def of(cls, folder: Path, *, verify: bool = True) -> Certificates:
        """The files of a folder, by the names that Docker gives them."""
        ca, cert, key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
        pair = cert.is_file() and key.is_file()
        return cls(
            ca=str(ca) if ca.is_file() else "",
            cert=str(cert) if pair else "",
            key=str(key) if pair else "",
            verify=verify,
        )


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine listens. `url` is what a person would write: unix://…, tcp://host:port or ssh://user@host.

    Attributes:
        socket: path of the Unix socket, "" for TCP and ssh.
        host: name or address of a TCP engine or of the ssh host; "" for a Unix socket.
        port: TCP port; of ssh too, 0 for its default.
    """

    url: str
    socket: str = ""
    host: str = ""
    port: int = 0
    certificates: Certificates | None = field(default=None, repr=False)

    @property
    def local(self) -> bool:
        """Whether its containers run on this machine, so that published loopback ports and addresses can be tried."""
        return not self.ssh and (bool(self.socket) or self.host in ("localhost", "127.0.0.1", "::1"))

    @property
    def ssh(self) -> bool:
        """Whether it is reached through the ssh client."""
        return self.url.startswith("ssh://")

    def context(self) -> ssl.SSLContext | None:
        """The TLS settings for a stream of our own, None without TLS."""
        if self.certificates is None:
            return None
        given = self.certificates
        context = ssl.create_default_context(cafile=given.ca or None)
        if not given.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if given.cert:
            context.load_cert_chain(given.cert, given.key)
        return context


def missing(address: Address | str, cause: BaseException | str = "") -> UnreachableError:
    """The error that says that no engine answers there, with what to do about it."""
    where = address if isinstance(address, str) else address.url
    if isinstance(cause, PermissionError):
        return UnreachableError(
            f"The Docker Engine at {where} does not let you in: permission denied.",
            "Run as root, join the group docker, or try leadsctl demo.",
        )
    plain = isinstance(cause, FileNotFoundError | ConnectionRefusedError)
    reason = "" if plain else describe(cause)
    return UnreachableError(f"No Docker Engine at {where}{f': {reason}' if reason else ''}.", TRY)


def describe(cause: BaseException | str) -> str:
    """A failure of a connection in a few words."""
    if isinstance(cause, str):
        return cause
    if isinstance(cause, TimeoutError):
        return "it does not answer"
    if isinstance(cause, EOFError):
        return "it closed the connection"
    return getattr(cause, "strerror", "") or str(cause) or type(cause).__name__


def find(docker_host: str = "", env: Mapping[str, str] | None = None) -> Address:
    """Where the engine is, as the docker command would find it. Nothing is connected to.

    Raises:
        UnreachableError: the address, or the context it should come from, makes no sense.
    """
    source = os.environ if env is None else env
    given = docker_host or source.get("DOCKER_HOST", "")
    if given:
        return parse(given, _from_environment(source))
    host, certificates = _from_context(source)
    return parse(host or DEFAULT_SOCKET, certificates)


def parse(url: str, certificates: Certificates | None = None) -> Address:
    """An address from its URL.

    Raises:
        UnreachableError: neither unix://, tcp://, http(s):// nor ssh://, or a port that is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 0
    except ValueError:
        raise UnreachableError(f"DOCKER_HOST is not valid: {url}", "expected unix://, tcp:// or ssh://") from None
    if parts.scheme == "unix":
        return Address(url, socket=parts.netloc + parts.path)
    if parts.scheme == "ssh" and parts.hostname:
        return Address(url, host=parts.hostname, port=port)
    if parts.scheme in ("tcp", "http", "https") and parts.hostname:
        secure = certificates or (Certificates() if parts.scheme == "https" else None)
        return Address(url, host=parts.hostname, port=port or (2376 if secure else 2375), certificates=secure)
    raise UnreachableError(f"DOCKER_HOST is not valid: {url}", "expected unix://, tcp:// or ssh://")


def _from_environment(env: Mapping[str, str]) -> Certificates | None:
    """DOCKER_TLS_VERIFY and DOCKER_CERT_PATH (https://docs.docker.com/reference/cli/docker/#environment-variables)."""
    verify, folder = env.get("DOCKER_TLS_VERIFY", ""), env.get("DOCKER_CERT_PATH", "")
    if not verify:
        return None
    return Certificates.of(Path(folder) if folder else _config_folder(env))


def _config_folder(env: Mapping[str, str]) -> Path:
    given = env.get("DOCKER_CONFIG", "")
    return Path(given or os.path.expanduser("~/.docker"))  # noqa: PTH111 - a user without a home is no error here


def _from_context(env: Mapping[str, str]) -> tuple[str, Certificates | None]:
    """Host and certificates of the context in use; "" for the default one.

    Read here, since the SDK finds no context without a config.json beside them
    (https://docs.docker.com/engine/manage-resources/contexts/).
    """
    folder = _config_folder(env)
    name = env.get("DOCKER_CONTEXT", "") or str(_read(folder / "config.json").get("currentContext") or "default")
    if name == "default":
        return "", None
    key = hashlib.sha256(name.encode()).hexdigest()
    endpoints = _read(folder / "contexts" / "meta" / key / "meta.json").get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(endpoint, dict) or not endpoint.get("Host"):
        raise UnreachableError(f"There is no Docker context {name}.", "See docker context ls.")
    verify = not endpoint.get("SkipTLSVerify")
    certificates = Certificates.of(folder / "contexts" / "tls" / key / "docker", verify=verify)
    secure = bool(certificates.ca or certificates.cert or not verify)
    return str(endpoint["Host"]), certificates if secure else None


def _read(path: Path) -> dict[str, Any]:
    """A JSON object from a file, empty where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
