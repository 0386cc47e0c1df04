"""A stand-in for Meta's Graph API on loopback: reads of leads, forms and pages, with errors and delays.

What it answers is what the real one was seen to answer: developers.facebook.com, "Retrieving leads", "Error handling",
"Rate limiting". An error that heals is a 500 with code 2, twice for each such lead when it is read alone; one of many
leaves such leads out, as the real one does.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from console.demo.listings import Listings, PageSetup
from console.demo.loopback import Answered, Asked, Loopback
from console.demo.world import Fate, Form, World

MAX_IDS = 50
_HEALS_AFTER = 2
LIMIT_TEXT = "(#80005) There have been too many leadgen api calls to this Page account. Wait a bit and try again."

Query = Mapping[str, list[str]]


@dataclass(slots=True)
class Counts:
    """What was asked so far. `errors` are answers other than 200, by Graph error code.

    `listings` are calls for the leads of a form, `while_blocked` those of them made during a block.
    """

    calls: int = 0
    leads: int = 0
    errors: dict[int, int] = field(default_factory=dict)
    listings: int = 0
    while_blocked: int = 0


@dataclass(frozen=True, slots=True)
class Temper:
    """How the stand-in behaves.

    Attributes:
        slow: share of calls that take from 0.3 s up to `slow_s` longer.
        broken: share of reads of many that fail as a whole, with an HTML page.
        limit_every_s: a page runs into its limit this often, for `limit_s`; 0 for never.
        dropped: share of listings whose connection ends within the answer.
        listings: so many listings, then they are blocked for `limit_s`; 0 for no such limit.
        used: per cent of the limit that the usage header of a listing speaks of; 0 for none.
    """

    slow: float = 0.04
    slow_s: float = 1.2
    broken: float = 0.02
    limit_every_s: float = 0.0
    limit_s: float = 4.0
    dropped: float = 0.0
    listings: int = 0
    used: int = 0


class GraphError(Exception):
    """An answer that is an error: HTTP status, Graph code and subcode, text, extra headers."""

    def __init__(self, status: int, code: int, text: str, *, subcode: int = 0, usage: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.subcode = subcode
        self.usage = usage

    def body(self) -> bytes:
        """The JSON that Meta wraps an error in."""
        inner: dict[str, Any] = {"message": str(self), "type": "OAuthException", "code": self.code}
        if self.subcode:
            inner["error_subcode"] = self.subcode
        if self.code == 2:
            inner["is_transient"] = True
        return json.dumps({"error": inner | {"fbtrace_id": "Demo"}}).encode()


class GraphStandIn(Loopback):
    """An HTTP server on 127.0.0.1. `url` is its base; use it as an async context manager."""

    def __init__(
        self, world: World, *, token: str, app_secret: str = "", temper: Temper | None = None, seed: int = 0
    ) -> None:
        super().__init__()
        self.counts = Counts()
        self._world = world
        self._token = token
        self._app_secret = app_secret
        self._temper = temper or Temper()
        self._dice = random.Random(f"graph {seed}")  # noqa: S311 - invented behaviour
        self._failed: dict[int, int] = {}
        self._names = {form.id: {"id": form.id, "name": form.text.name} for form in world.forms}
        self._names |= {form.page_id: {"id": form.page_id, "name": form.text.page} for form in world.forms}
        self._began = time.monotonic()
        self._forms = {form.id: form for form in world.forms}
        self._listings = Listings(world)
        self._blocked_until = 0.0
        self.setup = PageSetup()

    async def answer_to(self, asked: Asked) -> Answered:
        """What Meta would answer, after a while."""
        self.counts.calls += 1
        if self._dice.random() < self._temper.slow:
            await asyncio.sleep(self._dice.uniform(0.3, max(self._temper.slow_s, 0.3)))
        return self._answer(asked)

    def _answer(self, asked: Asked) -> Answered:
        date = formatdate(time.time() + self.setup.clock_s, usegmt=True)
        headers = {"facebook-api-version": "v25.0", "Date": date}
        try:
            if asked.method != "GET":
                raise GraphError(400, 100, "Unsupported post request.")
            self._demand_token(asked)
            path = [part for part in asked.path.split("/") if part][1:]
            ids = asked.query.get("ids")
            if ids and not path and self._dice.random() < self._temper.broken:
                self._count_error(1)
                return Answered(500, b"<html><body>Sorry, something went wrong.</body></html>", headers)
            found = self._many(ids[0].split(",")) if ids and not path else self._one(path, asked.query)
            listing = path[1:] == ["leads"]
            if listing and (self._temper.used or self._temper.listings):
                headers |= {"X-Business-Use-Case-Usage": _usage("1", self._temper.used, 0)}
            cut = 20 if listing and self._dice.random() < self._temper.dropped else -1
            return Answered(200, json.dumps(found, ensure_ascii=False).encode(), headers, cut)
        except GraphError as error:
            self._count_error(error.code)
            headers |= {"X-Business-Use-Case-Usage": error.usage} if error.usage else {}
            return Answered(error.status, error.body(), headers)

    def _count_error(self, code: int) -> None:
        self.counts.errors[code] = self.counts.errors.get(code, 0) + 1

    def _demand_token(self, asked: Asked) -> None:
        query = asked.query
        token = query.get("access_token", [""])[0] or asked.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            raise GraphError(400, 104, "An access token is required to request this resource.")
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise GraphError(400, 190, "Invalid OAuth access token - Cannot parse access token")
        proof = query.get("appsecret_proof", [""])[0]
        right = hmac.new(self._app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if proof and not hmac.compare_digest(proof.encode(), right.encode()):
            raise GraphError(400, 100, "Invalid appsecret_proof provided in the API argument")

    # --- what is read -------------------------------------------------------------------------------------------------

    def _many(self, ids: list[str]) -> dict[str, Any]:
        """`?ids=`: those that can be read now; an id that never was one fails the whole call."""
        if len(ids) > MAX_IDS:
            raise GraphError(400, 100, f"(#100) Too many IDs. Maximum: {MAX_IDS}. Provided: {len(ids)}.")
        if all(lead_id in self._names for lead_id in ids):
            return {lead_id: self._names[lead_id] for lead_id in ids}
        numbers = {lead_id: self._world.number(lead_id) for lead_id in ids}
        unknown = [i for i, n in numbers.items() if n is None or self._world.fate(n) is Fate.UNKNOWN]
        if unknown:
            raise GraphError(
                404, 803, f"(#803) Some of the aliases you requested do not exist: {','.join(unknown)[:200]}"
            )
        known = {lead_id: number for lead_id, number in numbers.items() if number is not None}
        for number in known.values():
            self._demand_unlimited(self._world.form(number))
        found = {}
        for lead_id, number in known.items():
            fate = self._world.fate(number)
            if fate is Fate.FINE or (fate is Fate.HEALS and self._failed.get(number, 0) >= _HEALS_AFTER):
                found[lead_id] = self._world.answer(number)
        self.counts.leads += len(found)
        return found

    def _one(self, path: list[str], query: Query) -> dict[str, Any]:
        """A lead, a form, a page, or what hangs on one of these."""
        if len(path) == 2:
            return self._edge(path[0], path[1], query)
        if len(path) != 1:
            raise GraphError(400, 100, "Unsupported get request.")
        if path == ["me"]:
            return {"id": "1", "name": "Demo"}
        if path == ["debug_token"]:
            if not self.setup.debuggable:
                raise GraphError(400, 100, "(#100) You must provide an app access token, or a user access token")
            return self.setup.token()
        return self._node(path[0], query) or self._lead(path[0])

    def _node(self, node: str, query: Query) -> dict[str, Any]:
        """A form or a page, with the fields that are asked for; empty if it is neither."""
        wanted = query.get("fields", [""])[0].split(",")
        form = self._forms.get(node)
        known: dict[str, Any] = {"page_id": form.page_id, "status": "ACTIVE"} if form else {}
        known |= {"has_lead_access": self.setup.lead_access()} if node in self._names and not form else {}
        return self._names.get(node, {}) | {name: known[name] for name in wanted if name in known}

    def _lead(self, lead_id: str) -> dict[str, Any]:
        number = self._world.number(lead_id)
        if number is None or self._world.fate(number) is Fate.UNKNOWN:
            raise GraphError(404, 803, f"(#803) Some of the aliases you requested do not exist: {lead_id[:50]}")
        self._demand_unlimited(self._world.form(number))
        fate = self._world.fate(number)
        if fate is Fate.MISSING:
            raise GraphError(
                400,
                100,
                f"Unsupported get request. Object with ID '{lead_id}' does not exist, cannot be loaded due to missing "
                "permissions, or does not support this operation.",
                subcode=33,
            )
        if fate is Fate.HEALS and self._failed.get(number, 0) < _HEALS_AFTER:
            self._failed[number] = self._failed.get(number, 0) + 1
            raise GraphError(500, 2, "Service temporarily unavailable")
        self.counts.leads += 1
        return self._world.answer(number)

    def _edge(self, owner: str, edge: str, query: Query) -> dict[str, Any]:
        if edge == "leadgen_forms":
            forms = [form for form in self._world.forms if form.page_id == owner]
            return {"data": [{"id": form.id, "name": form.text.name, "status": "ACTIVE"} for form in forms]}
        if edge == "subscribed_apps":
            return self.setup.apps()
        if edge == "leads" and owner in self._forms:
            self._demand_unblocked(owner)
            return self._listings.leads(self._forms[owner], query, self.url)
        raise GraphError(400, 100, f"(#100) Tried accessing nonexisting field ({edge[:40]})")

    def _demand_unblocked(self, form_id: str) -> None:
        """After so many listings comes a block; calls during it are counted."""
        self.counts.listings += 1
        now = time.monotonic()
        if now < self._blocked_until:
            self.counts.while_blocked += 1
        elif not self._temper.listings or self.counts.listings % (self._temper.listings + 1):
            return
        else:
            self._blocked_until = now + self._temper.limit_s
        raise GraphError(400, 80_005, LIMIT_TEXT, usage=_usage(form_id, 100, (self._blocked_until - now) / 60))

    def _demand_unlimited(self, form: Form) -> None:
        """Pages take turns in running into their limit; the busiest comes first."""
        if not self._temper.limit_every_s:
            return
        turn, into = divmod(time.monotonic() - self._began, self._temper.limit_every_s)
        page = self._world.forms[int(turn) % 3].page_id
        if turn >= 1 and into < self._temper.limit_s and form.page_id == page:
            raise GraphError(400, 80_005, LIMIT_TEXT, usage=_usage(page, 100, 1))


def _usage(business: str, percent: int, regain_min: float) -> str:
    """X-Business-Use-Case-Usage."""
    use = {"type": "leadgen", "call_count": percent, "estimated_time_to_regain_access": regain_min}
    return json.dumps({business: [use]}, separators=(",", ":"))
