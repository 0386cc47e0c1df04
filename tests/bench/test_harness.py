"""The parts of the benchmarks that could mislead: what is sent, how it is summed up, what the stand-in counts."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from api.signatures import verify_meta
from tests import servers
from tests.bench import bodies, harness
from tests.bench.graph import Calls, stand_in
from tests.bench.others import Others, family
from tests.bench.processes import python, running
from tests.bench.terminal import program


def test_bodies_are_signed_and_never_repeat_an_id() -> None:
    texts = [bodies.body(3) for _ in range(100)]
    for text in texts:
        verify_meta([bodies.SECRET.encode()], text, bodies.signature(text))
    ids = [
        change["value"]["leadgen_id"]
        for text in texts
        for entry in json.loads(text)["entry"]
        for change in entry["changes"]
    ]
    assert len(ids) == 300
    assert len(set(ids)) == 300


def test_a_file_of_requests_holds_each_behind_its_length(tmp_path: Path) -> None:
    rest = bodies.write(tmp_path / "requests", 10).read_bytes()
    count = 0
    while rest:
        size = int(rest[:6])
        head, _, body = rest[6 : 6 + size].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /webhooks/meta HTTP/1.1\r\n")
        assert f"Content-Length: {len(body)}".encode() in head
        rest, count = rest[6 + size :], count + 1
    assert count == 10


def test_every_contender_comes_first_in_turn(capsys: pytest.CaptureFixture[str]) -> None:
    order = [name for _round, name in harness.interleave(["a", "b", "c"], 3, "test")]
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert "round 3/3, b" in capsys.readouterr().err


def test_ratios_pair_the_rounds() -> None:
    samples = harness.Samples()
    for ours, theirs in ((10.0, 1.0), (100.0, 50.0), (30.0, 10.0)):
        samples.add("ours", ours)
        samples.add("theirs", theirs)
    assert samples.ratio("ours", "theirs") == 3.0
    assert samples.median("ours") == 30.0
    assert samples.spread("theirs") == "1.00-50.0"


def test_quantiles_are_values_that_were_seen() -> None:
    values = [float(n) for n in range(1, 101)]
    assert harness.quantile(values, 0.95) == 96.0
    assert harness.quantile([7.0], 0.99) == 7.0


def test_the_graph_stand_in_answers_and_counts(tmp_path: Path) -> None:
    with stand_in(tmp_path, 0.0) as graph:
        for target in ("?ids=1,2,3&fields=id,field_data", "4?fields=field_data"):
            with urllib.request.urlopen(f"{graph.url}/v25.0/{target}", timeout=5) as response:
                answer = json.load(response)
        assert answer["field_data"][0] == {"name": "full_name", "values": ["Lead 4"]}
        assert graph.calls() == Calls(calls=2, leads=4, most_at_once=1)


def test_what_children_use_is_not_counted_as_others(tmp_path: Path) -> None:
    before = family()
    busy = "import time\nwhile time.process_time() < 0.5: pass\nprint('done', flush=True); time.sleep(60)"
    log = tmp_path / "log"
    with running(python("-c", busy), {}, log):
        servers.wait_until(lambda: "done" in log.read_text(), "half a second of work")
        assert family() - before >= 0.45
    assert family() - before >= 0.45
    assert 0.0 <= Others().share() <= 1.0


def test_only_a_full_screen_counts_as_painted() -> None:
    script = "import time; print('x' * 99, flush=True); print('\\x1b[?1049hpainted', flush=True); time.sleep(60)"
    with program(python("-c", script), {}) as terminal:
        assert terminal.await_screen(lambda text: "painted" in text, 20) > 0
    with (
        program(python("-c", "print('a traceback')"), {}) as terminal,
        pytest.raises(harness.MissingError, match="a traceback"),
    ):
        terminal.await_screen(lambda text: "traceback" in text, 20)
