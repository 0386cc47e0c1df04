"""Settings: defaults, every wrong value named in one line, nothing secret ever shown."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from api.errors import SettingsError
from api.settings import Settings

WHSEC = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()
FULL = {
    "REDIS_URL": "redis://:redis-pass@localhost:6379/0",
    "DATABASE_URL": "postgresql://leads:pg-pass@localhost:5432/leads",
    "META_APP_SECRET": "app-secret-1, app-secret-2",
    "META_VERIFY_TOKEN": "verify-token",
    "META_ACCESS_TOKEN": "access-token",
    "META_ACCESS_TOKENS": '{"111": "page-token"}',
    "FORMS_SECRET": WHSEC,
    "GOOGLE_KEY": "google-key-1, google-key-2",
    "TYPEFORM_SECRET": "typeform-secret",
    "DEFAULT_REGION": "de",
}


def wrong(env: dict[str, str]) -> str:
    """The one line said about a wrong environment."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(env)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_defaults() -> None:
    settings = Settings.load({})
    assert (settings.host, settings.port) == ("0.0.0.0", 3000)
    assert settings.queue_namespace == "leads"
    assert settings.max_attempts == 8
    assert settings.visibility_timeout == 60.0
    assert settings.sla_s == 300.0
    assert settings.max_body_bytes == 3_500_000
    assert settings.meta_graph_url == "https://graph.facebook.com"
    assert settings.meta_graph_version == "v25.0"
    assert settings.log_level == "info"
    assert settings.worker_name
    assert socket.gethostname()[:3] in settings.worker_name


def test_everything_given() -> None:
    settings = Settings.load(FULL)
    assert settings.meta_app_secrets == (b"app-secret-1", b"app-secret-2")
    assert settings.forms_secrets == (b"0123456789abcdef",)
    assert settings.meta_access_tokens == {"111": "page-token"}
    assert settings.source_secrets == {
        "GOOGLE_KEY": (b"google-key-1", b"google-key-2"),
        "TYPEFORM_SECRET": (b"typeform-secret",),
    }
    assert settings.default_region == "DE"
    assert settings.demand("web") is settings


def test_an_empty_variable_counts_as_unset() -> None:
    names = ("REDIS_URL", "DATABASE_URL", "META_APP_SECRET", "FORMS_SECRET", "PORT", "LOG_LEVEL", "META_GRAPH_URL")
    assert Settings.load(dict.fromkeys(names, "")) == Settings.load({})


def test_no_secret_is_shown() -> None:
    shown = repr(Settings.load(FULL)) + str(Settings.load(FULL))
    for secret in (
        "redis-pass",
        "pg-pass",
        "app-secret",
        "verify-token",
        "access-token",
        "page-token",
        "0123456789",
        "google-key",
        "typeform-s",
    ):
        assert secret not in shown


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"REDIS_HOST": "redis"}, "redis://redis:6379/0"),
        ({"REDIS_HOST": "redis", "REDIS_PORT": "7000"}, "redis://redis:7000/0"),
        ({"REDIS_HOST": "redis", "REDIS_PASSWORD": "p@s/s:#%"}, "redis://:p%40s%2Fs%3A%23%25@redis:6379/0"),
        ({"REDIS_HOST": "::1"}, "redis://[::1]:6379/0"),
        ({"REDIS_HOST": "redis.local."}, "redis://redis.local.:6379/0"),
        ({"REDIS_URL": "redis://h?db=3&socket_timeout=2.5"}, "redis://h?db=3&socket_timeout=2.5"),
        ({"REDIS_URL": "rediss://h/1?ssl_cert_reqs=none"}, "rediss://h/1?ssl_cert_reqs=none"),
        ({"REDIS_URL": "rediss://u:p@h:1/2", "REDIS_HOST": "redis"}, "rediss://u:p@h:1/2"),
    ],
)
def test_redis_url(env: dict[str, str], url: str) -> None:
    assert Settings.load(env).redis_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "http://secret-host"),
        ("REDIS_URL", "redis://host:secret-port"),
        ("REDIS_URL", "secret"),
        ("REDIS_URL", "redis://secret..host"),
        ("REDIS_URL", f"redis://{'secret' * 11}"),
        ("REDIS_URL", "redis://secret@host/?db=x"),
        ("REDIS_URL", "redis://host/?db="),
        ("REDIS_URL", "redis://host/?db=-1"),
        ("REDIS_URL", "redis://host/secret"),
        ("REDIS_URL", "redis://host/0?secret=1"),
        ("REDIS_URL", "redis://host/0?secret"),
        ("REDIS_URL", "redis://host/0?retry=secret"),
        ("REDIS_URL", "redis://host/0?decode_responses=1"),
        ("REDIS_URL", "redis://host/0?socket_timeout=nan"),
        ("REDIS_URL", "redis://host/0?ssl_cert_reqs=none"),
        ("REDIS_URL", "rediss://host/0?ssl_cert_reqs=secret"),
        ("REDIS_URL", "rediss://host/0?ssl_min_version=1"),
        ("REDIS_HOST", "a secret"),
        ("REDIS_HOST", "secret:6379"),
        ("REDIS_HOST", "secret..host"),
        ("REDIS_HOST", "secret" * 11),
        ("DATABASE_URL", "postgresql://leads:secret%word@db:5432/leads"),
        ("DATABASE_URL", "postgresql://leads:secret%00word@db:5432/leads"),
        ("DATABASE_URL", "postgresql://leads:secret word@db:5432/leads"),
        ("DATABASE_URL", "mysql://secret"),
        ("DATABASE_URL", "secret"),
        ("META_APP_SECRET", "secret,"),
        ("META_APP_SECRET", ","),
        ("META_APP_SECRET", "secret\nsecond line"),
        ("META_ACCESS_TOKEN", "secret with blanks"),
        ("META_ACCESS_TOKEN", "secrét"),
        ("META_ACCESS_TOKENS", "secret"),
        ("META_ACCESS_TOKENS", '["secret"]'),
        ("META_ACCESS_TOKENS", '{"1": 2, "secret": "x"}'),
        ("META_ACCESS_TOKENS", '{"1": ""}'),
        ("META_ACCESS_TOKENS", "[" * 100_000),
        ("META_GRAPH_URL", "ftp://secret"),
        ("META_GRAPH_VERSION", "25"),
        ("FORMS_SECRET", "secret"),
        ("FORMS_SECRET", "whsec_secret!"),
        ("FORMS_SECRET", "whsec_"),
        ("FORMS_SECRET", f"{WHSEC},,{WHSEC}"),
        ("GOOGLE_KEY", "secret,,secret"),
        ("TYPEFORM_SECRET", ","),
        ("DEFAULT_REGION", "DEU"),
        ("DEFAULT_REGION", "49"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "secret"),
        ("PORT", "+80"),
        ("PORT", "８０"),
        ("WEB_PROCESSES", "0"),
        ("MAX_BODY_BYTES", "-1"),
        ("MAX_BODY_BYTES", "9" * 5000),
        ("MAX_ATTEMPTS", "0"),
        ("MAX_ATTEMPTS", "2.5"),
        ("VISIBILITY_TIMEOUT", "soon"),
        ("VISIBILITY_TIMEOUT", "nan"),
        ("SLA_SECONDS", "-3"),
        ("GRAPH_TIMEOUT", "0"),
        ("BODY_TIMEOUT", "inf"),
        ("LOG_LEVEL", "loud"),
        ("QUEUE_NAMESPACE", "a{b}"),
        ("WORKER_NAME", "a b"),
        ("WORKER_BATCH", "0"),
        ("WORKER_PREFETCH", "10"),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated(name: str, value: str) -> None:
    text = wrong({name: value})
    assert text.startswith(f"{name} ")
    assert "secret" not in text.removeprefix(name)


