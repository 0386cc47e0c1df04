"""Reading people out of answers: names, e-mail, phone, consent, test marks, from Graph data and form bodies.

Pure. Every answer is kept as text under its own name; the contact is picked from them by name, in several languages.
Nothing here refuses a lead: what cannot be understood stays in its raw text.
"""

from api.fields.answers import (
    MAX_DEPTH,
    Fields,
    checked,
    form_consent,
    form_data,
    form_fields,
    graph_consent,
    graph_fields,
    texts,
)
from api.fields.contact import TEST_VALUE, Contact, contact, is_test
from api.fields.json_text import Number, clean_json, parse_json
from api.fields.names import plain
from api.fields.phone import e164, knows_region
from api.fields.values import first_of, moment, text_of, time_of

__all__ = [
    "MAX_DEPTH",
    "TEST_VALUE",
    "Contact",
    "Fields",
    "Number",
    "checked",
    "clean_json",
    "contact",
    "e164",
    "first_of",
    "form_consent",
    "form_data",
    "form_fields",
    "graph_consent",
    "graph_fields",
    "is_test",
    "knows_region",
    "moment",
    "parse_json",
    "plain",
    "text_of",
    "texts",
    "time_of",
]
