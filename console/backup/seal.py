"""Encrypts and decrypts with age, in a process of its own.

python -m console.backup.seal seal RECIPIENT      standard input to standard output
python -m console.backup.seal open IDENTITY_FILE
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from console.errors import ConsoleError, UsageError

HINT = "pip install 'leadsctl[age]'"
MAGIC = b"age-encryption.org/"
"""How an encrypted file begins."""


def demand(recipient: str) -> None:
    """Check that backups can be encrypted for that recipient.

    Raises:
        UsageError: pyrage is not installed, or it is no age public key.
    """
    if find_spec("pyrage") is None:
        raise UsageError("backups cannot be encrypted here: pyrage is not installed", HINT)
    import pyrage

    try:
        pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError:
        raise UsageError("the recipient is no age public key", "it begins with age1; age-keygen makes one") from None


@contextmanager
def sealing(file: IO[bytes], recipient: str) -> Iterator[IO[bytes]]:
    """What is written comes to `file` encrypted for the recipient; as it is where that is "".

    Raises:
        ConsoleError: it could not be encrypted.
    """
    if not recipient:
        yield file
        return
    with _program("seal", recipient, stdin=subprocess.PIPE, stdout=file) as process:
        assert process.stdin is not None
        yield process.stdin
        process.stdin.close()
        _demand_done(process)


@contextmanager
def opening(path: Path, identity: Path | None) -> Iterator[IO[bytes]]:
    """The archive's bytes, decrypted with the identities in a file where they are encrypted.

    Raises:
        ConsoleError: it cannot be read, or not with that identity. UsageError: it is encrypted, and none is given.
    """
    try:
        with path.open("rb", buffering=0) as file:  # what is read ahead would not reach another process
            secret = file.read(len(MAGIC)) == MAGIC
            file.seek(0)
            if not secret:
                yield file
                return
            if identity is None:
                raise UsageError(f"{path} is encrypted", "give the age identity with --identity FILE")
            if find_spec("pyrage") is None:
                raise ConsoleError("the archive is encrypted, and pyrage is not installed here", HINT)
            with _program("open", str(identity), stdin=file, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                first = process.stdout.peek(1)  # type: ignore[attr-defined]  # a BufferedReader
                if not first:
                    _demand_done(process)
                yield process.stdout
    except OSError as error:
        raise ConsoleError(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def _program(*words: str, stdin: int | IO[bytes], stdout: int | IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-m", "console.backup.seal", *words],
        stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=env,
    ) as process:  # fmt: skip
        try:
            yield process
        except BrokenPipeError:
            _demand_done(process)
            raise
        finally:
            if process.poll() is None:
                process.terminate()


def _demand_done(process: subprocess.Popen[bytes]) -> None:
    code = process.wait()
    if code:
        said = process.stderr.read(2_000).decode("utf-8", "replace").strip() if process.stderr else ""
        raise ConsoleError(f"age failed: {said.splitlines()[-1][:200] if said else f'exit code {code}'}")


def main(arguments: Sequence[str]) -> int:
    """Run as a program; the exit code."""
    import pyrage

    verb, word = arguments
    try:
        if verb == "seal":
            pyrage.encrypt_io(sys.stdin.buffer, sys.stdout.buffer, [pyrage.x25519.Recipient.from_str(word)])
        else:
            lines = Path(word).read_text(encoding="utf-8").splitlines()
            keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
            pyrage.decrypt_io(sys.stdin.buffer, sys.stdout.buffer, [pyrage.x25519.Identity.from_str(k) for k in keys])
        sys.stdout.buffer.flush()
    except (pyrage.RecipientError, pyrage.IdentityError):
        sys.stderr.write("the key makes no sense\n")
        return 1
    except (pyrage.DecryptError, pyrage.EncryptError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
