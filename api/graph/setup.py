"""Reads whether a token and a page are set up so that leads arrive: what a token may do, access, subscription."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from api.fields import Number
from api.graph.edges import demand_sound
from api.graph.transport import Transport
from api.graph.verdict import safe

_MAX_SCOPES = 200


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What is known of a token that works.

    Attributes:
        kind: USER, PAGE, SYSTEM_USER… in upper case; "" if unknown.
        owner: id of the page or user it stands for, "" if unknown.
        app: id of the app it was made for, "" if unknown.
        expires_at: epoch seconds, of the token or of its access to data, whichever is sooner; 0: never, or unknown.
        scopes: permissions; None: they could not be read.
    """

    kind: str = ""
    owner: str = ""
    app: str = ""
    expires_at: float = 0.0
    scopes: frozenset[str] | None = None


class Setup:
    """Cheap reads about pages and their tokens. Every method raises GraphTroubleError when a call fails."""

    def __init__(self, way: Transport) -> None:
        self._way = way

    async def date(self, page: str) -> float:
        """What the Graph API's clock says, epoch seconds, to the second; 0.0 if there is no answer that tells.

        An answer that refuses tells too.
        """
        answer = await self._way.get(page, "me", {"fields": "id"})
        try:
            return parsedate_to_datetime(answer.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return 0.0

    async def token(self, page: str) -> TokenFacts:
        """What the token of a page is and may do.

        A token may not always look at itself (debug_token); then only that it works is known.
        Source: developers.facebook.com/docs/graph-api/reference/debug_token.
        """
        me = demand_sound(await self._way.get(page, "me", {"fields": "id"})).value
        owner = str(me.get("id", ""))[:40] if isinstance(me, dict) else ""
        answer = await self._way.get(page, "debug_token", {"input_token": self._way.token_for(page)})
        data = answer.value.get("data") if not answer.trouble else None
        if not isinstance(data, dict):
            return TokenFacts(owner=owner)
        ends = [ends for name in ("expires_at", "data_access_expires_at") if (ends := _seconds(data.get(name)))]
        scopes = data.get("scopes")
        return TokenFacts(
            kind=str(data.get("type", ""))[:40].upper(),
            owner=owner,
            app=str(data.get("app_id", ""))[:40],
            expires_at=min(ends, default=0.0),
            scopes=frozenset(map(str, scopes[:_MAX_SCOPES])) if isinstance(scopes, list) else None,
        )

    async def access_problem(self, page: str) -> str:
        """Why the app may not read a page's leads, one line; "" if it may."""
        answer = demand_sound(await self._way.get(page, page, {"fields": "has_lead_access"}))
        access = answer.value.get("has_lead_access")
        if isinstance(access, dict) and access.get("can_access_lead") is False:
            return safe(f"the app may not read this page's leads: {access.get('failure_reason') or 'no reason given'}")
        return ""

    async def subscription_problem(self, page: str, app: str = "") -> str:
        """Why new leads of a page are not announced, one line; "" if they are. `app`: by whom, "" for any."""
        answer = demand_sound(await self._way.get(page, f"{page}/subscribed_apps", {}))
        apps = answer.value.get("data")
        mine = [one for one in apps if isinstance(one, dict)] if isinstance(apps, list) else []
        if app and any("id" in one for one in mine):
            mine = [one for one in mine if str(one.get("id")) == app]
        if not any(isinstance(names := one.get("subscribed_fields"), list) and "leadgen" in names for one in mine):
            return "the page is not subscribed to leadgen: new leads are not announced"
        return ""


def _seconds(value: Any) -> float:
    """Epoch seconds; 0.0 for none: 0 means never."""
    return seconds if isinstance(value, Number) and 0 < (seconds := float(value)) < 1e11 else 0.0
