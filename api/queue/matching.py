"""Owns what a search text matches in a queued job. Pure."""

from __future__ import annotations

from collections.abc import Callable

from api.models import JobView

FIELDS: dict[str, Callable[[JobView], str]] = {
    "id": lambda view: view.job.id,
    "lead": lambda view: view.job.external_id,
    "page": lambda view: view.job.page,
    "form": lambda view: view.job.form,
    "error": lambda view: view.error,
    "source": lambda view: view.job.source,
    "request": lambda view: view.job.request_id,
    "worker": lambda view: view.worker,
    "payload": lambda view: view.job.payload,
}
EVERYWHERE = ("id", "lead", "page", "form", "error")


def matcher(match: str) -> Callable[[JobView], bool]:
    """Whether a job matches: a case-insensitive fragment of id, external id, page, form or last error.

    `field:fragment` looks in one field only; the fields are those above, among them `payload`.
    """
    field, colon, rest = match.partition(":")
    names: tuple[str, ...] = EVERYWHERE
    if colon and field.lower() in FIELDS:
        names, match = (field.lower(),), rest
    fragment = match.strip().casefold()
    getters = [FIELDS[name] for name in names]
    return lambda view: any(fragment in getter(view).casefold() for getter in getters)
