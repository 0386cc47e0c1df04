"""Owns the connection to one engine: SDK clients for questions, an address for streams, errors in our words."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from console.errors import ConsoleError, StackError, UnreachableError
from console.stack.docker.address import Address, Certificates, find, missing
from console.stack.docker.asking import Asker
from console.stack.docker.loop import StreamLoop
from console.stack.docker.ssh import SshBridge
from console.stack.docker.wire import NoSuchThingError

if TYPE_CHECKING:
    import docker

T = TypeVar("T")

ANSWER_S = 10


class Engine:
    """One Docker Engine. `docker_host` "" means: as the docker command would find it.

    An engine that is away raises UnreachableError at each use and is found again by the next one.
    """

    def __init__(self, docker_host: str = "", loop: StreamLoop | None = None) -> None:
        self._given = docker_host
        self.loop = loop or StreamLoop()
        self._reached: Address | None = None
        self._reaching = asyncio.Lock()
        self._bridge: SshBridge | None = None
        self._clients = threading.local()
        self._made: list[docker.APIClient] = []
        self._left = 0
        self._asker: Asker | None = None

    @property
    def where(self) -> str:
        """The engine's address as a person writes it."""
        return find(self._given).url if self._reached is None else self._reached.url

    async def address(self) -> Address:
        """Where streams connect to: for an ssh host the near end of a bridge.

        Raises:
            UnreachableError: the address, or the context it should come from, makes no sense.
        """
        if self._reached is not None:
            return self._reached
        return await self.loop.call(self._reach())

    async def _reach(self) -> Address:
        async with self._reaching:
            if self._reached is None:
                found = await self.loop.blocking(find, self._given)
                if found.ssh:
                    self._bridge = SshBridge(found)
                    found = await self._bridge.open()
                self._reached = found
                return found
            return self._reached

    async def ask(self, question: Callable[[docker.APIClient], T]) -> T:
        """Call a function with an SDK client of its own thread.

        Raises:
            UnreachableError: the engine does not answer. NoSuchThingError, StackError: it refused.
        """
        address = await self.address()
        return await self._explained(address, self.loop.blocking(self._asked, address, question))

    async def look(self, question: Callable[[Asker], Coroutine[Any, Any, T]]) -> T:
        """Call a coroutine function with the engine's asker: quick, and without the import of the SDK.

        Raises:
            UnreachableError: the engine does not answer. NoSuchThingError, StackError: it refused.
        """
        address = await self.address()
        return await self._explained(address, self.loop.call(self._looked(address, question)))

    async def _looked(self, address: Address, question: Callable[[Asker], Coroutine[Any, Any, T]]) -> T:
        if self._asker is None:
            self._asker = Asker(address)
        return await question(self._asker)

    async def _explained(self, address: Address, asked: Awaitable[T]) -> T:
        """What was asked; where the engine is away on an ssh host, with the ssh client's own words for it."""
        try:
            return await asked
        except UnreachableError as error:
            bridge = self._bridge
            if bridge is not None and (reason := await self.loop.call(bridge.reason())):
                raise missing(address, reason) from None
            raise error from None

    async def close(self) -> None:
        """Give back threads, clients and the ssh bridge."""
        if self._asker is not None:
            asker, self._asker = self._asker, None
            await self.loop.call(_ended(asker))
        if self._bridge is not None:
            bridge, self._bridge = self._bridge, None
            await self.loop.call(bridge.close())
        await self.loop.close()
        while self._made:
            self._made.pop().close()

    def _asked(self, address: Address, question: Callable[[docker.APIClient], T]) -> T:
        try:
            _knock(address)
            return question(self._client(address))
        except ConsoleError:
            raise
        except Exception as error:  # noqa: BLE001 - what is not the SDK's is raised again by translate
            found = translate(error, address)
            if isinstance(found, UnreachableError):
                self._left += 1
            raise found from None

    def _client(self, address: Address) -> docker.APIClient:
        """This thread's client; a new one after the engine was away, as another version may have come back."""
        known: tuple[int, docker.APIClient] | None = getattr(self._clients, "known", None)
        if known is not None and known[0] == self._left:
            return known[1]
        if known is not None:
            self._made.remove(known[1])
            known[1].close()
        known = self._clients.known = (self._left, connect(address))
        self._made.append(known[1])
        return known[1]


async def _ended(asker: Asker) -> None:
    """Close it, on its own loop."""
    asker.close()


def connect(address: Address) -> docker.APIClient:
    """An SDK client, for one thread. Asks the engine for its version."""
    import docker

    url = f"unix://{address.socket}" if address.socket else address.url
    return docker.APIClient(base_url=url, version="auto", timeout=ANSWER_S, tls=_tls(address.certificates))


def _tls(certificates: Certificates | None) -> Any:
    if certificates is None:
        return False
    from docker.tls import TLSConfig

    pair = (certificates.cert, certificates.key) if certificates.cert else None
    return TLSConfig(client_cert=pair, ca_cert=certificates.ca or None, verify=certificates.verify)


def _knock(address: Address) -> None:
    """Fail at once, with the system's own word, where nobody listens: the SDK leaks its socket then."""
    if address.socket:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(ANSWER_S)
            probe.connect(address.socket)


def translate(error: Exception, address: Address) -> ConsoleError:
    """The SDK's exception as one of ours.

    Raises:
        Exception: the given one, when it is none of the SDK's: a mistake here must not look like an engine's refusal.
    """
    import requests
    from docker.errors import APIError, DockerException, NotFound

    if isinstance(error, NotFound):
        return NoSuchThingError(f"The engine does not know it: {_words(error)}")
    if isinstance(error, APIError):
        return StackError(f"The engine refused: {_words(error)}")
    if isinstance(error, requests.exceptions.Timeout):
        return UnreachableError(f"The Docker Engine at {address.url} does not answer in time.", "See its own log.")
    if isinstance(error, requests.exceptions.RequestException | DockerException | OSError):
        return missing(address, root(error))
    raise error


def root(error: BaseException) -> BaseException:
    """The innermost cause: under requests and urllib3 lies the operating system's own word."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = error.__cause__ or error.__context__
        if inner is None:
            break
        error = inner
    return error


def _words(error: Any) -> str:
    return str(getattr(error, "explanation", "") or error).strip()[:500]
