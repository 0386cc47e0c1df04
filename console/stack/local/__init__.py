"""The local runtime: the stack as supervised processes with an embedded Postgres and Redis."""

from console.stack.local.runtime import LocalRuntime

__all__ = ["LocalRuntime"]
