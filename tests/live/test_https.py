"""The profile https on a real engine: Caddy is the only way in, hardened, and what comes through it becomes a row."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from console import send
from console.stack.docker import DockerRuntime, files
from tests.console.cli.calls import leadsctl
from tests.console.docker.waiting import until_true
from tests.live.stacks import APP_SECRET, COMPOSE, LiveStack
from tests.servers import free_port, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

DOMAIN = "leads.localhost"
ROOT = "/data/caddy/pki/authorities/local/root.crt"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """A stack with HTTPS by a certificate of Caddy's own, up by the command."""
    overlays = (COMPOSE.with_name(files.HTTPS_FILE),)
    image = f"leadstest_https{secrets.token_hex(4)}:latest"
    made = LiveStack(tmp_path_factory.mktemp("stack"), overlays=overlays, image=image)
    made.setting("DOMAIN", DOMAIN)
    made.setting("HTTPS_TLS", "internal")
    made.setting("HTTP_PORT", f"127.0.0.1:{free_port()}")
    made.setting("HTTPS_PORT", f"127.0.0.1:{made.port}")
    try:
        call = leadsctl(*made.words, "--profile", "https", "up")
        assert call.code == 0, call.err
        yield made
    finally:
        made.remove()
        made.docker("image", "rm", "-f", image)


@pytest.fixture
def trusted(stack: LiveStack, tmp_path: Path) -> ssl.SSLContext:
    """Trust in Caddy's own authority, and in no other; Caddy makes the certificate itself once it is up."""
    root = tmp_path / "root.crt"
    root.write_text(stack.docker("exec", stack.container("caddy"), "cat", ROOT))
    trust = ssl.create_default_context(cafile=str(root))

    def certified() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", stack.port), 10) as plain:
                trust.wrap_socket(plain, server_hostname=DOMAIN).close()
        except OSError:
            return False
        return True

    wait_until(certified, "Caddy's certificate")
    return trust


def client(stack: LiveStack, trusted: ssl.SSLContext) -> httpx.AsyncClient:
    """A client of https://DOMAIN, which is at the stack's port on this machine."""
    return httpx.AsyncClient(
        verify=trusted, trust_env=False, base_url=f"https://127.0.0.1:{stack.port}", headers={"Host": DOMAIN}
    )


SNI = {"sni_hostname": DOMAIN}


async def test_a_signed_webhook_over_https_becomes_a_row(
    runtime: DockerRuntime, stack: LiveStack, trusted: ssl.SSLContext
) -> None:
    webhook = send.meta_webhook(APP_SECRET.encode())
    async with client(stack, trusted) as http:
        answer = await http.post(webhook.path, content=webhook.body, headers=webhook.headers, extensions=SNI)
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "duplicates": 0, "ignored": 0})
        assert (await http.post(webhook.path, content=b"{}", extensions=SNI)).status_code in (401, 403)
    async with await psycopg.AsyncConnection.connect((await runtime.endpoints()).database_url) as connection:

        async def stored() -> bool:
            await connection.rollback()
            found = await connection.execute("SELECT 1 FROM leads WHERE external_id = %s", (webhook.external_id,))
            return await found.fetchone() is not None

        await until_true(stored, "the row", 60)


async def test_only_webhooks_and_health_are_served_outside(stack: LiveStack, trusted: ssl.SSLContext) -> None:
    async with client(stack, trusted) as http:
        for path, status in (("/health/live", 200), ("/metrics", 404), ("/docs", 404), ("/", 404)):
            assert (await http.get(path, extensions=SNI)).status_code == status, path


async def test_plain_http_is_sent_to_https(stack: LiveStack) -> None:
    port = json.loads(stack.docker("inspect", stack.container("caddy")))[0]["HostConfig"]["PortBindings"]["8080/tcp"]
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{port[0]['HostPort']}/webhooks/meta", headers={"Host": DOMAIN})
    assert (answer.status_code, answer.headers["location"]) == (308, f"https://{DOMAIN}/webhooks/meta")


def test_the_app_is_not_published_and_caddy_is_hardened(stack: LiveStack) -> None:
    app, caddy = (json.loads(stack.docker("inspect", stack.container(name)))[0] for name in ("app", "caddy"))
    assert not app["HostConfig"]["PortBindings"]
    host = caddy["HostConfig"]
    assert sorted(host["PortBindings"]) == ["8080/tcp", "8443/tcp"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["CapAdd"] in (["NET_BIND_SERVICE"], ["CAP_NET_BIND_SERVICE"])
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["RestartPolicy"]["Name"] == "always"
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert caddy["State"]["Health"]["Status"] == "healthy"
    assert stack.docker("exec", caddy["Id"], "id", "-u").strip() == "10001"
    assert "CapEff:\t0000000000000000" in stack.docker("exec", caddy["Id"], "cat", "/proc/1/status")


async def test_the_console_still_reaches_the_app(stack: LiveStack) -> None:
    call = leadsctl(*stack.words, "--profile", "https", "send", env={"META_APP_SECRET": APP_SECRET})
    assert call.code == 0, call.err
    ps = leadsctl(*stack.words, "--profile", "https", "ps", "--json").document
    assert [one["name"] for one in ps["services"]][-2:] == ["caddy", "graph"]
    assert [one["drift"] for one in ps["services"]] == [[]] * 6


def test_certificates_stay_over_down_and_up(stack: LiveStack) -> None:
    before = stack.docker("exec", stack.container("caddy"), "cat", ROOT)
    assert leadsctl(*stack.words, "down", "--yes").code == 0
    assert stack.docker("ps", "-aq", "--filter", f"label=com.docker.compose.project={stack.project}") == ""
    assert leadsctl(*stack.words, "--profile", "https", "up").code == 0
    assert stack.docker("exec", stack.container("caddy"), "cat", ROOT) == before


def test_without_the_profile_caddy_is_said_to_run_on(stack: LiveStack) -> None:
    drift = {one["name"]: one["drift"] for one in leadsctl(*stack.words, "ps", "--json").document["services"]}
    assert drift.pop("caddy") == ["its profile is off: up leaves it running, leadsctl stop caddy ends it"]
    assert set(map(tuple, drift.values())) == {()}


def test_the_domain_must_be_named(stack: LiveStack, tmp_path: Path) -> None:
    env = tmp_path / "stack.env"
    lines = stack.env_file.read_text().splitlines()
    env.write_text("\n".join(line for line in lines if not line.startswith("DOMAIN")))
    words = [str(env) if word == str(stack.env_file) else word for word in stack.words]
    call = leadsctl(*words, "--profile", "https", "up")
    assert (call.code, call.out) == (1, b"")
    assert f"DOMAIN is not set in {env}" in call.err
