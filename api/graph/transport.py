"""One call of the Graph API over HTTP: its token and proof, its limits in time and size, its outcome counted.

A token goes where Meta documents it, into the query; it is therefore never part of what is logged, raised or kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from api.graph import answers
from api.graph.counts import Calls, GraphCounts
from api.graph.limits import EVERY, Limits
from api.graph.usage import usage
from api.graph.verdict import Action, Scope, Trouble, safe, too_large, trouble, unreadable

MAX_ANSWER = 8_000_000
"""Bytes of one answer that are read, unpacked."""

_MAX_UNREACHABLE_S = 60.0
_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
_GZIP_OR_ZLIB = 47


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read and parsed; `failed` when there is none worth reading."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    value: Any = None
    cleaned: bool = False
    failed: Trouble | None = None

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong with it as a whole, None for a sound answer."""
        if self.failed:
            return self.failed
        if self.status != 200 or not isinstance(self.value, dict) or "error" in self.value:
            return trouble(self.status, self.headers, self.value)
        return None


class Transport:
    """Makes calls for pages, each with its page's token; none while they are blocked, and at the distance asked for."""

    def __init__(
        self,
        *,
        url: str,
        token: str,
        tokens: Mapping[str, str],
        app_secret: bytes,
        timeout_s: float,
        connections: int,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        """`url` has the version in it. See GraphClient."""
        self.limits = Limits()
        self.calls = Calls()
        self._url = url
        self._token = token
        self._tokens = dict(tokens)
        self._secret = app_secret
        self._timeout_s = timeout_s
        self._unreachable = 0
        self._open = asyncio.Semaphore(connections)
        self._http = httpx.AsyncClient(
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            headers={"Accept": "application/json", "Accept-Encoding": "gzip"},
            transport=transport,
            follow_redirects=False,
        )

    def token_for(self, page: str) -> str:
        """The page's token, "" if there is none. A lead without a page takes the only token there is."""
        if page in self._tokens:
            return self._tokens[page]
        if not page and not self._token and len(self._tokens) == 1:
            return next(iter(self._tokens.values()))
        return self._token

    @property
    def tokens(self) -> int:
        """How many different tokens there are."""
        return len({*self._tokens.values(), self._token} - {""})

    def concerns(self, page: str, found: Trouble) -> str:
        """Whose calls a trouble of this page's makes wait: its own, or `EVERY`.

        A limit of the token's user is every page's where there is only the one token.
        """
        everyones = found.scope is Scope.APP or (found.scope is Scope.USER and self.tokens <= 1)
        return EVERY if everyones else page

    def counts(self) -> GraphCounts:
        """What was asked so far, and the state of the limits."""
        calls, limits = self.calls, self.limits
        return GraphCounts(calls.outcomes, calls.leads_asked, calls.leads_got, limits.used(), limits.blocks())

    async def get(self, page: str, path: str, query: Mapping[str, str], *, leads: int = 0) -> Answer:
        """Call `path` for a page. Never raises: what went wrong is in the answer. `leads`: how many it asks for."""
        token = self.token_for(page)
        if not token:
            named = f"page {safe(page)}" if page else "leads without a page"
            error = f"no token for {named}: set META_ACCESS_TOKEN or META_ACCESS_TOKENS"
            return Answer(failed=Trouble(Action.ASK, error, scope=Scope.PAGE, kind="token"))
        secrets = {"access_token": token}
        if self._secret:
            secrets["appsecret_proof"] = proof(self._secret, token)
        while wait_s := self.limits.ready_in(page):
            if self.limits.blocked(page):
                break
            await asyncio.sleep(wait_s)
        async with self._open:
            blocked = self._blocked(page)
            if blocked:
                return Answer(failed=blocked)
            self.limits.begin(page)
            self.calls.leads_asked += leads
            answer = await self._call(f"{self._url}/{path}", {**query, **secrets})
        self._note(page, answer)
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _blocked(self, page: str) -> Trouble | None:
        """The trouble of a page whose calls have to wait: no call is made."""
        found = self.limits.blocked(page)
        if not found:
            return None
        name, block = found
        scope = Scope.APP if name == EVERY else Scope.PAGE
        return Trouble(Action.WAIT, block.reason, max(0.0, block.until - time.time()), scope, "limit")

    async def _call(self, url: str, query: Mapping[str, str]) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._read(url, query)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return Answer(failed=self._no_way())
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            # The text of httpx's errors may hold the URL, and with it the token: only their kind is told.
            return Answer(failed=unreadable(f"no answer ({type(error).__name__})"))
        self._unreachable = 0
        return answer

    async def _read(self, url: str, query: Mapping[str, str]) -> Answer:
        # A comma may stand in a query, and 50 ids are encoded faster with it.
        async with self._http.stream("GET", f"{url}?{urlencode(query, safe=',')}") as response:
            encoding = response.headers.get("content-encoding", "").strip().lower()
            if encoding not in _ENCODINGS:
                return Answer(failed=unreadable("an answer in an encoding nobody asked for"))
            unpack = zlib.decompressobj(_GZIP_OR_ZLIB) if encoding in ("gzip", "deflate") else None
            body = bytearray()
            try:
                async for part in response.aiter_raw():
                    # Bounded before it is unpacked: a small part may become very large.
                    body += unpack.decompress(part, MAX_ANSWER + 1 - len(body)) if unpack else part
                    if len(body) > MAX_ANSWER:
                        return Answer(failed=too_large(MAX_ANSWER))
            except zlib.error:
                return Answer(failed=unreadable("an answer that cannot be unpacked"))
            if unpack and body and not unpack.eof:
                return Answer(failed=unreadable("the answer was cut"))
            text, value, cleaned = answers.read(bytes(body))
            return Answer(response.status_code, response.headers, text, value, cleaned)

    def _note(self, page: str, answer: Answer) -> None:
        """Count how a call ended, and keep what it said of the limits."""
        found = answer.trouble
        if found is None:
            self.calls.ended("ok")
        elif answer.failed and found.action is Action.RETRY:
            self.calls.ended("no_answer")
        else:
            self.calls.ended(found.kind or found.action.value)
        self.limits.heard(page, usage(answer.headers))
        if found and found.action is Action.WAIT:
            self.limits.block(self.concerns(page, found), time.time() + found.delay_s, found.error)

    def _no_way(self) -> Trouble:
        """Nobody answers at that address: all calls wait, longer each time, and no lead pays for it with an attempt.

        Calls that failed together count as one time.
        """
        waiting = self._blocked(EVERY)
        if waiting:
            return waiting
        self._unreachable += 1
        delay_s = min(_MAX_UNREACHABLE_S, 5.0 * 2 ** min(self._unreachable - 1, 10))
        return Trouble(Action.WAIT, "the Graph API cannot be reached", delay_s, Scope.APP, "limit")


def proof(secret: bytes, token: str) -> str:
    """appsecret_proof: hex HMAC-SHA256 of the token. Source: developers.facebook.com/docs/graph-api/security."""
    return hmac.new(secret, token.encode(), hashlib.sha256).hexdigest()
