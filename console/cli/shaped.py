"""Fills the shape of a document from what was read. Apart from console.cli.documents, whose imports ps does without."""

from __future__ import annotations

from typing import Any, TypeVar

from console.cli.stack_shapes import ServiceDocument, StackDocument
from console.snapshots import StackSnapshot

T = TypeVar("T")


def shaped(shape: type[T], *values: object, **fields: Any) -> T:
    """A `shape` with `fields`, and whatever else it has from the first of `values` that has it."""
    for name in shape.__dataclass_fields__:  # type: ignore[attr-defined]
        if name not in fields:
            fields[name] = next(getattr(value, name) for value in values if hasattr(value, name))
    return shape(**fields)


def stack_document(snapshot: StackSnapshot) -> StackDocument:
    """ps."""
    return shaped(StackDocument, snapshot, services=tuple(shaped(ServiceDocument, one) for one in snapshot.services))
