"""Where the engine is: given, from the environment, from a context, or the default; and the words when it is away."""

from __future__ import annotations

import hashlib
import json
import ssl
from pathlib import Path

import pytest

from console.errors import UnreachableError
from console.stack.docker.address import TRY, Certificates, find, missing, parse


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Docker configuration folder, the one in use."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def context(config: Path, name: str, host: str) -> None:
    folder = config / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    endpoint = {"docker": {"Host": host, "SkipTLSVerify": False}}
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoint}))


def test_the_default_socket(config: Path) -> None:
    found = find()
    assert (found.url, found.socket, found.local) == ("unix:///var/run/docker.sock", "/var/run/docker.sock", True)


def test_a_given_address_wins_over_the_environment(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://other:1")
    assert find("unix:///given.sock").socket == "/given.sock"
    assert (find().host, find().port, find().local) == ("other", 1, False)


def test_the_context_in_use(config: Path) -> None:
    context(config, "far", "ssh://ops@far.example:2222")
    (config / "config.json").write_text(json.dumps({"currentContext": "far"}))
    found = find()
    assert (found.ssh, found.host, found.port, found.local) == (True, "far.example", 2222, False)


def test_a_context_by_name(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context(config, "lab", "tcp://lab.example:2375")
    monkeypatch.setenv("DOCKER_CONTEXT", "lab")
    assert find().host == "lab.example"
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert find().socket == "/var/run/docker.sock"


def test_the_certificates_of_a_context(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context(config, "safe", "tcp://safe.example:2376")
    folder = config / "contexts" / "tls" / hashlib.sha256(b"safe").hexdigest() / "docker"
    folder.mkdir(parents=True)
    for name in ("ca", "cert", "key"):
        (folder / f"{name}.pem").touch()
    monkeypatch.setenv("DOCKER_CONTEXT", "safe")
    ca, cert, key = (str(folder / f"{name}.pem") for name in ("ca", "cert", "key"))
    assert find().certificates == Certificates(ca, cert, key)


def test_a_context_that_is_not_there(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(UnreachableError, match="There is no Docker context gone"):
        find()


@pytest.mark.parametrize("url", ["nonsense", "tcp://", "ftp://host", "tcp://host:port", "npipe:////./pipe/docker"])
def test_an_address_that_makes_no_sense(url: str) -> None:
    with pytest.raises(UnreachableError, match="DOCKER_HOST is not valid"):
        parse(url)


def test_tls_from_the_environment(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").touch()
    env = {"DOCKER_HOST": "tcp://far:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    found = find(env=env)
    ca, cert, key = (str(tmp_path / f"{name}.pem") for name in ("ca", "cert", "key"))
    assert found.certificates == Certificates(ca, cert, key)
    assert parse("tcp://far").port == 2375
    assert parse("https://far").port == 2376


def test_a_server_that_need_not_prove_itself() -> None:
    settings = parse("tcp://far", Certificates(verify=False)).context()
    assert settings is not None
    assert settings.verify_mode is ssl.CERT_NONE
    assert parse("tcp://far").context() is None


def test_the_words_when_no_engine_answers() -> None:
    plain = missing(parse("unix:///var/run/docker.sock"), FileNotFoundError(2, "No such file or directory"))
    assert f"{plain} {plain.hint}" == (
        "No Docker Engine at unix:///var/run/docker.sock. Start it, set DOCKER_HOST, or try leadsctl demo."
    )
    assert str(missing("tcp://far:1", TimeoutError())) == "No Docker Engine at tcp://far:1: it does not answer."
    barred = missing("unix:///x", PermissionError(13, "Permission denied"))
    assert "does not let you in" in str(barred)
    assert barred.hint != TRY
