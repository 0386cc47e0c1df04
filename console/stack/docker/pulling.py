"""Owns how far images are pulled: the layers that Compose tells of, added up for the service they belong to. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from console.snapshots import Progress
from console.stack.docker.progress import Step

MB = 1_000_000
FETCHED = ("Verifying Checksum", "Download complete", "Extracting", "Pull complete", "Already exists")


@dataclass(slots=True)
class _Layer:
    done: int = 0
    total: int = 0


@dataclass(slots=True)
class Pulling:
    """The images of one run. Where a layer does not say whose it is, several services' count together, under none."""

    services: set[str] = field(default_factory=set)
    layers: dict[str, dict[str, _Layer]] = field(default_factory=dict)

    def took(self, step: Step) -> Progress | None:
        """Take a step in; how far the service's image is, None where that is nothing new."""
        if step.kind == "service":
            (self.services.add if step.word.startswith("Pulling") else self.services.discard)(step.name)
            return None
        if step.kind != "layer":
            return None
        whose = step.parent or (next(iter(self.services)) if len(self.services) == 1 else "")
        layers = self.layers.setdefault(whose, {})
        layer = layers.setdefault(step.name, _Layer())
        before = _megabytes(layers)
        if step.word.startswith("Downloading"):
            layer.done, layer.total = step.done, max(step.total, layer.total)
        elif step.word.startswith(FETCHED):
            layer.done = layer.total
        now = _megabytes(layers)
        return Progress("MB downloaded:", whose, *now) if now != before and now[1] else None


def _megabytes(layers: dict[str, _Layer]) -> tuple[int, int]:
    return sum(one.done for one in layers.values()) // MB, sum(one.total for one in layers.values()) // MB
