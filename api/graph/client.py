"""Talks to the Graph API: leads by id (many in a call), leads of a form, names, and whether a page is set up.

A token goes where Meta documents it, into the query; it is therefore never part of what is logged, raised or kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

import httpx

from api.errors import GraphError
from api.graph import answers
from api.graph.answers import GraphLead
from api.graph.usage import Usage, usage
from api.graph.verdict import Action, Scope, Trouble, invisible, safe, trouble, unreadable

MAX_IDS = 50
"""Ids in one call: Meta's own limit."""

FIELDS = (
    "id,created_time,ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name,form_id,is_organic,platform,"
    "partner_name,field_data,custom_disclaimer_responses"
)
MAX_ANSWER = 32_000_000
"""Bytes of one answer that are read."""

MAX_PAGES = 10_000
"""Pages of one form's listing that are followed."""

_MAX_UNREACHABLE_S = 60.0


@dataclass(frozen=True, slots=True)
class LeadsAnswer:
    """What came of asking for leads: one result for each id, and the worst that the usage headers said."""

    results: dict[str, GraphLead | Trouble]
    usage: Usage


@dataclass(frozen=True, slots=True)
class _Answer:
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


class GraphClient:
    """A client for one app. Safe to use from many tasks at once; bound to one event loop."""

    def __init__(
        self,
        *,
        url: str = "https://graph.facebook.com",
        version: str = "v25.0",
        token: str = "",
        tokens: Mapping[str, str] | None = None,
        app_secret: bytes = b"",
        timeout_s: float = 10.0,
        connections: int = 16,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Args:
        token: for every page that `tokens` (page id → token) does not name.
        app_secret: proves the calls (appsecret_proof) unless empty.
        timeout_s: limit of a whole call.
        connections: calls under way at once.
        """
        self._url = url.rstrip("/")
        self._version = version
        self._token = token
        self._tokens = dict(tokens or {})
        self._secret = app_secret
        self._timeout_s = timeout_s
        self._unreachable = 0
        self._calls = asyncio.Semaphore(connections)
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._http = httpx.AsyncClient(timeout=timeout_s, limits=limits, transport=transport, follow_redirects=False)

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

    async def leads(self, page: str, ids: Sequence[str], *, at_once: int = MAX_IDS) -> LeadsAnswer:
        """Read leads of one page, at most `at_once` in a call.

        An id that spoils the answer for others, or is missing from it, is asked for alone. Once the answer means that
        the page must wait, nothing more is asked. Never raises: each id has its lead or its trouble.
        """
        results: dict[str, GraphLead | Trouble] = {
            lead_id: Trouble(Action.BURY, "not an id of the Graph API") for lead_id in ids if not _is_id(lead_id)
        }
        wanted = [lead_id for lead_id in dict.fromkeys(ids) if lead_id not in results]
        size = max(1, min(at_once, MAX_IDS))
        todo = [wanted[start : start + size] for start in range(0, len(wanted), size)]
        seen = Usage()
        while todo:
            chunk = todo.pop(0)
            answer = await self._get(page, *_lead_path(chunk))
            told = usage(answer.headers)
            seen = Usage(max(seen.percent, told.percent), max(seen.regain_s, told.regain_s))
            whole = answer.trouble
            if whole is None:
                found, again = _sort(chunk, answer)
                results |= found
                todo = [[lead_id] for lead_id in again] + todo
            elif len(chunk) > 1 and _one_may_spoil(whole):
                todo = [*_split(chunk, whole.error), *todo]
            else:
                if whole.action is Action.SPLIT:
                    whole = replace(whole, action=Action.RETRY)
                stop = whole.action in (Action.WAIT, Action.ASK)
                results |= dict.fromkeys([*chunk, *(i for part in todo for i in part)] if stop else chunk, whole)
                todo = [] if stop else todo
        return LeadsAnswer(results, seen)

    async def form_leads(
        self, page: str, form: str, *, since: float, limit: int = 100
    ) -> AsyncIterator[list[GraphLead]]:
        """All leads of a form created after `since` (epoch seconds), a page of them at a time.

        Ends where the listing ends, at a cursor that does not advance, and at a link to another host.

        Raises:
            GraphError: with the Graph API's own words; what was given before stays good.
        """
        newer = [{"field": "time_created", "operator": "GREATER_THAN", "value": int(since)}]
        query = {"fields": FIELDS, "filtering": json.dumps(newer, separators=(",", ":")), "limit": str(limit)}
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            answer = await self._sound(page, f"{form}/leads", query)
            found = answers.listed(answer.text, answer.value, answer.cleaned)
            if found is None:
                raise GraphError("Graph API: the listing has no data")
            if found:
                yield found
            cursor = answers.next_cursor(answer.value, self._url)
            if not cursor or cursor in seen:
                return
            seen.add(cursor)
            query["after"] = cursor

    async def names(self, page: str, ids: Sequence[str]) -> dict[str, str]:
        """Names of forms or pages by id, as far as they can be had; never raises."""
        wanted = [i for i in dict.fromkeys(ids) if _is_id(i)][:MAX_IDS]
        if not wanted:
            return {}
        answer = await self._get(page, "", {"ids": ",".join(wanted), "fields": "id,name"})
        value = {} if answer.trouble or not isinstance(answer.value, dict) else answer.value
        named = {i: value[i].get("name") for i in wanted if isinstance(value.get(i), dict)}
        return {i: str(name)[:500] for i, name in named.items() if isinstance(name, str) and name}

    async def page_problems(self, page: str) -> tuple[str, ...]:
        """Why leads of a page would not arrive: no access to leads, or no subscription to them. Empty when all is well.

        Raises:
            GraphError: it could not be found out.
        """
        problems = []
        access = (await self._sound(page, page, {"fields": "has_lead_access"})).value.get("has_lead_access")
        if isinstance(access, dict) and access.get("can_access_lead") is False:
            reason = access.get("failure_reason")
            problems.append(safe(f"the app may not read this page's leads: {reason or 'no reason given'}"))
        apps = (await self._sound(page, f"{page}/subscribed_apps", {})).value.get("data")
        subscribed = [app.get("subscribed_fields") for app in apps if isinstance(app, dict)] if apps else []
        if not any(isinstance(names, list) and "leadgen" in names for names in subscribed):
            problems.append("the page is not subscribed to leadgen: new leads are not announced")
        return tuple(problems)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _sound(self, page: str, path: str, query: dict[str, str]) -> _Answer:
        """An answer without trouble; GraphError otherwise."""
        answer = await self._get(page, path, query)
        if answer.trouble:
            raise GraphError(answer.trouble.error)
        return answer

    async def _get(self, page: str, path: str, query: dict[str, str]) -> _Answer:
        token = self.token_for(page)
        if not token:
            named = f"page {safe(page)}" if page else "leads without a page"
            error = f"no token for {named}: set META_ACCESS_TOKEN or META_ACCESS_TOKENS"
            return _Answer(failed=Trouble(Action.ASK, error, scope=Scope.PAGE, kind="token"))
        secrets = {"access_token": token}
        if self._secret:
            secrets["appsecret_proof"] = proof(self._secret, token)
        async with self._calls:
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await self._read(f"{self._url}/{self._version}/{path}", query | secrets)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                return _Answer(failed=self._no_way())
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                # The text of httpx's errors may hold the URL, and with it the token: only their kind is told.
                return _Answer(failed=unreadable(f"no answer ({type(error).__name__})"))
        self._unreachable = 0
        return answer

    async def _read(self, url: str, query: dict[str, str]) -> _Answer:
        body = bytearray()
        async with self._http.stream("GET", url, params=query) as response:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MAX_ANSWER:
                    return _Answer(failed=unreadable(f"an answer of more than {MAX_ANSWER} bytes"))
            text, value, cleaned = answers.read(bytes(body))
            return _Answer(response.status_code, response.headers, text, value, cleaned)

    def _no_way(self) -> Trouble:
        """Nobody answers at that address: all calls wait, longer each time, and no lead pays for it with an attempt."""
        self._unreachable += 1
        delay_s = min(_MAX_UNREACHABLE_S, 5.0 * 2 ** min(self._unreachable - 1, 10))
        return Trouble(Action.WAIT, "the Graph API cannot be reached", delay_s, Scope.APP, "limit")


def proof(secret: bytes, token: str) -> str:
    """appsecret_proof: hex HMAC-SHA256 of the token. Source: developers.facebook.com/docs/graph-api/security."""
    return hmac.new(secret, token.encode(), hashlib.sha256).hexdigest()


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 40 and text.isascii() and text.isdigit()


def _lead_path(chunk: list[str]) -> tuple[str, dict[str, str]]:
    if len(chunk) == 1:
        return chunk[0], {"fields": FIELDS}
    return "", {"ids": ",".join(chunk), "fields": FIELDS}


def _one_may_spoil(whole: Trouble) -> bool:
    """Whether one id among several can be the reason: then the others need not suffer."""
    return whole.action is Action.SPLIT or whole.action is Action.BURY or whole.tries > 0


def _split(chunk: list[str], error: str) -> list[list[str]]:
    """Smaller calls. The id that the error names goes alone; without one the chunk is halved."""
    named = [lead_id for lead_id in chunk if lead_id in error.replace("'", " ").replace(",", " ").split()]
    rest = [lead_id for lead_id in chunk if lead_id not in named]
    if named and rest:
        return [*([lead_id] for lead_id in named), rest]
    middle = len(chunk) // 2
    return [chunk[:middle], chunk[middle:]]


def _sort(chunk: list[str], answer: _Answer) -> tuple[dict[str, GraphLead | Trouble], list[str]]:
    """A sound answer as results for its ids, and the ids to be asked for again, alone."""
    if len(chunk) == 1:
        lead = answers.single(answer.text, answer.value, answer.cleaned)
        return {chunk[0]: _checked(chunk[0], lead) if lead else invisible()}, []
    found = answers.several(answer.text, answer.value, answer.cleaned) or {}
    leads = {lead_id: lead for lead_id in chunk if (lead := found.get(lead_id))}
    return {i: _checked(i, lead) for i, lead in leads.items()}, [i for i in chunk if i not in leads]


def _checked(lead_id: str, lead: GraphLead) -> GraphLead | Trouble:
    if lead.id != lead_id:
        return Trouble(Action.BURY, safe(f"Graph API: asked for lead {lead_id}, got {lead.id}"))
    return lead
