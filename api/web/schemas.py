"""Owns the JSON schemas of what the service says of itself, for its OpenAPI document."""

from __future__ import annotations

from typing import Any

from api.cause import Kind
from api.reasons import REASONS

JSON = dict[str, Any]


def readiness() -> JSON:
    """What /health/ready answers (see api.web.figures)."""
    return {
        "type": "object",
        "required": ["status", "redis", "postgres", "queue"],
        "properties": {
            "status": {"enum": ["ready", "not ready"]},
            "redis": _check(),
            "postgres": _check(),
            "queue": {
                "type": "object",
                "required": ["cause", "means"],
                "properties": {
                    "cause": {"enum": [kind.value for kind in Kind], "description": "Why the queue is as it is"},
                    "means": {"type": "string"},
                },
            },
        },
    }


def _check() -> JSON:
    return {
        "type": "object",
        "required": ["ok", "reason", "ms"],
        "properties": {
            "ok": {"type": "boolean"},
            "reason": {"enum": ["", *REASONS], "description": "What is wrong"},
            "ms": {"type": "number", "minimum": 0, "description": "How long the answer took, milliseconds"},
        },
    }
