"""The registry: every source names itself as it is named there, and all keep the protocol's promises."""

from __future__ import annotations

import pytest

from api.errors import PayloadError, RejectedError
from api.models import Job
from api.settings import SECRETS, Settings
from api.sources import SOURCES, Incoming, amended, sources_of


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_keeps_the_promises(name: str) -> None:
    source = sources_of(Settings())[name]
    assert source.name == name
    assert all(header == header.lower() for header in source.headers)
    assert source.switched_off == f"{source.secret} is not set"
    assert SOURCES[name].secret == source.secret
    assert source.reason_key in ("error", "message")


@pytest.mark.parametrize("name", SOURCES)
def test_without_a_secret_nothing_verifies(name: str) -> None:
    source = sources_of(Settings())[name]
    headers = dict.fromkeys(source.headers, "1")
    for body in (b"", b"{}", b'{"google_key":""}'):
        with pytest.raises(RejectedError) as caught:
            source.verify(Incoming(body=body, headers=headers), now=0.0)
        assert caught.value.status == 401


def test_the_secret_of_every_source_is_a_setting() -> None:
    for name, make in SOURCES.items():
        if make.secret in SECRETS:
            continue
        source = sources_of(Settings.load({make.secret: "a, b"}))[name]
        assert not source.switched_off


def test_a_source_that_is_not_there_amends_nothing() -> None:
    job = Job(id="1", source="pigeon\x1b[31m", external_id="1", payload="{}", received_at=0.0)
    with pytest.raises(PayloadError, match=r"^no such source: 'pigeon\\x1b\[31m'$"):
        amended(job, "{}")


def test_only_meta_s_leads_are_fetched() -> None:
    fetched = [name for name, source in sources_of(Settings()).items() if source.fetched]
    assert fetched == ["meta"]
    job = Job(id="1", source="meta", external_id="1", payload="{}", received_at=0.0)
    with pytest.raises(PayloadError):
        sources_of(Settings())["meta"].lead(job)
