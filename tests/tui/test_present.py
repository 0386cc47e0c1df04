"""Snapshots to lines: the header in every width, log lines, payloads for editing."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.models import JobState
from console.format import Cell, Line, Tone, line_width, with_hint, wrap_line
from console.ports import Action, Verb
from console.snapshots import LogLine, Reading, Replica, Role, Service, StackSnapshot, State
from console.tui.logbook import Entry, compiled
from console.tui.present import header
from console.tui.present.logs import LogLook, entry_lines
from console.tui.present.needs import needs
from console.tui.present.queue import job_details, pretty, short_id, short_lead
from console.tui.present.services import details, overall, service_rows, state_text
from console.tui.stackcommands import stack_commands
from console.tui.state import Kind, Known
from tests.tui.fakes import NOW, FakeLeads, FakeQueue, FakeStack, World


def text(line: Line) -> str:
    return "".join(cell.text for cell in line)


async def known() -> Known:
    world = World()
    out = Known("leads", world.clock, started_at=NOW)
    out.take(Kind.STACK, Reading(await FakeStack(world).read(), taken_at=NOW, seq=1))
    out.take(Kind.QUEUE, Reading(await FakeQueue(world).read(), taken_at=NOW, seq=1))
    out.take(Kind.LEADS, Reading(await FakeLeads(world).read(), taken_at=NOW, seq=1))
    return out


async def test_the_header_gives_up_the_least_telling_first() -> None:
    facts = await known()
    wide = text(header.figures(facts, 200))
    assert "leads · docker" in wide
    assert "today 18,402" in wide
    assert "/s" in wide
    for width in range(40, 200):
        line = header.figures(facts, width)
        assert line_width(line) <= width or width < 58
        assert "stuck 3" in text(line)
        assert "healthy" in text(line)
    assert "18,402 today" in text(header.figures(facts, 80))
    assert "today" not in text(header.figures(facts, 70))


async def test_an_older_reading_does_not_replace_a_newer_one() -> None:
    facts = await known()
    assert facts.queue.value is not None
    assert not facts.take(Kind.QUEUE, Reading(replace(facts.queue.value, ready=1), taken_at=NOW - 1, seq=1))
    assert facts.take(Kind.QUEUE, Reading(replace(facts.queue.value, ready=1), taken_at=NOW + 1, seq=2))


async def test_what_came_to_pass_is_noted() -> None:
    facts = await known()
    stack = facts.stack.value
    assert stack is not None
    worse = tuple(
        replace(s, replicas=tuple(replace(r, state=State.FAILED) for r in s.replicas)) if s.name == "db" else s
        for s in stack.services
    )
    facts.take(Kind.STACK, Reading(replace(stack, services=worse), seq=2))
    facts.take(Kind.STACK, Reading(replace(stack, services=worse), error="gone", seq=3))
    facts.take(Kind.STACK, Reading(stack, seq=4))
    notes = [(h.source, h.target, h.text) for h in facts.happenings]
    assert ("stack", "db", "healthy → failed") in notes
    assert ("console", "stack", "gone") in notes
    assert ("console", "stack", "answers again") in notes


def service(*states: State, wanted: int = 1) -> Service:
    return Service("s", Role.OTHER, tuple(Replica(str(n), str(n), s) for n, s in enumerate(states)), wanted)


@pytest.mark.parametrize(
    ("given_service", "expected"),
    [
        (service(State.HEALTHY), "healthy"),
        (service(State.RUNNING, State.FAILED, wanted=2), "1 of 2"),
        (service(State.STOPPED, State.STOPPED, wanted=2), "stopped"),
        (service(), "absent"),
        (service(State.RUNNING, wanted=3), "1 of 3"),
    ],
)
def test_a_services_state_in_a_word(given_service: Service, expected: str) -> None:
    assert state_text(given_service) == expected


def test_a_service_that_differs_from_the_compose_files_is_marked_and_can_be_put_right() -> None:
    replica = Replica("a", "a", State.HEALTHY)
    one = Service("app", Role.APP, (replica,), drift=("its image was replaced by a newer one",))
    stack = StackSnapshot("docker", "leads", "", (one, Service("db", Role.DB, (replica,))), NOW)
    first, second = service_rows(stack, NOW, {}, room=9)
    assert [row.cells[0].text for row in (first, second)] == ["● app ≠", "● db"]
    assert "differs    its image was replaced by a newer one" in [text(line) for line in details(one, NOW, 80)]
    (need,) = needs(stack, None, NOW, read_only=False)
    assert (need.text, need.action) == ("app: its image was replaced by a newer one", Action(Verb.UP))
    both = replace(stack, services=(one, replace(one, name="worker", drift=("x",))))
    assert [n.text for n in needs(both, None, NOW, read_only=False)] == ["app, worker differ from the compose files"]


def test_what_is_known_of_a_service_or_a_job_is_broken_and_never_cut() -> None:
    health = "connect: no route to host, tried " + ", ".join(f"10.0.0.{n}:5432" for n in range(9)) + ", given up"
    replica = Replica("a" * 64, "a", State.UNHEALTHY, health=health)
    lines = details(Service("app", Role.APP, (replica,)), NOW, 60)
    assert all(line_width(line) <= 60 for line in lines)
    words = " ".join(text(line).strip() for line in lines)
    assert health in words
    assert [text(line)[:15] for line in lines if "10.0.0.8" in text(line)] == [" " * 13 + "10"], "under itself"
    view = World().jobs(JobState.DEAD)[0]
    view = replace(
        view, job=msgspec.structs.replace(view.job, request_id="r" * 40, form="A form of many words again and again")
    )
    for width in (56, 76, 200):
        told = job_details(view, NOW, width, revealed=False)
        assert all(line_width(line) <= width for line in told)
        whole = [fact for line in told for fact in text(line).split(" · ")]
        assert {f"request {'r' * 40}", "form A form of many words again and again", "page 1029"} <= set(whole)


@given(st.lists(st.tuples(st.text(alphabet="ab 山é·", max_size=30), st.sampled_from(Tone))), st.integers(2, 40))
def test_a_line_of_cells_is_broken_without_loss(cells: list[tuple[str, Tone]], width: int) -> None:
    line = tuple(Cell(*cell) for cell in cells)
    rows = wrap_line(line, width)
    assert all(line_width(row) <= width for row in rows)
    assert "".join(text(row) for row in rows).replace(" ", "") == text(line).replace(" ", "")


def test_local_processes_have_no_containers_to_recreate() -> None:
    assert list(stack_commands(StackSnapshot("local", "leads", "", (Service("app", Role.APP),), NOW))) == []
    assert list(stack_commands(None)) == []


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ((), "○ stopped"),
        ((service(State.HEALTHY),), "● healthy"),
        ((service(State.HEALTHY), service(State.STARTING)), "◐ starting"),
        ((service(State.HEALTHY), service(State.STOPPED)), "◐ partial"),
        ((service(State.HEALTHY, wanted=2),), "◐ partial"),
        ((service(State.STARTING), service(State.UNHEALTHY)), "✖ unhealthy"),
        ((service(State.ABSENT), service(State.STOPPED)), "○ stopped"),
    ],
)
def test_the_stack_in_a_word(services: tuple[Service, ...], expected: str) -> None:
    assert overall(StackSnapshot("docker", "p", "", services, 0)).text == expected
    assert overall(None).text == "○ unknown"


def entry(line: str, **more: object) -> Entry:
    return Entry(replace(LogLine(NOW, "app", "app-1", line), **more))  # type: ignore[arg-type]


@given(st.text(max_size=400), st.integers(20, 160), st.booleans(), st.booleans(), st.sampled_from(["ms", "s", ""]))
def test_a_log_line_is_one_line_unless_wrapped_or_unfolded(
    line: str, width: int, wrap: bool, unfold: bool, times: str
) -> None:
    look = LogLook(times=times, wrap=wrap, services=("app",), regex=compiled("a+"))
    shown = entry(line)
    shown.unfolded = unfold
    lines = entry_lines(shown, look, width)
    if not wrap and not unfold:
        assert len(lines) == 1
    if wrap and not unfold and width > 40:
        assert all(line_width(one) <= width for one in lines)


def test_matches_are_marked_across_cells() -> None:
    shown = entry(json.dumps({"event": "lead.retry", "page": "1029"}))
    cells = entry_lines(shown, LogLook(regex=compiled("page=10")), 120)[0]
    assert "".join(cell.text for cell in cells if cell.tone == "match") == "page=10"
    assert text(cells).rstrip().endswith("lead.retry          page=1029")


def test_a_cut_line_says_so() -> None:
    assert text(entry_lines(entry("half", cut=True), LogLook(), 80)[0]).endswith("half … cut")


def test_ids_are_told_apart_by_their_ends() -> None:
    assert short_id("01J9ZK3F8Q030000R7W2M4X0V") == "01J9…2M4X0V"
    assert short_id("short") == "short"
    assert short_lead("12345678901234567") == "12345…34567"


@given(st.dictionaries(st.text(max_size=6), st.text(max_size=20), max_size=4))
def test_a_payload_for_editing_means_the_same_and_shows_everything(payload: dict[str, str]) -> None:
    edited = pretty(json.dumps(payload, ensure_ascii=False))
    assert json.loads(edited) == payload
    assert edited.replace("\n", "").isprintable()


def test_numbers_beyond_floats_survive_editing() -> None:
    assert "12345678901234567890" in pretty('{"id":12345678901234567890}')
    assert pretty("no json\u202e") == "no json\\u202e"


@pytest.mark.parametrize(
    ("happened", "hint", "told"),
    [
        ("no answer", "", "no answer"),
        ("no answer", "wait until it is up", "no answer. Wait until it is up"),
        ("It failed.", "leadsctl ps shows why", "It failed. leadsctl ps shows why"),
    ],
)
def test_a_hint_is_a_sentence_of_its_own(happened: str, hint: str, told: str) -> None:
    assert with_hint(happened, hint) == told
