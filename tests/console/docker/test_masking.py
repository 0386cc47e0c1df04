"""The resolved compose file shows no secret, whether it comes from `.env` or stands in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from console.stack.docker import masking
from console.stack.docker.compose import Compose
from console.stack.docker.files import StackFiles

YAML = """\
services:
  app:
    command: ["--key", "plain"]
    environment:
      API_TOKEN: literal-secret
      DATABASE_URL: postgresql://leads:url-secret@db:5432/leads
      FORMS_SECRET: ""
      META_APP_SECRET_FILE: /run/secrets/meta
      PRIVATE_KEY: |
        first-secret-line

        second-secret-line
      PORT: "3000"
      WORD_PASSWORD: ********
      MONKEY: banana
"""


class Printed(Compose):
    """Compose that prints what it is given."""

    def __init__(self, folder: Path, text: str) -> None:
        self.files = StackFiles((folder / "docker-compose.yml",), folder / ".env")
        self.text = text
        self.given: Mapping[str, str] = {}

    async def config(self, *words: str, every: bool = False, given: Mapping[str, str] | None = None) -> str:
        self.given = given or {}
        return self.text


async def test_compose_never_gets_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = 'REDIS_PASSWORD=hidden\nPORT=80\nFORMS_SECRET=\nMETA_ACCESS_TOKENS=\'{"1":"x"}\'\n'
    (tmp_path / ".env").write_text(env)
    monkeypatch.setenv("GOOGLE_KEY", "hidden")
    compose = Printed(tmp_path, "services: {}\n")
    assert await masking.configuration(compose, "yaml") == "services: {}\n"
    for name in ("REDIS_PASSWORD", "META_ACCESS_TOKENS", "GOOGLE_KEY"):
        assert compose.given[name] == masking.MASK
    assert "PORT" not in compose.given
    assert "FORMS_SECRET" not in compose.given


async def test_what_stands_in_a_file_is_masked(tmp_path: Path) -> None:
    text = await masking.configuration(Printed(tmp_path, YAML), "yaml")
    assert "secret-line" not in text
    assert "literal-secret" not in text
    assert "url-secret" not in text
    assert "postgresql://leads:********@db:5432/leads" in text
    assert '      FORMS_SECRET: ""\n' in text
    assert "META_APP_SECRET_FILE: /run/secrets/meta" in text
    assert '      PRIVATE_KEY: ********\n      PORT: "3000"\n' in text
    assert "MONKEY: banana" in text


async def test_the_same_in_json(tmp_path: Path) -> None:
    document = {
        "services": {
            "app": {
                "environment": {"API_TOKEN": "literal", "URL": "redis://:hidden@h:1/0", "FORMS_SECRET": "", "N": 1},
                "build": {"args": ["NPM_TOKEN=literal", "A=b"]},
            }
        }
    }
    found = json.loads(await masking.configuration(Printed(tmp_path, json.dumps(document)), "json"))
    assert found["services"]["app"] == {
        "environment": {"API_TOKEN": "********", "URL": "redis://:********@h:1/0", "FORMS_SECRET": "", "N": 1},
        "build": {"args": ["NPM_TOKEN=********", "A=b"]},
    }
