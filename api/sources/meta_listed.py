"""Owns leads of Meta's that were found in a form's listing rather than announced by a webhook: the same jobs. Pure."""

from __future__ import annotations

from typing import Any

from api import fields
from api.ids import new_id
from api.models import Job
from api.sources import strict_json
from api.sources.meta import lead_id


def listed_job(listed: dict[str, Any], *, page: str, form: str, received_at: float, request_id: str) -> Job | None:
    """The job of a listed lead, as its `leadgen` change would have made it; None if it has no sound id.

    Args:
        listed: what the Graph API says of the lead: `id`, and `created_time` and `ad_id` if there are any.
        received_at: when it was found, epoch seconds.
        request_id: of the run that found it.
    """
    external_id = lead_id(listed.get("id"))
    if not external_id:
        return None
    value: dict[str, Any] = {"leadgen_id": external_id, "page_id": page, "form_id": form}
    ad = lead_id(fields.text_of(listed, "ad_id"))
    # What webhooks call adgroup_id is the ad.
    value |= {"ad_id": ad, "adgroup_id": ad} if ad else {}
    created = fields.time_of(listed.get("created_time"))
    value |= {"created_time": int(created.timestamp())} if created else {}
    return Job(
        id=new_id(),
        source="meta",
        external_id=external_id,
        payload=strict_json.dumps(value),
        received_at=received_at,
        request_id=request_id,
        page=page,
        form=form,
    )
