"""Owns the usual delivery of Meta's Lead Ads: nothing but leadgen changes with known members, read at a fraction of the
cost. Whatever else a delivery may be, `usual_jobs` leaves to the full reading, which finds the same jobs in these.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from api.ids import new_id
from api.models import Job

Text = str | int

_MAX_DIGITS = 40


class _Value(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A lead, as developers.facebook.com describes it in "Webhooks for Leads"."""

    leadgen_id: Text
    page_id: Text
    form_id: Text | UnsetType = UNSET
    ad_id: Text | UnsetType = UNSET
    adgroup_id: Text | UnsetType = UNSET
    created_time: Text | UnsetType = UNSET


class _Change(msgspec.Struct, forbid_unknown_fields=True):
    field: Literal["leadgen"]
    value: _Value


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    changes: list[_Change]
    id: Text = ""
    time: Text = ""


class _Delivery(msgspec.Struct, forbid_unknown_fields=True):
    object: Literal["page"]
    entry: list[_Entry]


_decode = msgspec.json.Decoder(_Delivery).decode
_encode = msgspec.json.Encoder().encode


def usual_jobs(body: bytes, received_at: float, request_id: str) -> list[Job] | None:
    """The jobs of a usual delivery, in its order; None if it is not one."""
    try:
        entries = _decode(body).entry
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    jobs = []
    for entry in entries:
        if not entry.changes:
            return None
        for change in entry.changes:
            value = change.value
            lead, page, form = _id(value.leadgen_id), _id(value.page_id), value.form_id
            form = "" if form is UNSET else _id(form)
            if not lead or not page or (not form and value.form_id is not UNSET):
                return None
            jobs.append(
                Job(
                    id=new_id(),
                    source="meta",
                    external_id=lead,
                    payload=_encode(value).decode(),
                    received_at=received_at,
                    request_id=request_id,
                    page=page,
                    form=form,
                )
            )
    return jobs or None


def _id(value: Text) -> str:
    """An id that needs no second look, as text; "" for any other."""
    text = value if isinstance(value, str) else str(value)
    return text if text.isdigit() and text.isascii() and len(text) <= _MAX_DIGITS else ""
