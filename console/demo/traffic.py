"""Sends leads as Meta does: signed webhooks over HTTP, several changes each, some twice, sent again until taken.

A few come from Google Ads and Typeform.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.signatures import sign_meta
from console.demo.world import World
from console.send import Webhook, google_webhook, typeform_webhook

if TYPE_CHECKING:
    import httpx

MAX_CHANGES = 9
OTHERS = {3: "google", 9: "typeform"}
"""Of 25 leads by their number: which come from another source. Nothing befalls these: they need no reading."""

_PATIENCE_S = 15.0


@dataclass(slots=True)
class Sent:
    """What became of it so far. `leads` are different leads that got a 200; `duplicates` were sent on top of these.

    `webhooks` got a 200; `refused` counts answers other than 200, and none at all.
    """

    webhooks: int = 0
    leads: int = 0
    duplicates: int = 0
    refused: int = 0


class Traffic:
    """Leads of a world, in order, at `rate` a second (0: as fast as they are taken). `run` it in a task.

    `rate` may be changed at any time; clear `flowing` to pause. `sent` says how it goes.
    """

    def __init__(
        self,
        world: World,
        url: str,
        app_secret: str,
        *,
        rate: float = 10.0,
        count: int | None = None,
        duplicates: float = 0.05,
        senders: int = 4,
        seed: int = 0,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """`url` is the web port's base; `count` leads are sent, None: without end; `duplicates` is their share.

        `secrets` are those of other sources by name, as many as there are.
        """
        self.rate = rate
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.sent = Sent()
        self._world = world
        self._url = url
        self._secret = app_secret.encode()
        self._count = count
        self._share = duplicates
        self._others = {name: secret.encode() for name, secret in (secrets or {}).items()}
        self._senders = senders
        self._dice = random.Random(f"traffic {seed}")  # noqa: S311 - invented behaviour
        self._debt = 0.0
        self._taken: list[int] = []

    @property
    def done(self) -> bool:
        """Whether all `count` leads got their 200."""
        return self._count is not None and self.sent.leads >= self._count

    async def run(self) -> None:
        """Send until `count` leads got a 200; without a count until cancelled."""
        import httpx

        limits = httpx.Limits(max_connections=self._senders, max_keepalive_connections=self._senders)
        async with (
            httpx.AsyncClient(timeout=_PATIENCE_S, limits=limits, trust_env=False) as client,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(self._senders):
                group.create_task(self._send_on(client))

    async def _send_on(self, client: httpx.AsyncClient) -> None:
        while True:
            await self._turn()
            fresh = self._next()
            if not fresh:
                return
            again = self._again(len(fresh))
            for webhook in self._webhooks(fresh + again):
                await self._deliver(client, webhook)
            self.sent.leads += len(fresh)
            self.sent.duplicates += len(again)
            # Enough to choose duplicates from; an endless run keeps no more.
            self._taken = (self._taken + fresh)[-500:]

    async def _turn(self) -> None:
        """Wait until the rate allows the next webhook: bursts and lulls around it."""
        await self.flowing.wait()
        await asyncio.sleep(self._pause())

    def _pause(self) -> float:
        """Seconds until a sender's next webhook: as chance has it, on average what `rate` leads a second need."""
        if self.rate <= 0:
            return 0.0
        return self._senders * (1 + MAX_CHANGES) / 2 / self.rate * self._dice.expovariate(1.0)

    def _next(self) -> list[int]:
        """The numbers of the next leads; none when there are no more."""
        size = self._dice.randint(1, MAX_CHANGES)
        first = self._world.issued
        last = first + size if self._count is None else min(first + size, self._count)
        self._world.issued = max(last, first)
        return list(range(first, last))

    def _again(self, fresh: int) -> list[int]:
        """Leads that were taken before and come once more."""
        self._debt += fresh * self._share
        owed = min(int(self._debt), len(self._taken))
        self._debt -= owed
        return self._dice.sample(self._taken, owed)

    def _webhooks(self, numbers: list[int]) -> Iterator[Webhook]:
        """One of Meta's for all of its leads, and one for each lead of another source."""
        sources = {number: OTHERS.get(number % 25, "meta") for number in numbers}
        others = [number for number in numbers if sources[number] in self._others]
        metas = [number for number in numbers if number not in others]
        if metas:
            body = self._body(metas)
            yield Webhook("/webhooks/meta", {"X-Hub-Signature-256": sign_meta(self._secret, body)}, body, "")
        for number in others:
            make, key = _MAKE[sources[number]], self._others[sources[number]]
            yield make(key, self._fields(number), self._world.lead_id(number), self._world.form(number).id)

    def _fields(self, number: int) -> dict[str, str]:
        """What the person answered, one value a question."""
        return {field["name"]: field["values"][0] for field in self._world.answer(number)["field_data"]}

    def _body(self, numbers: list[int]) -> bytes:
        """One entry a page. Ids come as numbers and as texts, and other subscriptions share the URL."""
        entries: dict[str, list[dict[str, Any]]] = {}
        for number in numbers:
            form = self._world.form(number)
            lead_id = self._world.lead_id(number)
            value: dict[str, Any] = {
                "leadgen_id": int(lead_id) if number % 3 == 0 else lead_id,
                "page_id": int(form.page_id) if number % 2 else form.page_id,
                "form_id": form.id,
                "created_time": int(self._world.created_at(number)),
            }
            if not form.organic:
                value |= {"ad_id": form.ad_id, "adgroup_id": form.ad_id}
            entries.setdefault(form.page_id, []).append({"field": "leadgen", "value": value})
        if self._dice.random() < 0.03:
            next(iter(entries.values())).append({"field": "feed", "value": {"item": "comment", "verb": "add"}})
        now = int(time.time())
        listed = [{"id": page, "time": now, "changes": changes} for page, changes in entries.items()]
        return json.dumps({"object": "page", "entry": listed}).encode()

    async def _deliver(self, client: httpx.AsyncClient, webhook: Webhook) -> None:
        """Until it gets a 200, as Meta does, though faster."""
        import httpx

        headers = {"Content-Type": "application/json"} | webhook.headers
        pause = 0.1
        while True:
            try:
                answer = await client.post(self._url + webhook.path, content=webhook.body, headers=headers)
            except httpx.HTTPError:
                taken = False
            else:
                taken = answer.status_code == 200
            if taken:
                self.sent.webhooks += 1
                return
            self.sent.refused += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, 3.0)


def _as_google(key: bytes, fields: Mapping[str, str], lead_id: str, form: str) -> Webhook:
    return google_webhook(key, fields, lead_id=lead_id, form=form, test=False)


def _as_typeform(key: bytes, fields: Mapping[str, str], lead_id: str, form: str) -> Webhook:
    return typeform_webhook(key, fields, token=lead_id, form=form, test=False)


_MAKE = {"google": _as_google, "typeform": _as_typeform}
