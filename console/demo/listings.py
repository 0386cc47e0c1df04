"""What hangs on the stand-in's pages and forms: the leads of a form part by part, how pages and token are set up."""

from __future__ import annotations

import contextlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.demo.world import Form, World

MOST_LISTED = 500
_IDS = frozenset({"id", "created_time", "ad_id", "form_id"})


@dataclass(slots=True)
class PageSetup:
    """How pages and the token are set up.

    Attributes:
        expires_at: of the token, epoch seconds; 0: never.
        debuggable: the token may look at itself.
        clock_s: seconds by which the Graph API's clock is ahead.
    """

    subscribed: bool = True
    access: bool = True
    scopes: tuple[str, ...] = ("leads_retrieval", "pages_manage_metadata", "pages_show_list")
    expires_at: int = 0
    debuggable: bool = True
    clock_s: float = 0.0

    def apps(self) -> dict[str, Any]:
        """`/{page}/subscribed_apps`."""
        fields = ["feed", "leadgen"] if self.subscribed else ["feed"]
        return {"data": [{"id": "1", "name": "Demo", "subscribed_fields": fields}]}

    def lead_access(self) -> dict[str, Any]:
        """The field `has_lead_access` of a page."""
        reason = {} if self.access else {"failure_reason": "CRM access has been revoked from Lead Access Manager"}
        return {"app_has_leads_permission": True, "can_access_lead": self.access, **reason}

    def token(self) -> dict[str, Any]:
        """`/debug_token`."""
        data = {"app_id": "1", "type": "SYSTEM_USER", "is_valid": True, "scopes": list(self.scopes)}
        return {"data": data | {"expires_at": self.expires_at, "data_access_expires_at": 0}}


class Listings:
    """Leads by form. Which leads a form has is worked out once for each lead."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sorted = 0
        self._numbers: dict[str, list[int]] = {form.id: [] for form in world.forms}

    def numbers(self, form_id: str) -> list[int]:
        """The numbers of the form's leads that can be read, oldest first."""
        while self._sorted < self._world.issued:
            number = self._sorted
            if not self._world.fate(number).lasting:
                self._numbers[self._world.form(number).id].append(number)
            self._sorted += 1
        return self._numbers[form_id]

    def leads(self, form: Form, query: Mapping[str, list[str]], url: str) -> dict[str, Any]:
        """The form's leads, newest first, a part at a time. A cursor is a lead's number: what comes next is older."""
        limit = min(int(query.get("limit", ["25"])[0] or 25), MOST_LISTED)
        after = query.get("after", [""])[0]
        since = _since(query.get("filtering", [""])[0])
        wanted = frozenset(query.get("fields", [""])[0].split(",")) - {""}
        below = int(after) if after.isdecimal() else self._world.issued
        numbers = self.numbers(form.id)
        # Numbers ascend with the time of creation.
        oldest = bisect_right(numbers, since, key=self._world.created_at)
        newest = bisect_left(numbers, below)
        page = numbers[max(oldest, newest - limit) : newest][::-1]
        paging: dict[str, Any] = {"cursors": {"before": str(below), "after": str(page[-1] if page else 0)}}
        if newest - oldest > len(page):
            paging["next"] = f"{url}/v25.0/{form.id}/leads?limit={limit}&after={page[-1]}"
        return {"data": [self._lead(form, number, wanted) for number in page], "paging": paging}

    def _lead(self, form: Form, number: int, wanted: frozenset[str]) -> dict[str, Any]:
        if wanted and wanted <= _IDS:
            ids = {
                "id": self._world.lead_id(number),
                "created_time": self._world.created_time(number),
                "form_id": form.id,
            }
            return ids if form.organic else ids | {"ad_id": form.ad_id}
        answer = self._world.answer(number)
        return {name: value for name, value in answer.items() if not wanted or name in wanted}


def _since(filtering: str) -> float:
    """What `time_created` has to be greater than; 0.0 where nothing is asked."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return float(next(one["value"] for one in json.loads(filtering) if one["operator"] == "GREATER_THAN"))
    return 0.0
