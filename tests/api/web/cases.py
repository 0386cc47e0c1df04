"""The recorded webhook requests under tests/data/meta, and what each answer amounts to."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "data" / "meta"


@dataclass(frozen=True)
class Case:
    """One request. `outcome` is the answer it gets, `leads` the ids it leaves in the queue, where they are listed."""

    name: str
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    outcome: str
    leads: tuple[str, ...] | None
    leads_count: int | None


# Where several answers can be defended, the one that is given.
CHOSEN = {
    "dashboard_test_button_int_entry_id": "accepted 1 leads",
    "dashboard_sample_bare_change": "ignored (unhandled field)",
    "batch_over_documented_max_2500": "accepted 2500 leads",
    "leadgen_id_padded_and_plus": "accepted 1 leads",
    "huge_int_5000_digits": "ignored (unhandled field)",
    "nan_infinity_literals": "rejected 4xx",
    "leadgen_value_wrong_types": "ignored (unhandled field)",
    "object_missing": "ignored (unhandled field)",
    "object_case_page": "ignored (unhandled field)",
    "bom_prefixed": "accepted 1 leads",
    "deep_nesting_900_levels": "accepted 1 leads",
    "truncated_json_signed": "rejected 4xx",
    "top_level_null": "rejected 4xx",
    "top_level_string": "rejected 4xx",
    "top_level_true": "rejected 4xx",
    "entry_missing": "ignored (unhandled field)",
    "sig_upper_hex": "accepted 1 leads",
    "id_with_dot": "rejected 4xx",
}


def load(file: str) -> tuple[dict[str, Any], list[Case]]:
    """The file's common part (secrets, clock) and its cases."""
    document: dict[str, Any] = json.loads((DATA / file).read_text(encoding="utf-8"))
    cases = document.pop("cases")
    return document, [_case(case) for case in cases]


def handshakes() -> list[dict[str, Any]]:
    """The recorded subscription requests."""
    recorded: list[dict[str, Any]] = json.loads((DATA / "handshake_cases.json").read_text(encoding="utf-8"))
    return recorded


def outcome(status: int, counts: dict[str, int]) -> str:
    """An answer in the words of the case files. Accepting nothing and ignoring are one thing."""
    if 400 <= status < 500:
        return "rejected 4xx"
    assert status == 200
    return f"accepted {counts['accepted']} leads" if counts["accepted"] else "ignored (unhandled field)"


def _case(case: dict[str, Any]) -> Case:
    if "body_file" in case:
        body = (DATA / case["body_file"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == case["body_sha256"]
    else:
        body = base64.b64decode(case["body_b64"])
    defended = (case["expect"], *case.get("also_ok", ()))
    chosen = CHOSEN.get(case["name"], case["expect"])
    assert chosen in defended or (chosen.startswith("ignored") and "accepted 0 leads" in defended)
    return Case(
        name=case["name"],
        body=body,
        headers=tuple((k.encode("latin-1"), v.encode("latin-1")) for k, v in case["headers"].items()),
        outcome=chosen,
        leads=tuple(case["leads"]) if "leads" in case else None,
        leads_count=case.get("leads_count"),
    )
