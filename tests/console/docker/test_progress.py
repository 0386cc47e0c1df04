"""Compose's words, in each form that its versions use, become steps; its errors become one line with a hint."""

from __future__ import annotations

import pytest

from console.snapshots import Progress
from console.stack.docker.progress import NOTHING, Step, parse, progress, refusal


@pytest.mark.parametrize(
    ("line", "step"),
    [
        (" Container leads_db  Creating", Step("container", "leads_db", "Creating")),
        (" Container leads_db  Healthy ", Step("container", "leads_db", "Healthy")),
        (" Container leads-worker-1 Started ", Step("container", "leads-worker-1", "Started")),
        (' Volume "leads_redis_data"  Created', Step("volume", "leads_redis_data", "Created")),
        (" Network leads_app-network  Removed", Step("network", "leads_app-network", "Removed")),
        (" Container x  Error response from daemon: boom", Step("container", "x", "Error response from daemon: boom")),
        (" db Pulling ", Step("service", "db", "Pulling")),
        (" app  Built", Step("service", "app", "Built")),
        (
            "#12 [app build 4/6] RUN pip install",
            Step("build", "app", "RUN pip install", 4, 6),
        ),
        ("#12 DONE 3.1s", NOTHING),
        ("#0 building with default", NOTHING),
        ("", NOTHING),
        (
            'time="2026-11-24T08:00:00Z" level=warning msg="The \\"X\\" is not set"',
            Step("warning", "", 'The "X" is not set'),
        ),
        ('time="2026-11-24T08:00:00Z" level=error msg="boom"', Step("error", "", "boom")),
        ("container leads_app is unhealthy", Step("error", "", "container leads_app is unhealthy")),
        # JSON as 2.29 to 2.40 write it: the word is the status
        ('{"id":"Container leads_db","status":"Started"}', Step("container", "leads_db", "Started")),
        ('{"id":"Container leads_db","text":"","status":"Creating"}', Step("container", "leads_db", "Creating")),
        # JSON as 5 writes it: the word is the text
        ('{"id":"Container leads_db","status":"Done","text":"Started"}', Step("container", "leads_db", "Started")),
        (
            '{"id":"Container leads_db","status":"Error","text":"Error","details":"no space left"}',
            Step("container", "leads_db", "Error no space left"),
        ),
        ('{"id":"db","status":"Working","text":"Pulling"}', Step("service", "db", "Pulling")),
        (
            '{"id":"ab12","parent_id":"db","status":"Working","text":"Downloading","current":5,"total":10}',
            Step("layer", "ab12", "Downloading", 5, 10, "db"),
        ),
        (" c37944ec022e Pulling fs layer ", Step("layer", "c37944ec022e", "Pulling fs layer")),
        (
            " c37944ec022e Downloading [=====>       ]  6.685MB/60.02MB",
            Step("layer", "c37944ec022e", "Downloading", 6_685_000, 60_020_000),
        ),
        (" c37944ec022e Pull complete ", Step("layer", "c37944ec022e", "Pull complete")),
        (
            '{"tail":true,"text":"container leads_app is unhealthy"}',
            Step("error", "", "container leads_app is unhealthy"),
        ),
        ('{"error":true,"message":"no such service: x"}', Step("error", "", "no such service: x")),
        ('{"level":"warning","msg":"version is obsolete","time":"x"}', Step("warning", "", "version is obsolete")),
        ("{broken", Step("error", "", "{broken")),
    ],
)
def test_lines(line: str, step: Step) -> None:
    assert parse(line) == step


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        (Step("container", "leads_db", "Creating"), Progress("creating", "db")),
        (Step("container", "leads_db", "Healthy"), Progress("healthy", "db", ok=True)),
        (Step("container", "leads_db", "Waiting"), Progress("waiting until it is healthy", "db")),
        (Step("container", "leads_db", "Error no space"), Progress("Error no space", "db", ok=False)),
        (Step("network", "app-network", "Created"), Progress("network app-network created", ok=True)),
        (Step("service", "db", "Pulling", 5, 10), Progress("pulling", "db", 5, 10)),
        (Step("build", "app", "RUN  pip\tinstall", 4, 6), Progress("building: RUN pip install", "db", 4, 6)),
        (Step("warning", "", "careful"), Progress("careful")),
        (Step("error", "", "boom"), None),
        (NOTHING, None),
    ],
)
def test_what_is_shown(step: Step, shown: Progress | None) -> None:
    assert progress(step, "db") == shown


def test_a_container_of_no_known_service_is_not_shown() -> None:
    assert progress(Step("container", "leads_db", "Creating")) is None


def test_a_long_step_is_cut() -> None:
    shown = progress(Step("build", "app", "RUN " + "x" * 999, 1, 2))
    assert shown is not None
    assert len(shown.text) == 300


@pytest.mark.parametrize(
    ("line", "text", "hint"),
    [
        (
            "error while interpolating services.x: required variable REDIS_PASSWORD is missing a value: copy it",
            "REDIS_PASSWORD is not set in s.env.",
            "Fill it in there; .env.example beside it says how.",
        ),
        (
            "Error response from daemon: driver failed: Bind for 0.0.0.0:3000 failed: port is already allocated",
            "Port 3000 is taken by another program.",
            "Set PORT in s.env.",
        ),
        (
            'Error response from daemon: Conflict. The container name "/leads_db" is already in use by container "ab"',
            "The container leads_db belongs to another stack on this engine.",
            "Take that one down first.",
        ),
        ("container leads_app is unhealthy", "leads_app does not become healthy.", "leadsctl logs shows why."),
        ("container leads_app exited (2)", "leads_app exited with code 2.", "leadsctl logs shows why."),
        ("no such service: nope", "There is no service nope.", ""),
        ("Error response from daemon: strange", "Compose failed: strange", ""),
    ],
)
def test_refusals(line: str, text: str, hint: str) -> None:
    assert refusal(["warm-up", line], 1, "s.env")[:2] == (text, hint)


def test_a_refusal_without_words_has_its_exit_code() -> None:
    assert refusal([], 17).text == "Compose failed: exit code 17"


def test_an_engine_that_is_away_is_told_apart() -> None:
    assert refusal(["Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"], 1).away
