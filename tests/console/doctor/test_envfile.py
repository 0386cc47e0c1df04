"""The settings: there, readable by their owner alone, complete, valid, and no easy guess."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from console.doctor import envfile
from tests.console.doctor.said import texts, verdicts

GOOD = {
    "POSTGRES_PASSWORD": "9f86d081884c7d659a2feaa0c55ad015",
    "REDIS_PASSWORD": "60303ae22b998861bce3b28f33eec1be",
    "META_APP_SECRET": "fd61a03af4f77d870fc21e05e7e80678",
    "META_VERIFY_TOKEN": "wQ2xv9-kPa71nbE_cT",
    "META_ACCESS_TOKEN": "EAAGm0PX4ZCpsBAJ8rt1v",
}


@pytest.mark.parametrize(
    ("mode", "verdict"), [(0o600, "ok"), (0o400, "ok"), (0o640, "warn"), (0o604, "fail"), (0o644, "fail")]
)
def test_who_may_read_it(tmp_path: Path, mode: int, verdict: str) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(mode)
    said = list(envfile.file(path, local=False, given={}))
    assert verdicts(said) == [("env file", "ok"), ("env access", verdict)]
    assert verdict == "ok" or said[1].mend == f"chmod 600 {path}"


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert verdicts(envfile.file(path, local=True, given={})) == [("env file", "ok")]
    assert verdicts(envfile.file(path, local=False, given=GOOD)) == [("env file", "warn")]
    said = list(envfile.file(path, local=False, given={}))
    assert verdicts(said) == [("env file", "fail")]
    assert "leadsctl init" in said[0].mend


def test_good_settings() -> None:
    for local in (False, True):
        assert set(verdicts(envfile.values(GOOD, local=local))) == {("settings", "ok"), ("secrets", "ok")}


@pytest.mark.parametrize("name", envfile.REQUIRED)
def test_what_is_missing_is_named(name: str) -> None:
    said = envfile.values(GOOD | {name: ""}, local=False)
    assert ("settings", "fail") in verdicts(said)
    assert f"not set: {name}" in texts(said)


def test_a_missing_access_token() -> None:
    assert ("access token", "fail") in verdicts(envfile.values(GOOD | {"META_ACCESS_TOKEN": ""}, local=True))
    tokens = GOOD | {"META_ACCESS_TOKEN": "", "META_ACCESS_TOKENS": '{"1":"EAAGm0PX4ZCpsBAJ8rt1v"}'}
    assert ("access token", "fail") not in verdicts(envfile.values(tokens, local=True))


def test_what_no_service_would_start_with_is_named() -> None:
    said = envfile.values(GOOD | {"MAX_ATTEMPTS": "many"}, local=False)
    assert ("settings", "fail") in verdicts(said)
    assert "MAX_ATTEMPTS is not valid" in texts(said)


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("POSTGRES_PASSWORD", "changeme", "fail"),
        ("POSTGRES_PASSWORD", "postgres", "fail"),
        ("REDIS_PASSWORD", "Password123", "fail"),
        ("META_APP_SECRET", "your-app-secret", "fail"),
        ("META_APP_SECRET", "fd61a03af4f77d870fc21e05e7e80678,changeme", "fail"),
        ("META_ACCESS_TOKEN", "<token>", "fail"),
        ("META_VERIFY_TOKEN", "kJ8xQ2", "warn"),
        ("REDIS_PASSWORD", "aaaaaaaaaaaaaaaaaaaaaaaa", "warn"),
        ("FORMS_SECRET", "whsec_" + base64.b64encode(b"short").decode(), "warn"),
        ("FORMS_SECRET", "whsec_" + base64.b64encode(bytes(range(24))).decode(), "ok"),
    ],
)
def test_weak_secrets(name: str, value: str, verdict: str) -> None:
    said = envfile.values(GOOD | {name: value}, local=False)
    (worst,) = {found for what, found in verdicts(said) if what == "secrets"}
    assert worst == verdict
    assert verdict == "ok" or name in texts(said)
    assert value not in texts(said)


def test_one_password_for_two_is_said() -> None:
    same = GOOD | {"REDIS_PASSWORD": GOOD["POSTGRES_PASSWORD"]}
    assert ("secrets", "warn") in verdicts(envfile.values(same, local=False))
