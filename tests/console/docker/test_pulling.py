"""Layers add up to how far a service's image is."""

from __future__ import annotations

from console.snapshots import Progress
from console.stack.docker.progress import parse
from console.stack.docker.pulling import Pulling


def told(lines: str) -> list[Progress]:
    """What is told of lines of Compose."""
    pulling = Pulling()
    return [found for line in lines.splitlines() if (found := pulling.took(parse(line))) is not None]


def test_the_layers_of_one_service_count_for_it() -> None:
    assert told(
        " one Pulling \n"
        " c37944ec022e Pulling fs layer \n"
        " c37944ec022e Downloading [>   ]  557.1kB/60.02MB\n"
        " 7d7cca0760d9 Downloading [=>  ]  7.209MB/30.01MB\n"
        " c37944ec022e Downloading [==> ]  30.5MB/60.02MB\n"
        " c37944ec022e Download complete \n"
        " c37944ec022e Extracting [==> ]  23.4MB/60.02MB\n"
        " one Pulled \n"
    ) == [
        Progress("MB downloaded:", "one", 0, 60),
        Progress("MB downloaded:", "one", 7, 90),
        Progress("MB downloaded:", "one", 37, 90),
        Progress("MB downloaded:", "one", 67, 90),
    ]


def test_layers_of_several_services_count_together_where_nobody_says_whose_they_are() -> None:
    lines = " one Pulling \n two Pulling \n c37944ec022e Downloading [>   ]  5MB/60MB\n"
    assert told(lines) == [Progress("MB downloaded:", "", 5, 60)]


def test_newer_compose_says_whose_they_are() -> None:
    line = '{"id":"ab12","parent_id":"%s","text":"Downloading","status":"Working","current":%d,"total":10000000}'
    assert told("\n".join((line % ("one", 4e6), line % ("two", 9e6)))) == [
        Progress("MB downloaded:", "one", 4, 10),
        Progress("MB downloaded:", "two", 9, 10),
    ]