@pytest.mark.parametrize("command", ["web", "worker", "migrate"])
def test_each_command_demands_the_database(command: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL "):
        Settings.load({**FULL, "DATABASE_URL": ""}).demand(command)


@pytest.mark.parametrize(
    ("command", "missing"),
    [("web", "REDIS_URL"), ("worker", "REDIS_URL"), ("web", "META_VERIFY_TOKEN")],
)
def test_what_is_missing_is_named(command: str, missing: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{missing} "):
        Settings.load({**FULL, missing: ""}).demand(command)


def test_web_demands_one_source_at_least() -> None:
    neither = {**FULL, "META_APP_SECRET": "", "FORMS_SECRET": "", "GOOGLE_KEY": "", "TYPEFORM_SECRET": ""}
    with pytest.raises(SettingsError, match=r"^META_APP_SECRET "):
        Settings.load(neither).demand("web")
    for name, value in (("FORMS_SECRET", WHSEC), ("GOOGLE_KEY", "k"), ("TYPEFORM_SECRET", "s")):
        Settings.load({**neither, name: value, "META_VERIFY_TOKEN": ""}).demand("web")


def test_the_worker_knows_the_region_s_plan() -> None:
    Settings.load({**FULL, "DEFAULT_REGION": ""}).demand("worker")
    assert Settings.load(FULL).demand("worker").default_region == "DE"
    with pytest.raises(SettingsError, match=r"^DEFAULT_REGION "):
        Settings.load({**FULL, "DEFAULT_REGION": "XX"}).demand("worker")


def test_worker_and_migrate_need_no_webhook_secret() -> None:
    env = {"DATABASE_URL": FULL["DATABASE_URL"], "REDIS_HOST": "redis"}
    Settings.load(env).demand("worker")
    Settings.load({"DATABASE_URL": FULL["DATABASE_URL"]}).demand("migrate")


def test_a_secret_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from-file\n")
    assert Settings.load({"META_APP_SECRET_FILE": str(file)}).meta_app_secrets == (b"from-file",)
    assert Settings.load({"GOOGLE_KEY_FILE": str(file)}).source_secrets == {"GOOGLE_KEY": (b"from-file",)}


def test_a_secret_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n")
    binary.write_bytes(b"\xff\xfe")
    for path in (str(tmp_path / "none"), str(tmp_path), str(empty), str(binary), "a\0b"):
        assert wrong({"META_APP_SECRET_FILE": path}).startswith("META_APP_SECRET_FILE ")
    assert wrong({"META_APP_SECRET_FILE": str(empty), "META_APP_SECRET": "x"}).startswith("META_APP_SECRET ")


def run(arguments: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`python -m api …` with only `env` for settings."""
    command = [sys.executable, "-m", "api", *arguments]
    env = {"PATH": os.environ["PATH"], **env}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", ["web", "worker", "migrate"])
def test_a_process_says_one_line_and_exits_2(command: str) -> None:
    done = run([command], {**FULL, "PORT": "secret"})
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "PORT" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [[], ["serve"], ["web", "worker"]])
def test_wrong_words_show_the_usage(arguments: list[str]) -> None:
    done = run(arguments, {})
    assert done.returncode == 2
    assert done.stderr == "usage: python -m api web|worker|migrate\n"


def test_help() -> None:
    done = run(["--help"], {})
    assert done.returncode == 0
    assert done.stdout.startswith("usage: python -m api web|worker|migrate")
