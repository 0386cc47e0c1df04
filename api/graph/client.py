"""Talks to the Graph API: leads by id, many in a call, and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import httpx

from api.graph import answers
from api.graph.answers import GraphLead
from api.graph.counts import GraphCounts
from api.graph.edges import Edges
from api.graph.limits import Limits
from api.graph.setup import Setup
from api.graph.transport import Answer, Transport
from api.graph.usage import Usage, usage
from api.graph.verdict import FEW, UNKNOWN_DELAY_S, Action, Trouble, invisible, safe
from api.settings import Settings

MAX_IDS = 50
"""Ids in one call: Meta's own limit."""

HALVINGS = 2
"""Times a call that one id spoils is halved before its ids are asked for one at a time. Each id counts as a call in
Meta's limits: so at worst four for each."""

FIELDS = (
    "id,created_time,ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name,form_id,is_organic,platform,"
    "partner_name,field_data,custom_disclaimer_responses"
)
NAME_CALLS = 6
"""Calls for the names of some forms and pages, where one that is gone fails the others."""


@dataclass(frozen=True, slots=True)
class LeadsAnswer:
    """What came of asking for leads: one result for each id, and the worst that the usage headers said."""

    results: dict[str, GraphLead | Trouble]
    usage: Usage


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Ids for one call, and how often a larger call with them was halved. `sample`: one that stands for the others."""

    ids: list[str]
    depth: int = 0
    sample: bool = False


class GraphClient:
    """A client for one app. Safe to use from many tasks at once; bound to one event loop.

    Attributes:
        edges: reads what hangs on pages and forms.
        setup: reads whether tokens and pages are set up.
    """

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
        self._way = Transport(
            url=f"{self._url}/{version}",
            token=token,
            tokens=tokens or {},
            app_secret=app_secret,
            timeout_s=timeout_s,
            connections=connections,
            transport=transport,
        )
        self.edges = Edges(self._way, self._url)
        self.setup = Setup(self._way)

    @classmethod
    def of(cls, settings: Settings, *, connections: int = 16) -> Self:
        """The client that the service's settings ask for."""
        return cls(
            url=settings.meta_graph_url,
            version=settings.meta_graph_version,
            token=settings.meta_access_token,
            tokens=settings.meta_access_tokens,
            app_secret=settings.meta_app_secrets[0] if settings.meta_app_secrets else b"",
            timeout_s=settings.graph_timeout,
            connections=connections,
        )

    def token_for(self, page: str) -> str:
        """The page's token, "" if there is none. A lead without a page takes the only token there is."""
        return self._way.token_for(page)

    def concerns(self, page: str, found: Trouble) -> str:
        """Whose calls a trouble of this page's makes wait: its own, or `EVERY`."""
        return self._way.concerns(page, found)

    @property
    def limits(self) -> Limits:
        """What is known of the limits of pages and of the app; calls respect it."""
        return self._way.limits

    @property
    def counts(self) -> GraphCounts:
        """What was asked so far, and the state of the limits."""
        return self._way.counts()

    @property
    def tokens(self) -> int:
        """How many different tokens there are."""
        return self._way.tokens

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
        todo = [_Chunk(wanted[start : start + size]) for start in range(0, len(wanted), size)]
        seen = Usage()
        got = 0
        while todo:
            chunk = todo.pop(0)
            answer = await self._way.get(page, *_lead_path(chunk.ids), leads=len(chunk.ids))
            seen = seen.worst(usage(answer.headers))
            whole = answer.trouble
            if whole is None:
                found, again = _sort(chunk.ids, answer)
                results |= found
                got += sum(isinstance(result, GraphLead) for result in found.values())
                todo = [_Chunk([lead_id]) for lead_id in again] + todo
            elif len(chunk.ids) > 1 and _one_may_spoil(whole):
                todo = [*_split(chunk, whole), *todo]
            else:
                results |= dict.fromkeys(chunk.ids, _of_one(whole))
                more_samples = bool(todo) and todo[0].sample and whole.kind == "permission"
                if whole.action in (Action.WAIT, Action.ASK) and not more_samples and not _of_a_lead(whole, got):
                    results |= {lead_id: whole for part in todo for lead_id in part.ids}
                    todo = []
        self._way.calls.leads_got += got
        return LeadsAnswer({i: _among_others(result, got) for i, result in results.items()}, seen)

    async def names(self, page: str, ids: Sequence[str]) -> dict[str, str]:
        """Names of forms or pages by id, as far as they can be had; never raises."""
        wanted = [i for i in dict.fromkeys(ids) if _is_id(i)][:MAX_IDS]
        if not wanted or self.limits.ready_in(page):
            # What is left of a limit is for leads.
            return {}
        todo = [_Chunk(wanted)]
        value: dict[str, Any] = {}
        for _ in range(NAME_CALLS):
            if not todo:
                break
            chunk = todo.pop(0)
            answer = await self._way.get(page, "", {"ids": ",".join(chunk.ids), "fields": "id,name"})
            whole = answer.trouble
            if whole is None:
                value |= answer.value
            elif len(chunk.ids) > 1 and _one_may_spoil(whole):
                todo = [*_split(chunk, whole), *todo]
            elif whole.action in (Action.WAIT, Action.ASK):
                break
        named = {i: value[i].get("name") for i in wanted if isinstance(value.get(i), dict)}
        return {i: str(name)[:500] for i, name in named.items() if isinstance(name, str) and name}

    async def close(self) -> None:
        """Close the connections."""
        await self._way.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 40 and text.isascii() and text.isdigit()


