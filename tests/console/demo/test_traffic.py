"""The traffic: signed as Meta signs, several leads a webhook, some twice, sent until taken, no more than asked for."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.models import Lead
from api.settings import Settings
from api.sources import SOURCES, Incoming
from console.demo.traffic import MAX_CHANGES, Traffic
from console.demo.world import World

SECRET = "s3cret"
OTHERS = {"google": "g00gle", "typeform": "typef0rm"}
SETTINGS = Settings.load({"META_APP_SECRET": SECRET, "GOOGLE_KEY": "g00gle", "TYPEFORM_SECRET": "typef0rm"})


class Receiver:
    """A webhook receiver that checks signatures; `refuse` answers are no 200. `leads` are other sources' than Meta."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.leads: list[Lead] = []
        self.refuse = 0
        self.url = ""

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = {k.lower(): v for k, _, v in (row.partition(": ") for row in head.split("\r\n"))}
                body = await reader.readexactly(int(headers["content-length"]))
                name = head.split(" ")[1].removeprefix("/webhooks/")
                source = SOURCES[name](SETTINGS)
                request = Incoming(body=body, headers=headers)
                source.verify(request, now=0.0)
                self.refuse -= 1
                if self.refuse >= 0:
                    writer.write(b"HTTP/1.1 503 busy\r\nContent-Length: 0\r\n\r\n")
                else:
                    if name == "meta":
                        self.bodies.append(json.loads(body))
                    else:
                        self.leads += [source.lead(job) for job in source.parse(request).jobs]
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    @property
    def values(self) -> list[dict[str, Any]]:
        """All leadgen values in the order they came."""
        return [
            change["value"]
            for body in self.bodies
            for entry in body["entry"]
            for change in entry["changes"]
            if change["field"] == "leadgen"
        ]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.accept, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield receiver
    server.close()


async def test_every_lead_comes_and_five_of_a_hundred_twice(receiver: Receiver) -> None:
    world = World(1)
    traffic = Traffic(world, receiver.url, SECRET, rate=0, count=400)
    await traffic.run()
    times = Counter(str(value["leadgen_id"]) for value in receiver.values)
    assert set(times) == {world.lead_id(n) for n in range(400)}
    assert sum(times.values()) - 400 == traffic.sent.duplicates
    assert 15 <= traffic.sent.duplicates <= 20
    assert (traffic.sent.leads, traffic.sent.webhooks, traffic.sent.refused) == (400, len(receiver.bodies), 0)
    assert traffic.done
    assert max(len(entry["changes"]) for body in receiver.bodies for entry in body["entry"]) > 1
    assert max(len(body["entry"]) for body in receiver.bodies) > 1
    assert {type(value["leadgen_id"]) for value in receiver.values} == {int, str}
    assert {type(value["page_id"]) for value in receiver.values} == {int, str}
    for value in receiver.values:
        number = world.number(str(value["leadgen_id"]))
        assert number is not None
        assert value["form_id"] == world.form(number).id
        assert str(value["page_id"]) == world.form(number).page_id


async def test_a_few_come_from_other_sources(receiver: Receiver) -> None:
    world = World(1)
    traffic = Traffic(world, receiver.url, SECRET, rate=0, count=200, secrets=OTHERS)
    await traffic.run()
    by_meta = [str(value["leadgen_id"]) for value in receiver.values]
    by_others = [lead.external_id for lead in receiver.leads]
    assert set(by_meta) | set(by_others) == {world.lead_id(n) for n in range(200)}
    assert set(by_meta) & set(by_others) == set()
    assert len(by_meta) + len(by_others) == 200 + traffic.sent.duplicates
    assert {lead.source for lead in receiver.leads} == {"google", "typeform"}
    assert len(set(by_others)) == 16
    for lead in receiver.leads:
        assert lead.full_name
        assert lead.email
        assert lead.phone
        assert not lead.is_test
    assert traffic.sent.leads == 200


async def test_what_is_not_taken_is_sent_again(receiver: Receiver) -> None:
    receiver.refuse = 5
    world = World(1)
    traffic = Traffic(world, receiver.url, SECRET, rate=0, count=20, duplicates=0)
    await traffic.run()
    assert {str(value["leadgen_id"]) for value in receiver.values} == {world.lead_id(n) for n in range(20)}
    assert traffic.sent.refused == 5


async def test_it_waits_for_a_service_that_is_away(receiver: Receiver) -> None:
    world = World(1)
    away = Traffic(world, "http://127.0.0.1:9", SECRET, rate=0, count=3, senders=1)
    running = asyncio.create_task(away.run())
    async with asyncio.timeout(10):
        while away.sent.refused < 2:
            await asyncio.sleep(0.01)
    away._url = receiver.url
    await running
    assert away.sent.leads == 3


def test_pauses_make_the_rate_on_average() -> None:
    traffic = Traffic(World(1), "http://127.0.0.1:9", SECRET, rate=10.0, senders=4)
    pauses = [traffic._pause() for _ in range(5_000)]
    leads_a_webhook = (1 + MAX_CHANGES) / 2
    assert 9 < 4 * leads_a_webhook / (sum(pauses) / len(pauses)) < 11
    traffic.rate = 0
    assert traffic._pause() == 0


async def test_an_endless_one_pauses_and_ends_when_told(receiver: Receiver) -> None:
    traffic = Traffic(World(1), receiver.url, SECRET, rate=400.0)
    running = asyncio.create_task(traffic.run())
    async with asyncio.timeout(30):
        while traffic.sent.leads < 300:
            await asyncio.sleep(0.01)
    traffic.flowing.clear()
    seen = -1
    async with asyncio.timeout(30):
        while seen != traffic.sent.leads:
            seen = traffic.sent.leads
            await asyncio.sleep(0.2)
    traffic.flowing.set()
    async with asyncio.timeout(30):
        while traffic.sent.leads == seen:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not traffic.done
