"""Meta's side against the stand-in over HTTP: tokens, permissions, access, subscription, clock."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from api.graph import GraphClient
from api.models import PagePause
from api.settings import Settings as ServiceSettings
from console.demo.graph import GraphStandIn, Temper
from console.demo.world import World
from console.doctor.diagnosis import Said, examine
from console.doctor.meta import MetaSide
from console.session import Session
from console.settings import Settings
from tests.console.doctor.said import texts, verdicts
from tests.console.test_verbs import Local

TOKEN = "EAAGtokenofthetestsofdoctor"
PAGE = "1029"


@dataclass(slots=True)
class Rig:
    graph: GraphStandIn
    session: Session
    page: str

    def settings(self, **changes: object) -> ServiceSettings:
        good = ServiceSettings(
            meta_access_token=TOKEN, meta_app_secrets=(b"secret",), meta_graph_url=self.graph.url, graph_timeout=3.0
        )
        return dataclasses.replace(good, **changes)  # type: ignore[arg-type]

    async def look(self, *pages: str, **changes: object) -> Said:
        settings = self.settings(**changes)
        async with GraphClient.of(settings) as graph:
            side = MetaSide(settings, graph, self.session.links, pages)
            said = (await examine([("meta", side.look)])).diagnoses
        assert TOKEN not in texts(said)
        return said


@pytest.fixture
async def rig(redis_url: str, free_port: Callable[[], int]) -> AsyncIterator[Rig]:
    """Without Postgres: pages are named by the operator."""
    world = World(1)
    database_url = f"postgresql://x:x@127.0.0.1:{free_port()}/x"
    async with (
        GraphStandIn(world, token=TOKEN, app_secret="secret", temper=Temper(slow=0.0, broken=0.0)) as graph,
        Session(Settings(), Local(redis_url, database_url)) as session,
    ):
        yield Rig(graph, session, world.forms[0].page_id)


async def test_all_is_well(rig: Rig) -> None:
    said = await rig.look(rig.page)
    assert verdicts(said) == [("token", "ok"), (f"page {rig.page}", "ok"), ("clock", "ok")]
    assert "app secret proof accepted" in texts(said)


async def test_a_token_that_is_refused(rig: Rig) -> None:
    said = await rig.look(rig.page, meta_access_token="EAAGanothertoken12345")
    assert verdicts(said)[0] == ("token", "fail")
    assert "make a new token" in said[0].mend
    assert "EAAGanothertoken12345" not in texts(said)


async def test_a_secret_of_another_app(rig: Rig) -> None:
    said = await rig.look(rig.page, meta_app_secrets=(b"other",))
    assert verdicts(said)[0] == ("token", "fail")
    assert "META_APP_SECRET" in said[0].mend


async def test_a_permission_that_is_missing(rig: Rig) -> None:
    rig.graph.setup.scopes = ("pages_show_list",)
    said = await rig.look(rig.page)
    assert verdicts(said)[0] == ("token", "fail")
    assert "leads_retrieval" in said[0].text


async def test_a_token_that_may_not_look_at_itself_is_fine(rig: Rig) -> None:
    rig.graph.setup.debuggable = False
    assert verdicts(await rig.look(rig.page))[:2] == [("token", "ok"), (f"page {rig.page}", "ok")]


@pytest.mark.parametrize(("days", "verdict"), [(3, "warn"), (30, "ok")])
async def test_a_token_that_expires(rig: Rig, days: int, verdict: str) -> None:
    rig.graph.setup.expires_at = int(time.time() + days * 86_400)
    assert verdicts(await rig.look(rig.page))[0] == ("token", verdict)


async def test_a_page_without_subscription_or_access(rig: Rig) -> None:
    rig.graph.setup.subscribed = rig.graph.setup.access = False
    said = await rig.look(rig.page)
    name = f"page {rig.page}"
    assert verdicts(said)[1:3] == [(name, "fail"), (name, "fail")]
    assert "Lead Access Manager" in said[1].text
    assert "subscribed_fields=leadgen" in said[2].mend


async def test_a_token_of_each_page(rig: Rig) -> None:
    tokens = {rig.page: TOKEN, "7": "EAAGanothertoken12345"}
    said = await rig.look(meta_access_token="", meta_access_tokens=tokens)
    found = dict(verdicts(said))
    assert (found[f"token {rig.page}"], found["token 7"], found[f"page {rig.page}"]) == ("ok", "fail", "ok")
    assert "page 7" not in found


async def test_no_page_known_is_a_warning(rig: Rig) -> None:
    assert ("pages", "warn") in verdicts(await rig.look())


async def test_a_page_whose_calls_wait_is_not_asked(rig: Rig) -> None:
    pause = PagePause("*", "limit", time.time() + 60, "too many calls")
    await rig.session.links.backlog(lambda backlog: backlog.set_pause(pause))
    said = await rig.look(rig.page)
    assert verdicts(said) == [("token", "warn")]
    assert rig.graph.counts.calls == 0


async def test_a_clock_that_is_off(rig: Rig) -> None:
    rig.graph.setup.clock_s = 3_600
    assert verdicts(await rig.look(rig.page))[-1] == ("clock", "fail")


async def test_nobody_answers(rig: Rig, free_port: Callable[[], int]) -> None:
    where = f"127.0.0.1:{free_port()}"
    said = await rig.look(rig.page, meta_graph_url=f"http://{where}")
    assert verdicts(said)[0] == ("token", "fail")
    assert f"a way out to {where} is needed" in said[0].mend
    assert "--offline" in said[0].mend
