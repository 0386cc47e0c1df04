"""What the record of operators' actions holds of an action: what it was done to, and nothing personal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.ports import Action

PERSONAL = frozenset({"payload", "fields", "words"})
"""Arguments that may hold personal data."""


def recorded(action: Action) -> str:
    """The targets and the arguments in one line."""
    args = (f"{name}={value}" for name, value in action.args.items() if name not in PERSONAL)
    return " ".join((*action.targets, *args))
