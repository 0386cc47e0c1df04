"""Reading people out of answers, whatever a form calls them and whatever a person typed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import fields


def graph(**answers: Any) -> fields.Fields:
    return fields.graph_fields([{"name": name, "values": [value]} for name, value in answers.items()])


@pytest.mark.parametrize(
    ("field_data", "found"),
    [
        ([{"name": "services", "values": ["A", "B", "C"]}], {"services": ["A", "B", "C"]}),
        ([{"name": "email", "values": [None]}], {"email": []}),
        ([{"name": None, "values": ["x"]}, {"values": ["y"]}], {"unnamed": ["x", "y"]}),
        ([{"name": "n", "values": "scalar"}], {"n": ["scalar"]}),
        ([{"name": "k", "values": [{"a": fields.Number("1"), "b": [True, None]}]}], {"k": ['{"a":1,"b":[true,null]}']}),
        ([{"name": "k", "value": "v"}], {"k": ["v"]}),
        ([{"name": "k", "values": ["a"]}, {"name": "k", "values": ["b"]}], {"k": ["a", "b"]}),
        ([None, 1, "x", []], {}),
        (None, {}),
        ("x", {}),
        ({}, {}),
        ([], {}),
    ],
)
def test_graph_fields_keep_every_value(field_data: Any, found: fields.Fields) -> None:
    assert fields.graph_fields(field_data) == found


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        ({"full_name": "Joe Example"}, "Joe Example"),
        ({"FULL_NAME": "Joe Example"}, "Joe Example"),
        ({"first_name": "Ana", "last_name": "López"}, "Ana López"),
        ({"last_name": "López", "first_name": "Ana"}, "Ana López"),
        ({"first_name": "Ana"}, "Ana"),
        ({"name": "Ana"}, "Ana"),
        ({"Nome completo": "Ana Souza"}, "Ana Souza"),
        ({"nombre": "Ana", "apellidos": "López Gil"}, "Ana López Gil"),
        ({"nombre": "Ana López"}, "Ana López"),
        ({"prénom": "Zoé", "nom": "Martin"}, "Zoé Martin"),
        ({"nom": "Zoé Martin"}, "Zoé Martin"),
        ({"nome": "Ana", "sobrenome": "Souza"}, "Ana Souza"),
        ({"Vorname": "Jürgen", "Nachname": "Groß"}, "Jürgen Groß"),
        ({"vollständiger_name": "Jürgen Groß"}, "Jürgen Groß"),
        ({"姓": "山田", "名": "太郎"}, "太郎 山田"),
        ({"お名前": "山田太郎"}, "山田太郎"),
        ({"имя": "Анна", "фамилия": "Петрова"}, "Анна Петрова"),
        ({"पूरा नाम": "अनीता"}, "अनीता"),
        ({"الاسم الكامل": "ليلى"}, "ليلى"),
        ({"full_name": "  ", "first_name": "Ana"}, "Ana"),
        ({"company_name": "ACME", "job_title": "CEO"}, ""),
        ({"What's your name?": "Ana"}, "Ana"),
        ({"Thanks. And your last name?": "Gil", "Hi! What is your first name?": "Ana"}, "Ana Gil"),
        ({"Wie lautet Ihr Name": "Jürgen"}, "Jürgen"),
        ({"¿Cuál es tu nombre completo?": "Ana Gil"}, "Ana Gil"),
        ({"Quel est votre prénom ?": "Zoé", "nom": "Martin"}, "Zoé Martin"),
        ({"What's your name?": "Nick", "full_name": "Ana Gil"}, "Ana Gil"),
        ({"What's your company?": "ACME", "your mother's maiden name": "Gil", "your": "x", "": "y"}, ""),
        ({}, ""),
    ],
)
def test_names(answers: dict[str, str], name: str) -> None:
    assert fields.contact(graph(**answers)).full_name == name


@pytest.mark.parametrize(
    ("answers", "email"),
    [
        ({"email": "a@example.com"}, "a@example.com"),
        ({"work_email": "a@corp.com"}, "a@corp.com"),
        ({"E-Mail-Adresse": "a@web.de"}, "a@web.de"),
        ({"メールアドレス": "y@example.jp"}, "y@example.jp"),
        ({"how_do_we_reach_you": "a@example.com"}, "a@example.com"),
        ({"how_do_we_reach_you": "by @ mail"}, ""),
        ({"email": " =HYPERLINK(1)@example.com "}, "=HYPERLINK(1)@example.com"),
        ({"email": "not an address"}, "not an address"),
        ({"What's your email?": "a@example.com", "other": "b@example.com"}, "a@example.com"),
        ({"Do you read your email?": "daily"}, ""),
    ],
)
def test_emails(answers: dict[str, str], email: str) -> None:
    assert fields.contact(graph(**answers)).email == email


@pytest.mark.parametrize(
    ("answers", "phone"),
    [
        ({"phone_number": "+91 90000 00011"}, "+91 90000 00011"),
        ({"work_phone_number": "+1 (555) 010-0000"}, "+1 (555) 010-0000"),
        ({"Handynummer": "0170 1234567"}, "0170 1234567"),
        ({"电话": "13800138000"}, "13800138000"),
        ({"What is your mobile number?": "0170 1234567"}, "0170 1234567"),
        ({"which_mobile_do_you_own": "one of 2"}, ""),
        ({"phone_number": "call me"}, "call me"),
        ({"phone_number": ""}, ""),
        ({"Please tell us your phone number": "0170 1234567"}, "0170 1234567"),
        ({"Is this your phone number?": "yes"}, ""),
    ],
)
def test_phones(answers: dict[str, str], phone: str) -> None:
    assert fields.contact(graph(**answers)).phone == phone


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("+91 90000 00011", "+919000000011"),
        ("+1 (555) 010-0000", "+15550100000"),
        ("0034600123456", "+34600123456"),
        ("p:+5511912345678", "+5511912345678"),
        ("+49 (0) 170 1234567", "+491701234567"),
        ("＋４９ １７０ １２３４５６７", "+491701234567"),
        ("+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "+966501234567"),
        ("\u202a+49\u00a0170\u20111234567\u202c", "+491701234567"),
        ("0170 1234567", ""),
        ("13800138000", ""),
        ("+0123456789", ""),
        ("+12", ""),
        ("1" * 60, ""),
        ("+" + "1" * 16, ""),
        ("call me", ""),
        ("+1 555 0100 ext 7", ""),
        ("<test lead: dummy data for phone_number>", ""),
        ("", ""),
        ("+²²²²²²²²", ""),
        ("٠٠٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "+966501234567"),
        ("+49 0170 1234567", "+491701234567"),
        ("+375 8 029 123 45 67", "+375291234567"),
        ("+39 06 1234567", "+39061234567"),
        ("+1-800-FLOWERS", "+18003569377"),
        ("+4917012345678901234", ""),
        ("+999 123 4567", ""),
        ("+49 170 1234567 / +49 170 7654321", "+491701234567"),
        ("call 0049 170 1234567", ""),
        ("+" * 251, ""),
    ],
)
def test_e164_only_where_the_number_says_its_country(phone: str, number: str) -> None:
    assert fields.e164(phone) == number


@pytest.mark.parametrize(
    ("answers", "external_id", "marked"),
    [
        ({"full_name": "<test lead: dummy data for full_name>"}, "1", True),
        ({"email": "Test@Meta.com"}, "1", True),
        ({"email": "test@fb.com"}, "1", True),
        ({}, "444444444444", True),
        ({"email": "ana@example.com"}, "1814022725313742", False),
        ({"email": "ana@example.com"}, "44444444", False),
    ],
)
def test_test_marks(answers: dict[str, str], external_id: str, marked: bool) -> None:
    assert fields.is_test(graph(**answers), external_id) is marked


@pytest.mark.parametrize(
    ("responses", "found"),
    [
        ([{"checkbox_key": "marketing", "is_checked": "1"}, {"checkbox_key": "sms", "is_checked": ""}], "m"),
        ([{"checkbox_key": "marketing", "is_checked": True}, {"checkbox_key": "sms", "is_checked": None}], "m"),
        (None, ""),
        ([1, None, "x"], ""),
    ],
)
def test_graph_consent(responses: Any, found: str) -> None:
    assert fields.graph_consent(responses) == ({"marketing": True, "sms": False} if found else {})


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"type": "lead.created", "data": {"id": "w-1", "fields": {"name": "Ana"}}}, {"name": ["Ana"]}),
        ({"data": {"name": "Ana", "tags": ["a", "b"]}}, {"name": ["Ana"], "tags": ["a", "b"]}),
        ({"name": "Ana"}, {"name": ["Ana"]}),
        ({"data": {"fields": [{"name": "email", "values": ["a@b.co"]}]}}, {"email": ["a@b.co"]}),
        (
            {"data": {"fields": {"contact": {"email": "a@b.co", "age": fields.Number("30")}, "ok": True, "no": None}}},
            {"contact.email": ["a@b.co"], "contact.age": ["30"], "ok": ["true"], "no": []},
        ),
        ({"data": {"fields": {"cart": [{"sku": "x"}, "y"], "": "e", "o": {}}}},
         {"cart": ['{"sku":"x"}', "y"], "unnamed": ["e"], "o": ["{}"]}),
        ({"data": {}}, {}),
        ({"data": []}, {"data": []}),
        ([1], {}),
        (None, {}),
    ],
)  # fmt: skip
def test_form_fields(body: Any, found: fields.Fields) -> None:
    assert fields.form_fields(fields.form_data(body)) == found


@pytest.mark.parametrize(
    ("consent", "found"),
    [
        ({"marketing": "yes", "sms": False}, {"marketing": True, "sms": False}),
        (True, {"consent": True}),
        ("no", {"consent": False}),
        (None, {}),
        ([], {}),
        (["marketing", "", 1], {"marketing": True}),
        ([{"checkbox_key": "sms", "is_checked": "1"}, {"checkbox_key": "post", "is_checked": ""}],
         {"sms": True, "post": False}),
    ],
)  # fmt: skip
def test_form_consent(consent: Any, found: dict[str, bool]) -> None:
    assert fields.form_consent({"consent": consent}) == found


def test_a_nested_contact_counts_and_another_thing_s_name_does_not() -> None:
    data = {"form": {"name": "Campaign form"}, "contact": {"name": "Ana", "email": "a@b.co"}}
    assert fields.contact(fields.form_fields(data)) == fields.Contact("Ana", "a@b.co")


def test_of_a_very_long_name_a_list_of_leads_holds_the_beginning() -> None:
    long = ["x" * 3_000_000]
    found = fields.contact({"full_name": long, "email": long, "phone": long})
    assert [len(text) for text in (found.full_name, found.email, found.phone, found.phone_e164)] == [1_000] * 3 + [0]
    assert len(fields.contact({"first_name": long, "last_name": long}).full_name) == 2_001


def test_deep_answers_become_one_text() -> None:
    data: Any = "x"
    for _ in range(400):
        data = {"k": data}
    ((name, values),) = fields.form_fields({"fields": data}).items()
    assert name.count("k") == fields.MAX_DEPTH
    assert len(values) == 1


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (r'"x\ud83d"', '"x\\ufffd"'),
        (r'"\uDE00\ud83d\ude00"', '"\\ufffd\\ud83d\\ude00"'),
        (r'"\ud83d\ud83d\ude00"', '"\\ufffd\\ud83d\\ude00"'),
        (r'"\u0000"', '"\\ufffd"'),
        (r'"\\u0000"', r'"\\u0000"'),
        (r'"\\\u0000"', '"\\\\\\ufffd"'),
        (r'"\\ud83d"', r'"\\ud83d"'),
        (r'"é \u00e9 \n"', r'"é \u00e9 \n"'),
    ],
)
def test_clean_json(text: str, cleaned: str) -> None:
    assert fields.clean_json(text) == (cleaned, cleaned != text)


@given(st.text(alphabet=st.sampled_from('\\u0dD8acCx9F"0'), max_size=60))
def test_cleaned_json_parses_when_it_did_before_and_holds_nothing_unfit(body: str) -> None:
    text = f'"{body}"'
    try:
        before = json.loads(text)
    except ValueError:
        return
    after = json.loads(fields.clean_json(text)[0])
    assert after == "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in before)


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers().map(fields.Number),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_no_shape_raises(value: Any) -> None:
    for found in (fields.graph_fields(value), fields.form_fields(fields.form_data(value))):
        assert all(isinstance(text, str) for values in found.values() for text in values)
        fields.contact(found)
        fields.is_test(found)
    fields.graph_consent(value)


@pytest.mark.parametrize("text", ["NaN", '{"a":Infinity}', "{", "[" * 100_000, ""])
def test_what_is_not_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        fields.parse_json(text)


def test_numbers_keep_their_digits() -> None:
    assert fields.parse_json('{"a":23842978613670425,"b":1.10,"c":1e400,"d":' + "9" * 5000 + "}") == {
        "a": "23842978613670425",
        "b": "1.10",
        "c": "1e400",
        "d": "9" * 5000,
    }