def _lead_path(ids: list[str]) -> tuple[str, dict[str, str]]:
    if len(ids) == 1:
        return ids[0], {"fields": FIELDS}
    return "", {"ids": ",".join(ids), "fields": FIELDS}


def _one_may_spoil(whole: Trouble) -> bool:
    """Whether one id among several can be the reason: then the others need not suffer."""
    return whole.action in (Action.SPLIT, Action.BURY) or whole.tries > 0 or whole.kind == "permission"


def _of_one(whole: Trouble) -> Trouble:
    """What a trouble means that came of asking for one lead, or that no one lead can be the reason of."""
    return replace(whole, action=Action.RETRY) if whole.action is Action.SPLIT else whole


def _of_a_lead(found: Trouble, got: int) -> bool:
    """Whether a refusal is one lead's: others of the page were got, so it may be read."""
    return found.kind == "permission" and got > 0


def _among_others(result: GraphLead | Trouble, got: int) -> GraphLead | Trouble:
    if isinstance(result, Trouble) and _of_a_lead(result, got):
        return Trouble(Action.RETRY, result.error, UNKNOWN_DELAY_S, tries=FEW, ask_after=True)
    return result


def _split(chunk: _Chunk, whole: Trouble) -> list[_Chunk]:
    """Smaller calls. The id that the error names goes alone; without one the chunk is halved, in the end into ones.

    A refusal is the whole page's most often: two ids show whether it is.
    """
    ids, depth = chunk.ids, chunk.depth + 1
    if depth > HALVINGS:
        return [_Chunk([lead_id]) for lead_id in ids]
    words = whole.error.replace("'", " ").replace(",", " ").split()
    named = [lead_id for lead_id in ids if lead_id in words]
    samples = whole.kind == "permission" and chunk.depth == 0
    if samples:
        named = [ids[0], ids[-1]]
    rest = [lead_id for lead_id in ids if lead_id not in named]
    if named and (rest or samples):
        ones = [_Chunk([lead_id], sample=samples) for lead_id in named]
        return [*ones, _Chunk(rest, depth)] if rest else ones
    middle = len(ids) // 2
    return [_Chunk(ids[:middle], depth), _Chunk(ids[middle:], depth)]


def _sort(chunk: list[str], answer: Answer) -> tuple[dict[str, GraphLead | Trouble], list[str]]:
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
