"""The README's source works as it stands there: one module, one line in the registry, from HTTP to a row."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pytest

import api
from api.models import JobState, LeadFilter
from api.queue import Operator
from api.settings import Settings
from api.signatures import sign_typeform
from api.sources import SOURCES, amended
from api.web import asgi, openapi
from api.web.server import build
from tests.api.worker.rig import Rig

README = Path(api.__file__).parents[1] / "README.md"
SECRET = b"acme-s3cret"


@pytest.fixture
def _acme(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example, registered."""
    code = re.search(r'```python\n("""Owns leads from Acme.*?)```', README.read_text(), re.DOTALL)
    assert code is not None
    module = ModuleType("api.sources.acme")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code[1], "acme.py", "exec"), module.__dict__)
    monkeypatch.setitem(SOURCES, "acme", module.AcmeSource)


@pytest.mark.usefixtures("_acme")
async def test_the_example_is_a_source(rig: Rig) -> None:
    settings = Settings.load(
        {"REDIS_URL": rig.redis_url, "DATABASE_URL": rig.database_url, "ACME_SECRET": "old," + SECRET.decode()}
    ).demand("web")
    good, bad = ({"order": order, "answers": {"Name": "Ana", "Tel": "0170 1234567"}} for order in ("A-1", "not one"))
    parts = build(settings)
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi.adapt(parts.app))) as client:

            async def post(body: bytes, key: bytes = SECRET) -> httpx.Response:
                signed = {"X-Acme-Signature": sign_typeform(key, body)}
                return await client.post("http://leads.test/webhooks/acme", content=body, headers=signed)

            assert (await post(json.dumps(good).encode())).json() == {"accepted": 1, "duplicates": 0, "ignored": 0}
            assert (await post(json.dumps(good).encode())).json()["duplicates"] == 1
            assert (await post(json.dumps(bad).encode())).json()["ignored"] == 1
            assert (await post(b"[1]")).json()["ignored"] == 1
            assert (await post(b"{")).status_code == 400
            assert (await post(json.dumps(good).encode(), b"wrong")).status_code == 401
    finally:
        await parts.close()
    dead = (await rig.inspector.jobs(JobState.DEAD)).jobs
    assert len(dead) == 3
    (view,) = [each for each in dead if "not one" in each.job.payload]
    async with Operator(rig.redis_url, "leads") as operator, rig.working(default_region="DE"):
        await rig.rows(1)
        fixed = view.job.payload.replace("not one", "A-2")
        assert (await operator.edit(view.job.id, fixed, amended)).done == (view.job.id,)
        await operator.retry([view.job.id])
        await rig.rows(2)
        await rig.idle()
    leads = (await rig.reader.page(LeadFilter(), limit=5)).leads
    assert {(lead.source, lead.full_name, lead.phone_e164) for lead in leads} == {("acme", "Ana", "+491701234567")}
    assert {lead.external_id for lead in leads} == {"A-1", "A-2"}


@pytest.mark.usefixtures("_acme")
def test_its_route_is_described() -> None:
    openapi.openapi.cache_clear()
    try:
        operation = openapi.openapi()["paths"]["/webhooks/acme"]["post"]
    finally:
        openapi.openapi.cache_clear()
    assert [parameter["name"] for parameter in operation["parameters"] if parameter.get("in") == "header"] == [
        "x-acme-signature"
    ]
