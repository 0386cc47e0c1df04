"""Looks at Meta's side: the tokens and what they may do, each page's access to leads and its subscription."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from api.graph import Action, GraphClient, GraphTroubleError, TokenFacts
from api.settings import Settings
from console.doctor.diagnosis import Diagnosis, Said, fail, fine, warn
from console.doctor.servers import clock
from console.errors import ConsoleError
from console.format import safe
from console.links import Links

NEEDED = "leads_retrieval"
EXPIRY_WARN_DAYS = 7
MOST_PAGES = 20

TOKEN_MEND = "make a new token (a system user's does not expire), set it in .env, then: leadsctl up"  # noqa: S105
PROOF_MEND = "set META_APP_SECRET to that of the app the token was made for (App settings, Basic)"
ACCESS_MEND = "give the app access in Business settings, Integrations, Leads access; the token needs leads_retrieval"
SUBSCRIBE_MEND = "subscribe it: POST /{page}/subscribed_apps?subscribed_fields=leadgen with the page's token"


class MetaSide:
    """Checks of the Graph API, with the stack's tokens.

    Args:
        pages: that the operator names, beside those with a token and those that leads came from.
    """

    def __init__(self, settings: Settings, graph: GraphClient, links: Links, pages: Sequence[str]) -> None:
        self._settings = settings
        self._graph = graph
        self._links = links
        self._given = pages

    async def look(self) -> Said:
        """All of it. Nothing is asked about a page whose calls have to wait."""
        if not self._graph.tokens:
            return ()  # said where the settings are judged
        await self._respect_pauses()
        names = await self._names()
        pages = list(dict.fromkeys((*self._given, *self._settings.meta_access_tokens, *names)))[:MOST_PAGES]
        said: list[Diagnosis] = []
        clocks = await self._clock(pages[0] if pages else "")
        facts: dict[str, TokenFacts | None] = {}
        for page in [*([""] if self._settings.meta_access_token else []), *self._settings.meta_access_tokens]:
            diagnosis, facts[self._graph.token_for(page)] = await self._token(page)
            said.append(diagnosis)
        own = [fact.owner for fact in facts.values() if fact and fact.kind == "PAGE" and fact.owner]
        for page in dict.fromkeys((*pages, *own)):
            token = facts.get(self._graph.token_for(page))
            if token is not None:
                said += await self._page(page, names.get(page, ""), token.app)
        if not pages and not own and any(facts.values()):
            said.append(warn("pages", "no page is known yet to look at", "leadsctl doctor --page ID looks at one"))
        return (*said, *clocks)

    async def _respect_pauses(self) -> None:
        """A call during a block lengthens it. Without Redis nobody knows of any."""
        try:
            pauses = await self._links.backlog(lambda backlog: backlog.pauses())
        except ConsoleError:
            return
        for pause in pauses:
            if pause.until:
                self._graph.limits.block(pause.page, pause.until, pause.reason)

    async def _names(self) -> Mapping[str, str]:
        """Pages that leads came from, by id; none while Postgres is away."""
        try:
            return dict(await self._links.read(lambda reader: reader.names("page")))
        except ConsoleError:
            return {}

    async def _clock(self, page: str) -> Said:
        asked_at = time.time()
        date = await self._graph.setup.date(page)
        return (clock("the Graph API", date, asked_at, time.time(), grain_s=1.0),) if date else ()

    async def _token(self, page: str) -> tuple[Diagnosis, TokenFacts | None]:
        """What is wrong with a token, or what it is."""
        name = "token" if not page else f"token {page}"
        try:
            facts = await self._graph.setup.token(page)
        except GraphTroubleError as error:
            return self._troubled(name, error), None
        proof = "app secret proof accepted" if self._settings.meta_app_secrets else "without app secret proof"
        if facts.scopes is not None and NEEDED not in facts.scopes:
            mend = f"make a token with {NEEDED}, set it in .env, then: leadsctl up"
            return fail(name, f"it lacks the permission {NEEDED}", mend), facts
        days = (facts.expires_at - time.time()) / 86_400
        if facts.expires_at and days < EXPIRY_WARN_DAYS:
            day = datetime.fromtimestamp(facts.expires_at, UTC).date().isoformat()
            return warn(name, f"it expires on {day}", TOKEN_MEND), facts
        if facts.scopes is None:
            return fine(name, f"valid, {proof}; what it may do is not told"), facts
        return fine(name, f"valid, {proof}, with {NEEDED}"), facts

    async def _page(self, page: str, title: str, app: str) -> Said:
        name = f"page {page}"
        called = f"{safe(title, 60)}: " if title else ""
        said: list[Diagnosis] = []
        try:
            if problem := await self._graph.setup.access_problem(page):
                said.append(fail(name, f"{called}{problem}", ACCESS_MEND))
            if problem := await self._graph.setup.subscription_problem(page, app):
                said.append(fail(name, f"{called}{problem}", SUBSCRIBE_MEND))
        except GraphTroubleError as error:
            return (*said, self._troubled(name, error))
        return said or (fine(name, f"{called}subscribed to leadgen, its leads may be read"),)

    def _troubled(self, name: str, error: GraphTroubleError) -> Diagnosis:
        """A call that failed, as something to mend."""
        found, text = error.trouble, safe(str(error), 250)
        if "appsecret_proof" in text:
            return fail(name, text, PROOF_MEND)
        if found.action is Action.WAIT and error.answered:
            return warn(name, text, "it ends by itself; run doctor again then")
        if found.action is Action.WAIT:
            where = urlsplit(self._settings.meta_graph_url).netloc
            mend = f"a way out to {safe(where, 200)} is needed; leadsctl doctor --offline leaves Meta out"
            return (
                fail(name, text, mend)
                if "reached" in text
                else warn(name, text, "it ends by itself; run doctor again then")
            )
        if found.kind == "token":
            return fail(name, text, TOKEN_MEND)
        if found.kind == "permission":
            return fail(name, text, ACCESS_MEND)
        return fail(name, text, "run it again; developers.facebook.com/status tells of outages")
