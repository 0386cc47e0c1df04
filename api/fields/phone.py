"""Owns phone numbers: as people type them, to E.164. Pure; libphonenumber knows the countries' plans.

The library is imported with the first number: it takes 50 ms, and whoever has no number need not wait for it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from types import ModuleType

MAX_LENGTH = 250
"""Characters; the library reads no more, and no number is longer."""

_SEVERAL = re.compile(r"[/,;|\n]")
_SPACING = str.maketrans("", "", " ().-\u00a0\u2010\u2011\u2013")
_PLAIN = re.compile(r"\+[1-9][0-9]{6,14}")


def e164(phone: str, region: str = "") -> str:
    """`phone` as +country number, "" for what is none.

    A number written with + or 00 says its country. Any other is read as one of `region` (ISO 3166, two letters) and
    must be valid there, because its country is a guess; without a region it stays as typed. Of several numbers in one
    text the first counts.
    """
    if not phone or len(phone) > MAX_LENGTH:
        return ""
    return _e164(phone, region)


def knows_region(region: str) -> bool:
    """Whether these two capital letters are a country's that has a numbering plan."""
    return region in _plans().SUPPORTED_REGIONS


@lru_cache(1_024)
def _e164(phone: str, region: str) -> str:
    """Remembered, because the same lead comes again: sent twice, tried again, replayed."""
    found = _number(phone, region)
    if not found and _SEVERAL.search(phone):
        found = next((number for part in _SEVERAL.split(phone) if (number := _number(part, region))), "")
    return found


def _number(text: str, region: str) -> str:
    typed = text.strip()
    bare = typed.translate(_SPACING)
    if _PLAIN.fullmatch(bare) and _stands(bare):
        return bare
    if "+" in typed or "\uff0b" in typed:
        return _parsed(typed, "")
    found = _parsed(typed, region) if region else ""
    if not found and len(typed) > 2 and all(unicodedata.decimal(sign, -1) == 0 for sign in typed[:2]):
        found = _parsed("+" + typed[2:], "")
    return found


def _parsed(text: str, region: str) -> str:
    """What the library makes of it: of the length its country's numbers have, and valid where `region` is a guess."""
    plans = _plans()
    try:
        number = plans.parse(text, region or None)
    except plans.NumberParseException:
        return ""
    if region and not (plans.is_valid_number(number) and str(number.national_number) in _digits(text)):
        # Letters count as digits on a dial ("1-800-FLOWERS"): too much of a guess where the country is one already.
        return ""
    if plans.is_possible_number_with_reason(number) != plans.ValidationResult.IS_POSSIBLE:
        return ""
    return str(plans.format_number(number, plans.PhoneNumberFormat.E164))


def _stands(number: str) -> bool:
    """Whether +digits is E.164 as it stands, which most are: a fifth of the library's time for reading any text.

    Not if the national number begins with what is dialled before it at home: that is for the library to strip.
    """
    plans = _plans()
    for end in (2, 3, 4):
        country, national = int(number[1:end]), number[end:]
        if country in plans.COUNTRY_CODE_TO_REGION_CODE:
            prefix = _prefix(country).match(national)
            if national.startswith("0") or (prefix and prefix.end()):
                return False
            read = plans.PhoneNumber(country_code=country, national_number=int(national))
            return bool(plans.is_possible_number_with_reason(read) == plans.ValidationResult.IS_POSSIBLE)
    return False


@cache
def _prefix(country: int) -> re.Pattern[str]:
    plans = _plans()
    region = plans.COUNTRY_CODE_TO_REGION_CODE[country][0]
    plan = plans.PhoneMetadata.metadata_for_region_or_calling_code(country, region)
    return re.compile((plan and plan.national_prefix_for_parsing) or "")


def _digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(sign)) for sign in text if sign.isdecimal())


@cache
def _plans() -> ModuleType:
    import phonenumbers

    return phonenumbers
