"""Phone numbers with a default country, and the short way for those that are E.164 already."""

from __future__ import annotations

import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import fields
from api.fields import phone as module

COUNTRIES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("0170 1234567", "DE", "+491701234567"),
        ("(11) 91234-5678", "BR", "+5511912345678"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("202 555 0123", "US", "+12025550123"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("13800138000", "CN", "+8613800138000"),
        ("090-1234-5678", "JP", "+819012345678"),
        ("٠٥٠ ١٢٣ ٤٥٦٧", "SA", "+966501234567"),
        ("p:0170 1234567", "DE", "+491701234567"),
        ("0170/1234567", "DE", "+491701234567"),
        ("0170 1234567, 0171 7654321", "DE", "+491701234567"),
        ("Mobil: 0170 1234567", "DE", "+491701234567"),
        ("+34 600 123 456", "DE", "+34600123456"),
        ("0034 600 123 456", "DE", "+34600123456"),
        ("0034 600 123 456", "US", "+34600123456"),
        ("011 34 600 123 456", "US", "+34600123456"),
        # A wrong guess is worse than none.
        ("call 1-800-FLOWERS", "DE", ""),
        ("1234", "DE", ""),
        ("12", "DE", ""),
        ("0000000000", "DE", ""),
        ("call me", "DE", ""),
        ("0170 1234567", "", ""),
        ("0170 1234567", "XX", ""),
    ],
)
def test_a_number_without_its_country_is_read_as_one_of_the_region(text: str, region: str, number: str) -> None:
    assert fields.e164(text, region) == number


def test_the_contact_s_phone_keeps_its_text_beside_the_number() -> None:
    who = fields.contact({"phone": ["0170 1234567"]}, "DE")
    assert (who.phone, who.phone_e164) == ("0170 1234567", "+491701234567")
    assert fields.contact({"phone": ["0170 1234567"]}).phone_e164 == ""


def by_the_library(text: str) -> str:
    """What the library alone makes of it."""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return ""
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if possible else ""


@given(
    st.sampled_from(COUNTRIES),
    st.text("0123456789", min_size=4, max_size=12) | st.text("0123456789 ().-\u2011", min_size=4, max_size=20),
)
def test_the_short_way_agrees_with_the_library(country: int, national: str) -> None:
    text = f"+{country}{national}"
    assert fields.e164(text) == by_the_library(text)


def test_every_country_s_example_is_found_with_and_without_its_code() -> None:
    style = phonenumbers.PhoneNumberFormat
    missed = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        example = phonenumbers.example_number(region)
        assert example is not None
        wanted = phonenumbers.format_number(example, style.E164)
        abroad = phonenumbers.format_number(example, style.INTERNATIONAL)
        at_home = phonenumbers.format_number(example, style.NATIONAL)
        found = (fields.e164(wanted), fields.e164(abroad), fields.e164(at_home, region))
        if found != (wanted,) * 3:
            missed.append((region, wanted, at_home, found))
    assert missed == []


@given(
    st.text(max_size=300) | st.text("+0123456789 ()-./xX,;p:\u0660\uff0b\u202a", max_size=60),
    st.sampled_from(["", "DE", "US"]),
)
def test_no_text_raises_and_what_is_found_is_e164(text: str, region: str) -> None:
    found = fields.e164(text, region)
    assert not found or (found[0] == "+" and found[1:].isascii() and found[1:].isdigit() and 8 <= len(found) <= 16)
    assert not found or fields.e164(found) == found


def test_regions_are_known() -> None:
    assert fields.knows_region("DE")
    assert not fields.knows_region("XX")
    assert not fields.knows_region("de")


def test_the_library_is_not_imported_before_the_first_number() -> None:
    code = (
        "import sys, api.sources, api.worker.decode; from api import fields; "
        "fields.contact({'name': ['Ana'], 'email': ['a@b.co']}); assert 'phonenumbers' not in sys.modules; "
        "fields.contact({'phone': ['+34600123456']}); assert 'phonenumbers' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_longer_than_the_library_reads() -> None:
    assert module.MAX_LENGTH == phonenumbers.phonenumberutil._MAX_INPUT_STRING_LENGTH
    assert fields.e164("9" * 1_000_000, "DE") == ""
