"""backfill on a real local stack with a Graph stand-in: killed and interrupted on the way, exact at the end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.console.cli.calls import leadsctl
from tests.console.cli.meta.conftest import CALM, LEADS, TOKEN, Site

Eventually = Callable[[Callable[[], bool]], None]


def test_killed_and_interrupted_it_is_exact_at_the_end(
    site: Site, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.demo.listings.MOST_LISTED", 30)
    page = site.world.forms[0].page_id
    expected = site.of_page(page)
    words = ("backfill", "--page", page, "--since", "2d")
    counted = site.stack(*words, "--dry-run", "--json")
    assert counted.code == 0, counted.err
    assert (counted.document["missing"], counted.document["known"]) == (len(expected), 0)
    assert site.rows() == []

    slow = replace(CALM, slow=1.0, slow_s=0.3)
    monkeypatch.setattr(site.graph, "_temper", slow)
    killed = site.begin(*words)
    eventually(lambda: site.accepted() > 0)
    killed.kill()
    killed.communicate(timeout=20)

    interrupted = site.begin(*words, "--json", "--afresh")
    assert interrupted.stderr is not None
    while "hours gone back" not in interrupted.stderr.readline():
        assert interrupted.poll() is None
    interrupted.send_signal(signal.SIGINT)
    out, err = interrupted.communicate(timeout=20)
    assert (interrupted.returncode, '"exit_code":130' in out) == (130, True), err
    assert "stopped: " in err
    assert TOKEN not in out + err

    monkeypatch.setattr(site.graph, "_temper", CALM)
    done = site.stack(*words, "--json")
    assert (done.code, done.document["ok"]) == (0, True), done.err
    assert TOKEN not in done.text + done.err
    assert 0 < done.document["changed"] < len(expected)
    eventually(lambda: len(site.rows()) == len(expected))
    assert site.rows() == expected
    check = site.stack("check", "--json").document["accounting"]
    assert check["balanced"], check
    again = site.stack(*words, "--dry-run", "--json").document
    assert (again["known"], again["missing"]) == (len(expected), 0)
    recorded = site.stack("activity", "--json").document["actions"]
    mine = [action["result"] for action in recorded if action["what"] == "backfill"]
    assert len(mine) == 2
    assert mine[1].startswith("stopped: ")


def test_a_forgotten_person_does_not_come_back(site: Site, eventually: Eventually) -> None:
    form = site.world.forms[1].id
    words = ("backfill", "--form", form, "--since", "2d")
    before = site.accepted()
    assert site.stack(*words).code == 0
    mine = {site.world.lead_id(n) for n in range(LEADS) if site.world.form(n).id == form}
    eventually(lambda: site.accepted() > before and site.stack("queue", "--json").document["depth"] == 0)
    lead = next(iter(sorted(mine & set(site.rows()))))
    assert site.stack("leads", "forget", lead, "--yes").code == 0
    again = site.stack(*words, "--json")
    assert again.document["text"].startswith("0 leads queued")
    assert lead not in site.rows()


def test_the_table_of_a_dry_run(site: Site) -> None:
    forms = [form.id for form in site.world.forms[2:4]]
    shown = site.stack("backfill", "--form", forms[0], "--form", forms[1], "--since", "2d", "--dry-run")
    head, *rows = shown.text.splitlines()
    assert head.split() == ["FORM", "NAME", "LISTED", "KNOWN", "MISSING"]
    assert [row.split()[0] for row in rows] == [*forms, "all"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "say which leads"),
        (("--form", "x"), "--form is not an id"),
        (("--form", "1"), "say since when"),
        (("--form", "1", "--since", "soon"), "--since soon is not a time"),
        (("--form", "1", "--since", "2999-01-01"), "yet to come"),
    ],
)
def test_words_that_are_off(words: tuple[str, ...], text: str) -> None:
    call = leadsctl("backfill", *words)
    assert (call.code, call.out) == (2, b"")
    assert text in call.err


def test_read_only_may_count_only(site: Site) -> None:
    words = ("backfill", "--form", site.world.forms[5].id, "--since", "1d")
    assert site.stack("--read-only", *words).code == 2
    assert site.stack("--read-only", *words, "--dry-run").code == 0


def test_a_stack_that_is_down_cannot_be_reached(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("META_ACCESS_TOKEN=x\n")
    call = leadsctl("--local", "--dir", str(tmp_path), "backfill", "--form", "1", "--since", "1d")
    assert (call.code, call.out) == (3, b"")
