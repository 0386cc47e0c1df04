"""Ways to reach Redis: passwords and users, databases, unix sockets, TLS; and a server that stands still."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from api.errors import QueueUnavailableError
from api.models import JobState
from api.queue import Consumer, Inspector, Published, Publisher
from tests.api.queue.conftest import Queue, a_job, hanging, told
from tests.servers import RedisServer


async def round_trip(url: str) -> None:
    """A job goes in, is seen, and is taken."""
    async with Publisher(url) as publisher, Inspector(url) as inspector, Consumer(url, "leads", "w-1") as consumer:
        assert await publisher.publish([a_job()]) == Published(1, 0)
        assert (await inspector.snapshot()).ready == 1
        assert len(await consumer.read(10, 0)) == 1


@asynccontextmanager
async def relay(queue: Queue, **options: Any) -> AsyncIterator[None]:
    """Something that listens otherwise and passes everything on to the real server."""
    port = int(queue.url.rpartition(":")[2].partition("/")[0])

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, to_writer), copy(to_reader, writer))

    path = options.pop("path", None)
    if path is not None:
        server = await asyncio.start_unix_server(serve, path, **options)
    else:
        server = await asyncio.start_server(serve, "127.0.0.1", **options)
    async with server:
        yield


@pytest.fixture
def password(queue: Queue) -> str:
    """The server's password."""
    return queue.url.partition("://:")[2].partition("@")[0]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on the PATH to make a certificate with")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-out", str(certificate), "-keyout", str(key),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


async def test_by_password_and_database(queue: Queue) -> None:
    url = queue.url.removesuffix("/0") + "/3"
    await round_trip(url)
    assert (await queue.inspector.snapshot()).accepted == 0


async def test_as_a_user_that_may_touch_only_its_keys(queue: Queue) -> None:
    queue.raw.acl_setuser(
        "leads", enabled=True, passwords=["+p%w:/"], keys=["{leads}:*"], commands=["+@all", "-@admin"], reset=True
    )
    await round_trip("redis://leads:p%25w%3A%2F@" + queue.url.partition("@")[2])
    queue.raw.acl_deluser("leads")


async def test_over_a_unix_socket(queue: Queue, password: str, tmp_path: Path) -> None:
    path = str(tmp_path / "redis.sock")
    async with relay(queue, path=path):
        await round_trip(f"unix://:{password}@{path}")


async def test_over_tls(queue: Queue, password: str, certificate: tuple[Path, Path], free_port: Any) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    port = free_port()
    async with relay(queue, port=port, ssl=context):
        base = f"rediss://:{password}@localhost:{port}/0"
        await round_trip(f"{base}?ssl_ca_certs={certificate[0]}")
        queue.raw.flushall()
        await round_trip(f"{base}?ssl_cert_reqs=none")
        queue.raw.flushall()
        unnamed = base.replace("localhost", "127.0.0.1")
        await round_trip(f"{unnamed}?ssl_ca_certs={certificate[0]}&ssl_check_hostname=false")
        for refused in (base, f"{base}?ssl_cert_reqs=optional", f"{unnamed}?ssl_ca_certs={certificate[0]}"):
            async with Publisher(refused, timeout_s=0.5) as publisher:
                await told(publisher, "certificate")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://a..b:6379/0", "label"),
        ("rediss://localhost:6379/0?ssl_cert_reqs=perhaps", "perhaps"),
        ("rediss://localhost:6379/0?ssl_ca_certs=/no/such/file", "no such file"),
        ("rediss://localhost:6379/0?unknown=1", "unknown"),
    ],
)
async def test_what_cannot_be_connected_to_is_told_each_time(url: str, why: str) -> None:
    async with Publisher(url, timeout_s=0.5) as publisher:
        for _ in range(3):
            await told(publisher, why)


@pytest.mark.parametrize("url", ["", "http://x", "localhost:6379", "redis://h:port"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    for part in (Publisher, Inspector):
        with pytest.raises(ValueError, match=r"(?i)url|port|invalid"):
            part(url)


async def test_a_hanging_server_is_given_up_and_its_late_answers_confuse_nothing(
    own_server: RedisServer, own_queue: Queue
) -> None:
    # Time enough for a busy machine: both are answered before the server hangs.
    inspector = await own_queue.inspecting(timeout_s=1.0)
    worker = await own_queue.consumer(timeout_s=1.0)
    jobs = await own_queue.publish(5)
    await inspector.snapshot()
    with hanging(own_server):
        for call in (inspector.snapshot(), inspector.jobs(JobState.READY), inspector.ping(), worker.read(2, 0)):
            with pytest.raises(QueueUnavailableError, match="not answered within"):
                await call
    worker = await own_queue.consumer("w-1", timeout_s=30)
    got = [taken.job.id for _ in range(4) for taken in await worker.read(2, 0)]
    assert sorted(got) == sorted(job.id for job in jobs)
    patient = await own_queue.inspecting(timeout_s=30)
    for part in (patient, own_queue.inspector):
        assert (await part.snapshot()).accepted == 5
        assert (await part.jobs(JobState.DEAD)).jobs == ()
