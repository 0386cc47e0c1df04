"""queue, leads, send and check on a real local stack: what is shown, what is masked, what moves."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.console.cli.calls import COMMAND, environment, on_terminal, plain
from tests.console.cli.conftest import Stack

PERSONAL = ("Silva", "ana@gmail.com")


def test_send_is_accepted_once(stack: Stack) -> None:
    call = stack("send", "--form", "contact", "--id", "msg_once", "--json")
    assert call.code == 0
    assert call.document["status"] == 200
    assert '"accepted":1' in call.document["body"]
    assert call.document["request_id"]
    again = stack("send", "--form", "contact", "--id", "msg_once")
    assert re.fullmatch(r'200 in [\d.]+ m?s  \{"accepted":0,"duplicates":1,"ignored":0\}\n', again.text)


def test_send_with_a_wrong_secret_is_refused(stack: Stack) -> None:
    call = stack("send", META_APP_SECRET="wrong")
    assert call.code == 1
    assert call.text.startswith("401 ")


@pytest.mark.parametrize("source", ["google", "typeform"])
def test_a_lead_of_another_source_is_stored_as_a_test(
    stack: Stack, eventually: Callable[[Callable[[], bool]], None], source: str
) -> None:
    sent = stack(
        "send", "--source", source, "--field", "full_name=Ana Silva", "--field", "email=ana@gmail.com", "--json"
    )
    assert (sent.code, sent.document["status"]) == (0, 200), sent.err
    lead = sent.document["external_id"]
    eventually(lambda: lead in stack("leads", "search", lead, "--json").text)
    (found,) = stack("leads", "search", lead, "--json").document["leads"]
    shown = stack("leads", "show", str(found["id"]), "--json").text
    assert '"is_test":true' in shown.replace(" ", "")
    assert [word for word in (*PERSONAL, "key-of-the-tests") if word in shown] == []


def test_leads_are_masked_unless_revealed(stack: Stack, stored: int) -> None:
    for arguments in (["leads"], ["leads", "list"], ["leads", "search", "silva"], ["leads", "show", str(stored)]):
        human, machine = stack(*arguments), stack(*arguments, "--json")
        assert (human.code, machine.code) == (0, 0)
        assert "Ana S•••" in human.text
        assert "a•••@gmail.com" in human.text
        for call in (human, machine):
            assert [word for word in PERSONAL if word in call.text] == []
        assert machine.document["version"] == 1


def test_a_reveal_is_recorded(stack: Stack, stored: int) -> None:
    before = _reveals(stack, f"lead {stored}")
    call = stack("leads", "show", str(stored), "--reveal")
    assert "Ana Silva" in call.text
    assert "ana@gmail.com" in call.text
    assert _reveals(stack, f"lead {stored}") == before + 1


def test_a_list_is_revealed_too(stack: Stack, stored: int) -> None:
    (lead,) = stack("leads", "list", "-n", "1", "--reveal", "--json").document["leads"]
    assert lead["masked"] is False
    assert _reveals(stack, f"lead {lead['id']}") >= 1


def test_leads_are_counted_by_day_and_form(
    stack: Stack, stored: int, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    sent = f"counted-{secrets.token_hex(4)}"
    assert stack("send", "--form", "contact", "--id", sent).code == 0
    eventually(lambda: stack("leads", "show", sent).code == 0)
    total = len(stack("leads", "export", "--format", "jsonl").documents)
    today = datetime.now(UTC).date()
    by_day = stack("leads", "count", "--json").document
    assert (by_day["total"], by_day["until"]) == (total, (today + timedelta(days=1)).isoformat())
    assert sum(one["leads"] for one in by_day["counts"]) == total
    assert {one["form_id"] for one in by_day["counts"]} == {None}
    by_form = stack("leads", "count", "--by", "form", "--json").document["counts"]
    assert [one["leads"] for one in by_form] == sorted((one["leads"] for one in by_form), reverse=True)
    assert sum(one["leads"] for one in by_form) == total
    form = by_form[0]["form_id"]
    only = stack("leads", "count", "--by", "day,form", "--form", form, "--json").document
    assert only["total"] == by_form[0]["leads"]
    assert (
        stack("leads", "count", "--until", today.isoformat(), "--since", today.isoformat(), "--json").document["total"]
        == 0
    )
    shown = stack("leads", "count", "--by", "form")
    assert shown.code == 0
    assert re.search(rf"in all +{total}$", shown.text.strip())
    nothing = stack("leads", "count", "--form", "no such form")
    assert (nothing.code, nothing.out) == (0, b"")
    assert "no lead came in these days" in nothing.err


def test_leads_are_listed_in_pages(stack: Stack, stored: int) -> None:
    stack("send", "--form", "contact")
    first = stack("leads", "list", "-n", "1", "--json").document
    second = stack("leads", "list", "-n", "1", "--cursor", first["cursor"], "--json").document
    assert first["leads"][0]["id"] != second["leads"][0]["id"]
    wrong = stack("leads", "list", "--cursor", "nonsense")
    assert wrong.code == 2
    assert "hint: give the cursor" in wrong.err


def test_leads_are_filtered(stack: Stack, stored: int) -> None:
    assert stack("leads", "list", "--form", "contact", "--since", "1h", "--json").document["leads"]
    assert stack("leads", "list", "--until", "2020-01-01", "--json").document["leads"] == []
    nothing = stack("leads", "search", "nobody has this name")
    for words in (("--form", "no such form"), ("--status", "sotred"), ("--until", "2020-01-01")):
        assert stack("leads", "list", *words).err == "no stored lead matches\n"
    assert (nothing.code, nothing.out, nothing.err) == (0, b"", "no stored lead matches\n")


def test_a_lead_that_is_none(stack: Stack) -> None:
    call = stack("leads", "show", "999999999")
    assert (call.code, call.out) == (1, b"")
    assert "no stored lead has the id 999999999" in call.err


@pytest.mark.parametrize("few", ["0", "01", "01K", " 01 "])
def test_a_few_letters_of_an_id_show_no_lead_but_what_to_give(stack: Stack, stored: int, few: str) -> None:
    call = stack("leads", "show", few)
    assert (call.code, call.out) == (1, b"")
    assert "give a whole id, or 8 characters or more" in call.err


def test_a_few_letters_of_an_id_name_no_job_but_what_to_give(stack: Stack, dead: str) -> None:
    for words in (("show",), ("retry",), ("discard", "--yes")):
        call = stack("queue", *words, dead[:3])
        assert (call.code, call.out) == (1, b"")
        assert "give the whole id, or 4 characters of it or more" in call.err


def test_queue_figures(stack: Stack, dead: str) -> None:
    call = stack("queue")
    assert call.code == 0
    assert re.search(r"^dead +\d+", call.text, re.MULTILINE)
    assert "AOF always" in call.text
    document = stack("queue", "status", "--json").document
    assert document["dead"] >= 1
    assert document["accepted"] >= 1
    assert [worker["alive"] for worker in document["workers"]] == [True]


def test_a_job_is_listed_shown_and_found_by_a_fragment(stack: Stack, dead: str) -> None:
    assert dead in stack("queue", "list").text
    shown = stack("queue", "show", dead[-10:])
    assert shown.code == 0
    assert dead in shown.text
    assert "leadgen_id" in shown.text
    document = stack("queue", "show", dead, "--json").document
    assert (document["id"], document["state"], document["masked"]) == (dead, "dead", True)
    assert "leadgen_id is not a number" in document["error"]
    unknown = stack("queue", "show", "nonsense")
    assert (unknown.code, unknown.out) == (1, b"")


def test_discard_asks_and_undo_takes_back(stack: Stack, dead: str) -> None:
    refused = stack("queue", "discard", dead)
    assert refused.code == 2
    assert "add --yes" in refused.err
    code, text = on_terminal(*stack.where, "queue", "discard", dead, typed="\n")
    assert code == 1
    assert "Discard 1 job? [y/N]" in plain(text)
    done = stack("queue", "discard", dead, "--yes", "--json")
    assert (done.code, done.document["changed"]) == (0, 1)
    assert dead in stack("queue", "list", "discarded").text
    assert stack("check", "--json").document["accounting"]["balanced"]
    assert stack("queue", "undo", dead).code == 0
    assert stack("queue", "undo", dead).code == 1


def test_retry_of_one_and_of_all(stack: Stack, dead: str, eventually: Callable[..., None]) -> None:
    assert stack("queue", "pause").code == 0
    try:
        assert stack("queue", "retry", dead).code == 0
        again = stack("queue", "retry", dead, "--json")
        assert (again.code, again.document["ok"], again.document["changed"]) == (1, False, 0)
        assert "is ready already" in again.document["text"]
        assert stack("queue", "--json").document["paused"]
    finally:
        assert stack("queue", "resume").code == 0
    eventually(lambda: dead in stack("queue", "list", "dead").text)
    everything = stack("queue", "retry", "--all", "dead", "--match", dead, "--json")
    assert everything.document["changed"] == 1


def test_edit_then_retry(stack: Stack, dead: str) -> None:
    assert stack("queue", "edit", dead, "--payload", "{").code == 1
    assert stack("queue", "edit", dead, "--payload", '{"leadgen_id":"none"}').code == 1
    lead = str(10**15 + secrets.randbelow(10**15))
    payload = json.dumps({"leadgen_id": lead, "page_id": "1029", "form_id": "77"})
    call = stack("queue", "edit", dead, "--payload", "-", "--retry", stdin=payload)
    assert (call.code, call.err) == (0, "1 job made ready again\n")
    shown = stack("queue", "show", dead, "--json").document
    assert shown["external_id"] == lead
    assert shown["state"] != "dead"
    assert stack("queue", "edit", dead).code == 2


def test_edit_in_the_editor_is_a_reveal(stack: Stack, dead: str) -> None:
    before = _reveals(stack, f"job {dead}")
    code, text = on_terminal(*stack.where, "queue", "edit", dead, env={"EDITOR": "true"})
    assert code == 1
    assert "nothing was changed" in text
    assert _reveals(stack, f"job {dead}") == before + 1
    lead = 10**15 + secrets.randbelow(10**15)
    code, text = on_terminal(
        *stack.where, "queue", "edit", dead, env={"EDITOR": f"sed -i s/no-number-[0-9a-f]*/{lead}/"}
    )
    assert code == 0, text
    assert stack("queue", "show", dead, "--json").document["external_id"] == str(lead)


def test_ctrl_c_in_the_editor_is_the_editors(stack: Stack, dead: str, tmp_path: Path) -> None:
    lead = 10**15 + secrets.randbelow(10**15)
    editor = tmp_path / "editor"
    editor.write_text(f"kill -INT $PPID\nsed -i s/no-number-[0-9a-f]*/{lead}/ $1\n")
    code, text = on_terminal(*stack.where, "queue", "edit", dead, env={"EDITOR": f"sh {editor}"})
    assert code == 0, text
    assert stack("queue", "show", dead, "--json").document["external_id"] == str(lead)


def test_an_editor_that_does_not_start_is_named(stack: Stack, dead: str) -> None:
    code, text = on_terminal(*stack.where, "queue", "edit", dead, env={"EDITOR": "/no/editor"}, columns=200)
    assert code == 1
    assert "/no/editor cannot be run: No such file or directory; nothing was changed" in text
    assert "hint: set EDITOR" in text


def test_check_is_fine_and_dead_letters_only_warn(stack: Stack, stored: int, dead: str) -> None:
    call = stack("check", "--json")
    assert call.code == 0, call.text
    assert call.document["ok"]
    assert call.document["accounting"]["accounted"] == call.document["accounting"]["accepted"]
    verdicts = {finding["name"]: finding["verdict"] for finding in call.document["findings"]}
    assert verdicts["dead"] == "warn"
    assert verdicts["accounting"] == verdicts["workers"] == verdicts["aof"] == "ok"
    strict = stack("check", "--max-dead", "0")
    assert strict.code == 4
    assert re.search(r"^✖  dead ", strict.text, re.MULTILINE)


def test_check_names_the_lead_that_was_lost(stack: Stack, stored: int) -> None:
    found = stack("leads", "show", str(stored), "--json").document["found"][0]["deliveries"][0]
    with psycopg.connect(_database_url(stack)) as connection:
        connection.execute("UPDATE deliveries SET seq = seq + 1000000 WHERE job_id = %s", [found["job_id"]])
    try:
        call = stack("check")
        assert call.code == 4
        assert f"✖ missing: #{found['seq']} forms:{found['external_id']} {found['job_id']}" in call.text
        assert stack("check", "--json").document["ok"] is False
    finally:
        with psycopg.connect(_database_url(stack)) as connection:
            connection.execute("UPDATE deliveries SET seq = seq - 1000000 WHERE job_id = %s", [found["job_id"]])
    assert stack("check").code == 0


def test_given_urls_need_no_stack(stack: Stack) -> None:
    from console.stack.local.places import Places

    access = Places(stack.directory).access()
    assert access is not None
    env = {"LEADSCTL_REDIS_URL": access.redis_url, "LEADSCTL_DATABASE_URL": access.database_url}
    for command in (["queue"], ["leads"], ["check"]):
        done = subprocess.run(
            [*COMMAND, *command], env=environment(DOCKER_HOST="unix:///nonexistent.sock", **env), capture_output=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout


@pytest.mark.parametrize("command", [["queue"], ["check"]])
def test_a_redis_that_is_away_is_told_with_exit_3(stack: Stack, command: list[str]) -> None:
    call = stack(*command, LEADSCTL_REDIS_URL="redis://:s3cret@127.0.0.1:1/0")
    assert (call.code, call.out) == (3, b"")
    assert "s3cret" not in call.err


def _reveals(stack: Stack, target: str) -> int:
    """How often it is on record that `target` was shown."""
    with psycopg.connect(_database_url(stack)) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM operator_actions WHERE what = 'reveal' AND result = 'shown' AND target = %s", [target]
        ).fetchall()
    return int(rows[0][0])


def _database_url(stack: Stack) -> str:
    from console.stack.local.places import Places

    access = Places(stack.directory).access()
    assert access is not None
    return access.database_url
