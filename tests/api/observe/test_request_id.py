"""One request id from the answer's header to the job, the rows and the log lines of app and worker."""

from __future__ import annotations

import json
import re
from typing import Any

import psycopg
import pytest

from tests.api.observe.running import Running, Worker
from tests.api.worker.rig import until
from tests.api.worker.standin import Call, Reply, error, leads

MADE = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


def queued(stack: Running) -> list[dict[str, Any]]:
    """The jobs in the stream."""
    return [json.loads(fields["j"]) for _, fields in stack.raw.xrange("{leads}:ready")]


def deliveries(stack: Running, request_id: str) -> list[tuple[Any, ...]]:
    """(outcome, external id) of the rows with this request id."""
    with psycopg.connect(stack.database_url) as connection:
        query = "SELECT outcome, external_id FROM deliveries WHERE request_id = %s ORDER BY external_id"
        return connection.execute(query, [request_id]).fetchall()


async def ended(stack: Running, request_id: str, count: int) -> list[tuple[Any, ...]]:
    """Await that many rows of a request."""

    async def check() -> list[tuple[Any, ...]] | None:
        rows = deliveries(stack, request_id)
        return rows if len(rows) == count else None

    return await until(check, f"{count} rows of {request_id}")


async def logged(worker: Worker, request_id: str, event: str, count: int) -> list[dict[str, Any]]:
    """Await that many lines of an event: they are written after the rows. All the worker's lines of the request."""

    async def check() -> list[dict[str, Any]] | None:
        lines = [line for line in worker.lines if line.get("request_id") == request_id]
        return lines if [line["event"] for line in lines].count(event) == count else None

    return await until(check, f"{count} lines of {event}")


async def told(stack: Running, request_id: str) -> None:
    """Await the web process's line of a request as its last: it is written once the answer is on its way."""

    async def check() -> bool:
        return stack.web.log()[-1].get("request_id") == request_id

    await until(check, f"a line of {request_id}")


async def test_a_given_id_goes_from_the_header_to_row_and_log(stack: Running) -> None:
    tried: set[str] = set()

    def answer(call: Call) -> Reply:
        if call.ids[0] not in tried:
            tried.add(call.ids[0])
            return error(2, "Service temporarily unavailable", status=500)
        return Reply(leads(call.ids))

    stack.graph.answer = answer
    response = await stack.send(3, **{"x-request-id": "caller.7_a-B"})
    assert response.headers["x-request-id"] == "caller.7_a-B"
    assert [job["request_id"] for job in queued(stack)] == ["caller.7_a-B"] * 3

    worker = await stack.worker()
    rows = await ended(stack, "caller.7_a-B", 3)
    assert {outcome for outcome, _ in rows} == {"stored"}
    lines = await logged(worker, "caller.7_a-B", "lead.stored", 3)
    assert {line["event"] for line in lines} == {"lead.retry", "lead.stored"}
    assert {line["external_id"] for line in lines} == {external_id for _, external_id in rows}
    (accepted,) = [line for line in stack.web.log() if line["event"] == "webhook.accepted"]
    assert (accepted["request_id"], accepted["accepted"]) == ("caller.7_a-B", 3)


async def test_one_that_dies_keeps_its_id(stack: Running) -> None:
    stack.graph.answer = lambda call: error(803, "Some of the aliases you requested do not exist")
    response = await stack.send(1)
    made = response.headers["x-request-id"]
    assert MADE.fullmatch(made)
    worker = await stack.worker()

    async def dead() -> bool:
        return bool(stack.raw.zcard("{leads}:dead"))

    await until(dead, "the dead letter")
    (parked,) = stack.raw.hvals("{leads}:parked")
    assert json.loads(parked)["request_id"] == made
    assert [line["event"] for line in await logged(worker, made, "lead.dead", 1)] == ["lead.dead"]


@pytest.mark.parametrize("given", ["x" * 65, "two words", "é", "a;b", "<script>", "../../etc", ""])
async def test_an_id_that_is_not_harmless_is_replaced(stack: Running, given: str) -> None:
    response = await stack.send(1, **{"x-request-id": given})
    assert response.status_code == 200
    made = response.headers["x-request-id"]
    assert MADE.fullmatch(made)
    assert [job["request_id"] for job in queued(stack)] == [made]
    await told(stack, made)


async def test_every_answer_has_one(stack: Running) -> None:
    for path in ("/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json", "/nothing", "/webhooks/meta"):
        assert MADE.fullmatch((await stack.get(path)).headers["x-request-id"]), path
    refused = await stack.post({}, **{"x-hub-signature-256": "sha256=0", "x-request-id": "r-1"})
    assert (refused.status_code, refused.headers["x-request-id"], refused.json()["request_id"]) == (401, "r-1", "r-1")
    await told(stack, "r-1")
