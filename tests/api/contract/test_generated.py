"""Requests that schemathesis makes from the document, valid and not: each is answered as the document says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

from api.web.described import EXAMPLE_SECRETS
from api.web.openapi import openapi
from tests.api.contract.signing import Signed
from tests.api.web.conftest import WebProcess

schema = schemathesis.openapi.from_dict(openapi())
seen: Counter[tuple[str, bool]] = Counter()


@pytest.fixture(scope="module")
def session() -> Any:
    """One connection, kept, as senders do."""
    with requests.Session() as made:
        yield made


def _test_of(operation_id: str) -> Any:
    @schema.include(operation_id=operation_id).parametrize()
    @settings(
        max_examples=100,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    def test(case: Any, web: WebProcess, session: requests.Session) -> None:
        modes = {location: part.mode for location, part in case.meta.components.items()}
        described = case.method == case.operation.method.upper()
        valid = described and all(mode is GenerationMode.POSITIVE for mode in modes.values())
        signed = modes.get(ParameterLocation.HEADER, GenerationMode.POSITIVE) is GenerationMode.POSITIVE
        seen[operation_id, valid] += 1
        if signed and described and case.method == "POST":
            answer = case.call_and_validate(base_url=web.url, session=session, auth=Signed(key=valid))
        else:
            if valid and operation_id == "metaHandshake":
                case.query["hub.verify_token"] = EXAMPLE_SECRETS["META_VERIFY_TOKEN"]
            answer = case.call_and_validate(base_url=web.url, session=session)
        assert not valid or answer.status_code == 200

    return test


# A test for each: those that schemathesis would make of one function share their name, and xdist runs one of them.
for _methods in openapi()["paths"].values():
    for _operation in _methods.values():
        globals()[f"test_{_operation['operationId']}"] = _test_of(_operation["operationId"])


def test_valid_and_invalid_requests_were_made() -> None:
    webhooks = ("metaHandshake", "metaWebhook", "formWebhook", "googleWebhook", "typeformWebhook")
    for operation in webhooks:
        assert min(seen[operation, True], seen[operation, False]) >= 10, seen
