"""Tokens and app secrets: which of them proves a call, and that none gets out of a real worker process."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import psycopg
import redis

from api.models import JobState
from tests.api.worker.rig import Rig, meta_job
from tests.api.worker.standin import Call, Reply, StandIn, error, leads
from tests.api.worker.test_process import started

COMMON, OWN = "EAAGcommontoken0123456789abcdefg", "a-page's-own-token:0123456789"
CURRENT, FORMER = "current-app-secret", "former-app-secret"


def proof(token: str) -> str:
    """What Meta expects with a token: made with the app's current secret."""
    return hmac.new(CURRENT.encode(), token.encode(), hashlib.sha256).hexdigest()


def in_redis(url: str) -> list[bytes]:
    """All that Redis holds."""
    with redis.Redis.from_url(url) as client:
        found = []
        for key in client.scan_iter():
            kind = client.type(key)
            read = {
                b"hash": client.hgetall,
                b"string": client.get,
                b"stream": client.xrange,
                b"list": lambda key: client.lrange(key, 0, -1),
            }.get(kind, lambda key: client.zrange(key, 0, -1))
            found += [key, repr(read(key)).encode()]
        return found


async def test_no_token_gets_out(rig: Rig, tmp_path: Path) -> None:
    """Each page's answer would carry one: told by Meta, in a link, a redirect, an error of the client, a cut answer."""
    async with StandIn() as elsewhere:

        def answer(call: Call) -> Reply:
            token = call.query["access_token"]
            link = f"{elsewhere.url}/v25.0/1?access_token={token}"
            told = f"Error validating access token: access_token={token} EAAG{'x' * 30} is not valid: {link}"
            return {
                "1": error(190, told),
                "2": error(100, told),
                "3": error(803, told),
                "4": Reply("", 302, {"Location": link}),
                "5": Reply(leads(call.ids), cut=30),
                "6": Reply(f"<html>{link}</html>", 500),
                "7": Reply(leads(call.ids), headers={"Content-Encoding": "gzip"}),
                "8": error(80005, told),
            }.get(call.ids[0][0], Reply(leads(call.ids)))

        rig.graph.answer = answer
        jobs = [meta_job(f"{page}0", page=page) for page in "123456789"]
        await rig.publish(*jobs)
        env = {
            "META_ACCESS_TOKEN": COMMON,
            "META_ACCESS_TOKENS": f'{{"2": "{OWN}", "9": "{OWN}"}}',
            "META_APP_SECRET": f"{CURRENT},{FORMER}",
            "LOG_LEVEL": "debug",
            "RETRY_BASE_S": "30",
        }
        async with started(rig, tmp_path, **env) as worker:
            await rig.stored(jobs[8])
            await rig.state(jobs[2], JobState.DEAD)
            for job in (*jobs[:2], *jobs[3:8]):
                await rig.state(job, JobState.RETRY)
            await rig.notice("page:1")
            process = Path(f"/proc/{worker.process.pid}")
            shown = [(process / "cmdline").read_bytes(), worker.output.read_bytes()]
        assert elsewhere.all == []
    shown += in_redis(rig.redis_url)
    async with await psycopg.AsyncConnection.connect(rig.database_url) as connection:
        for table in ("leads", "deliveries", "attempts"):
            rows = await (await connection.execute(f"SELECT t::text FROM {table} AS t")).fetchall()
            shown += [str(row).encode() for row in rows]
    assert sum(b"Error validating access token" in text for text in shown) > 3
    secrets = [COMMON, OWN, CURRENT, FORMER, proof(COMMON), proof(OWN)]
    assert [secret for secret in secrets for text in shown if secret.encode() in text] == []
    used = {call.ids[0][0]: (call.query["access_token"], call.query["appsecret_proof"]) for call in rig.graph.calls}
    assert used == {page: (t, proof(t)) for page in "123456789" for t in [OWN if page in "29" else COMMON]}
