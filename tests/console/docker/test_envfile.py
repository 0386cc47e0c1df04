"""A `.env` is read as Compose reads it: what its variables stand for, where they are left alone, what is none."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from console.settings import Settings
from console.stack.docker import files
from console.stack.docker.envfile import read
from console.stack.select import stack_environment


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("B=$A", "one"),
        ("B=${A}-${A}", "one-one"),
        ('B="x${A}y"', "xoney"),
        ("B='${A}'", "${A}"),
        ("B = '${A}'", "${A}"),
        ("export B=${A}", "one"),
        ("B=$NONE.", "."),
        ("B=${NONE:-two}", "two"),
        ("B=${NONE-two}", "two"),
        ("B=${EMPTY:-two}", "two"),
        ("B=x${EMPTY-two}", "x"),
        ("B=${A:-two}", "one"),
        ("B=${NONE:-${A}!}", "one!"),
        ("B=${A:+set}", "set"),
        ("B=x${NONE:+set}", "x"),
        ("B=x${NONE:?is missing}", "x"),
        ("B=${GIVEN}", "of the environment"),
        ("B=x$$A", "x$A"),
        ('B="x\\$A"', "x$A"),
        ("B=pa$", "pa$"),
        ("B=pa$5%", "pa$5%"),
        ("B=${A", "${A"),
        ("B=${A!x}", "${A!x}"),
        ("B=${LATER}x", "x"),
    ],
)
def test_variables_are_replaced_as_by_compose(text: str, value: str) -> None:
    given = {"GIVEN": "of the environment"}
    found = read(io.StringIO(f"A=one\nEMPTY=\nGIVEN=of the file\n{text}\nLATER=later\n"), given)
    assert found["B"] == value
    assert "EMPTY" not in found


def test_lines_that_double_one_another_do_not_fill_the_memory() -> None:
    lines = ["V0=" + "x" * 100] + [f"V{n}=" + f"${{V{n - 1}}}" * 10 for n in range(1, 12)]
    lines += ["DEEP=" + "${NONE:-" * 5_000 + "}" * 5_000]
    assert max(len(value) for value in read(io.StringIO("\n".join(lines)), {}).values()) <= 1_000_000


def test_a_stack_on_docker_signs_with_what_its_app_gets(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("BASE=s3cret\nMETA_APP_SECRET=${BASE}-of-meta\nFORMS_SECRET='${BASE}'\n")
    settings = Settings(runtime="docker", env_file=env_file)
    found = stack_environment(settings, {})
    assert (found["META_APP_SECRET"], found["FORMS_SECRET"]) == ("s3cret-of-meta", "${BASE}")
    assert files.filed(env_file)["META_APP_SECRET"] == "s3cret-of-meta"
    local = Settings(runtime="local", directory=tmp_path)
    assert stack_environment(local, {})["META_APP_SECRET"] == "${BASE}-of-meta"
