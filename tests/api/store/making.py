"""Makes jobs, leads and writes for tests, each with the few values that matter to it."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from api.models import Attempt, Job, Lead
from api.store import Write

_numbers = itertools.count(1)


def job(**values: Any) -> Job:
    """A job with an id and a seq of its own."""
    n = next(_numbers)
    given: dict[str, Any] = {
        "id": f"01J9{n:022d}",
        "source": "meta",
        "external_id": f"9700{n:09d}",
        "payload": json.dumps({"leadgen_id": f"9700{n:09d}", "page_id": "1029", "form_id": "77"}),
        "received_at": datetime.now(UTC).timestamp(),
        "request_id": f"req-{n}",
        "page": "1029",
        "form": "77",
        "seq": n,
    }
    return Job(**(given | values))


def lead(job: Job, **values: Any) -> Lead:
    """The lead a job brings."""
    given: dict[str, Any] = {
        "source": job.source,
        "external_id": job.external_id,
        "received_at": datetime.fromtimestamp(job.received_at, UTC),
        "job_id": job.id,
        "page_id": job.page,
        "form_id": job.form,
        "full_name": "Ana Souza",
        "email": "ana@example.com",
        "phone": "+55 11 91234-5678",
        "phone_e164": "+5511912345678",
        "fields": {"full_name": ["Ana Souza"], "email": ["ana@example.com"]},
        "raw": json.dumps({"id": job.external_id}),
    }
    return Lead(**(given | values))


def write(job_: Job | None = None, **values: Any) -> Write:
    """A job that has succeeded at its first attempt, with its lead."""
    made = job_ or job()
    attempt = Attempt(n=made.attempt + 1, worker="w-1", started_at=made.received_at, took_s=0.1)
    done = Job(
        **{name: getattr(made, name) for name in made.__struct_fields__}
        | {"attempt": made.attempt + 1, "history": (*made.history, attempt)}
    )
    return Write(done, lead(done, **values), "w-1")


def partial(written: Write) -> Write:
    """The same, without its fields."""
    bare = msgspec.structs.replace(
        written.lead, status="partial", full_name="", email="", phone="", phone_e164="", fields={}
    )
    return replace(written, lead=bare)
