"""Names every key's action, so that config.toml can give it another key: "queue.retry", "lists.next-row"."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar

from textual.binding import Binding


class Remappable:
    """Gives the bindings of a class their ids, "PLACE.ACTION". Only what names its PLACE (or NAME) is remappable.

    An action with arguments is named by its description. What has priority keeps its keys: by them one always gets out.
    """

    PLACE: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        own = cls.__dict__
        place = own.get("PLACE") or own.get("NAME")
        if place and "BINDINGS" in own:
            bound = own["BINDINGS"]
            cls.BINDINGS = [named(place, each) if isinstance(each, Binding) else each for each in bound]  # type: ignore[attr-defined]
        super().__init_subclass__(**options)


def named(place: str, binding: Binding) -> Binding:
    """The binding with its id; one with priority, one without a description and Escape stay as they are."""
    if binding.priority or not binding.description or binding.key == "escape":
        return binding
    return replace(binding, id=f"{place}.{action_name(binding)}")


def action_name(binding: Binding) -> str:
    """ "retry-all" for the action retry_all, "next-row" for move(1), which is described as "next row"."""
    action = binding.action.rpartition(".")[2]
    text = binding.description if "(" in action else action
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
