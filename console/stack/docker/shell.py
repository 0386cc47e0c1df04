"""Owns the words of `docker compose exec` that open a shell, psql or redis-cli in a service. Pure.

The tools log in with what is in the container's environment, so that no password is in an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from console.errors import StackError
from console.stack.docker import labels

SHELL = "command -v bash >/dev/null 2>&1 && exec bash; exec sh"

PSQL = """\
PGUSER=${PGUSER:-${POSTGRES_USER:-postgres}} PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
PGDATABASE=${PGDATABASE:-${POSTGRES_DB:-$PGUSER}} PGHOST=127.0.0.1 PSQL_HISTORY=/dev/null
[ -n "$PGPASSWORD" ] || unset PGPASSWORD PGHOST
export PGUSER PGPASSWORD PGDATABASE PGHOST PSQL_HISTORY
exec psql "$@"
"""

REDIS_CLI = """\
REDISCLI_AUTH=${REDISCLI_AUTH:-$REDIS_PASSWORD} REDISCLI_HISTFILE=/dev/null
[ -n "$REDISCLI_AUTH" ] || unset REDISCLI_AUTH
export REDISCLI_AUTH REDISCLI_HISTFILE
command -v redis-cli >/dev/null 2>&1 && exec redis-cli "$@"
exec valkey-cli "$@"
"""

TOOLS = {"psql": PSQL, "redis-cli": REDIS_CLI}


def exec_words(service: str, words: Sequence[str], tool: str, *, terminal: bool, index: int = 0) -> list[str]:
    """The words after `docker compose`. `terminal`: standard streams are one. `index`: which replica, 0 for any."""
    inside = ["sh", "-c", TOOLS[tool], tool, *words] if tool else list(words) or ["sh", "-c", SHELL]
    which = ["--index", str(index)] if index else []
    return ["exec", *([] if terminal else ["--no-TTY"]), *which, service, *inside]


def demand_running(containers: Iterable[dict[str, Any]], service: str, project: str) -> None:
    """Check that a container of the service runs.

    Raises:
        StackError: none does.
    """
    own = [one for one in containers if labels.service(one) == service]
    if not own:
        raise StackError(f"there is no service {service} in {project}", "leadsctl ps shows them")
    if not any((one.get("State") or {}).get("Running") for one in own):
        raise StackError(f"{service} is not running", f"leadsctl start {service}")
