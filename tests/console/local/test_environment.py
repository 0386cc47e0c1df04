"""Settings: the environment over `.env`, secrets made up, what is refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from api.sources import SOURCES
from console.errors import StackError
from console.stack.local import environment
from console.stack.local.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def service(loaded: environment.Environment) -> dict[str, str]:
    return loaded.service("postgresql://u:p@127.0.0.1:1/d", "redis://:p@127.0.0.1:2/0", 3)


def test_a_first_start_makes_up_secrets_and_keeps_them_private(places: Places) -> None:
    first = environment.load(places, {})
    second = environment.load(places, {})
    assert first.settings == second.settings
    assert stat.S_IMODE(places.env_file.stat().st_mode) == 0o600
    assert len(first.settings["POSTGRES_PASSWORD"]) >= 32
    assert first.settings["FORMS_SECRET"].startswith("whsec_")
    assert service(first)["META_APP_SECRET"] == first.settings["META_APP_SECRET"]


def test_two_stacks_share_no_secret(places: Places, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, other = environment.load(places, {}), environment.load(Places(tmp_path / "other"), {})
    names = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "META_VERIFY_TOKEN", *(made.secret for made in SOURCES.values()))
    assert all(one.settings[name] != other.settings[name] for name in names)


def test_the_environment_wins_over_the_file_but_empty_is_unset(places: Places) -> None:
    places.env_file.write_text("META_APP_SECRET=filed\nMETA_VERIFY_TOKEN=kept\nMAX_ATTEMPTS=5\n")
    loaded = environment.load(places, {"META_APP_SECRET": "given", "META_VERIFY_TOKEN": "", "MAX_ATTEMPTS": " 3 "})
    assert service(loaded)["META_APP_SECRET"] == "given"
    assert service(loaded)["META_VERIFY_TOKEN"] == "kept"
    assert service(loaded)["MAX_ATTEMPTS"] == "3"


def test_what_the_operator_points_elsewhere_stays_there(places: Places) -> None:
    elsewhere = {"DATABASE_URL": "postgresql://prod/leads", "REDIS_URL": "redis://prod:6379", "REDIS_HOST": "prod"}
    given = service(environment.load(places, elsewhere))
    assert given["DATABASE_URL"] == "postgresql://u:p@127.0.0.1:1/d"
    assert given["REDIS_URL"] == "redis://:p@127.0.0.1:2/0"
    assert "REDIS_HOST" not in given


def test_nothing_else_of_the_environment_is_written_down(places: Places) -> None:
    loaded = environment.load(places, {"AWS_SECRET_ACCESS_KEY": "x", "PATH": "/bin", "PGPASSWORD": "y"})
    assert loaded.base == {"PATH": "/bin"}
    assert not {"AWS_SECRET_ACCESS_KEY", "PGPASSWORD"} & loaded.settings.keys()


def test_a_secret_in_a_file_replaces_the_plain_one(places: Places, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file")
    places.env_file.write_text("META_APP_SECRET=filed\nMETA_VERIFY_TOKEN=t\n")
    given = service(environment.load(places, {"META_APP_SECRET_FILE": str(secret)}))
    assert "META_APP_SECRET" not in given
    places.env_file.write_text(f"META_APP_SECRET_FILE={secret}\nMETA_VERIFY_TOKEN=t\n")
    given = service(environment.load(places, {"META_APP_SECRET": "given"}))
    assert "META_APP_SECRET_FILE" not in given


def test_a_file_without_passwords_gets_them_and_keeps_the_rest(places: Places) -> None:
    text = "# mine\nMETA_APP_SECRET='a b'\nMETA_VERIFY_TOKEN=t"
    places.env_file.write_text(text)
    loaded = environment.load(places, {})
    assert places.env_file.read_text().startswith(text + "\n")
    assert dotenv_values(places.env_file)["REDIS_PASSWORD"] == loaded.settings["REDIS_PASSWORD"]
    assert environment.load(places, {}).settings == loaded.settings


def test_the_database_password_of_the_first_start_is_found_again(places: Places) -> None:
    environment.load(places, {"POSTGRES_PASSWORD": "it's $ec\\ret #1"})
    assert environment.load(places, {}).settings["POSTGRES_PASSWORD"] == "it's $ec\\ret #1"


@given(st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["C"]), min_size=1))
def test_any_value_survives_the_file(value: str) -> None:
    quoted = environment._quoted(value)
    import io

    assert dotenv_values(stream=io.StringIO(f"A={quoted}\n"), interpolate=False)["A"] == value


def test_urls_carry_any_password() -> None:
    settings = {"POSTGRES_PASSWORD": "a/b@c:d%", "REDIS_PASSWORD": "ü#?"}
    loaded = environment.Environment(settings=settings, base={})
    assert loaded.database_url(1, "leads", "leads") == "postgresql://leads:a%2Fb%40c%3Ad%25@127.0.0.1:1/leads"
    assert loaded.redis_url(2) == "redis://:%C3%BC%23%3F@127.0.0.1:2/0"


@pytest.mark.parametrize(("name", "value"), [("PORT", "eighty"), ("PORT", "70000"), ("REDIS_APPENDFSYNC", "sometimes")])
def test_a_wrong_setting_is_named(places: Places, name: str, value: str) -> None:
    with pytest.raises(StackError, match=rf"^{name} is not valid"):
        environment.load(places, {name: value})


def test_a_wrong_setting_of_the_service_is_named_before_anything_starts(places: Places) -> None:
    loaded = environment.load(places, {"MAX_ATTEMPTS": "many"})
    with pytest.raises(StackError, match=r"^MAX_ATTEMPTS is not valid") as caught:
        service(loaded)
    assert ".env" in caught.value.hint


@pytest.mark.parametrize("text", ["POSTGRES_PASSWORD=p\n", "META_APP_SECRET=\nMETA_VERIFY_TOKEN=\n", "PORT=3000"])
def test_a_file_with_no_secret_to_verify_with_gets_one(places: Places, text: str) -> None:
    places.env_file.write_text(text)
    made = service(environment.load(places, {}))
    assert len(made["META_APP_SECRET"]) == 32
    assert made["META_VERIFY_TOKEN"]
    assert dotenv_values(places.env_file)["META_APP_SECRET"] == made["META_APP_SECRET"]
    assert service(environment.load(places, {})) == made


@pytest.mark.parametrize("text", ["FORMS_SECRET=whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=\n", "GOOGLE_KEY_FILE=/run/key\n"])
def test_a_source_that_was_left_out_stays_switched_off(places: Places, text: str) -> None:
    places.env_file.write_text(text)
    environment.load(places, {})
    assert not {"META_APP_SECRET", "META_VERIFY_TOKEN"} & dotenv_values(places.env_file).keys()


def test_a_verify_token_is_made_up_for_an_app_secret_of_ones_own(places: Places) -> None:
    places.env_file.write_text("")
    environment.load(places, {"META_APP_SECRET": "given"})
    filed = dotenv_values(places.env_file)
    assert filed["META_VERIFY_TOKEN"]
    assert "META_APP_SECRET" not in filed


@pytest.mark.parametrize(
    ("filed", "given", "host", "url"),
    [
        ("", "", "127.0.0.1", "http://127.0.0.1:80"),
        ("", "my-laptop", "127.0.0.1", "http://127.0.0.1:80"),
        ("HOST=0.0.0.0", "my-laptop", "0.0.0.0", "http://127.0.0.1:80"),
        ("HOST=0.0.0.0", "localhost", "127.0.0.1", "http://127.0.0.1:80"),
        ("HOST=::", "", "::", "http://[::1]:80"),
    ],
)
def test_the_web_port_listens_where_it_is_told_to(places: Places, filed: str, given: str, host: str, url: str) -> None:
    places.env_file.write_text(f"POSTGRES_PASSWORD=p\nREDIS_PASSWORD=p\n{filed}\n")
    loaded = environment.load(places, {"HOST": given})
    assert loaded.host == host
    assert loaded.web_url(80) == url


def test_no_secret_is_shown(places: Places) -> None:
    loaded = environment.load(places, {})
    assert not any(value in repr(loaded) for value in loaded.settings.values() if len(value) > 10)


def test_a_file_that_cannot_be_read_is_one_line(places: Places) -> None:
    places.env_file.write_bytes(b"\xff\xfe")
    with pytest.raises(StackError, match="not UTF-8"):
        environment.load(places, {})
