"""What is asked before many or precious jobs are touched, and what such actions are called."""

from __future__ import annotations

from collections.abc import Sequence

from api.models import JobState, JobView, QueueSnapshot
from console.format import number, safe
from console.ports import Action, Verb
from console.tui.acting import Question
from console.tui.present.queue import STATE_TITLES, count_of, short_id


def named(ids: Sequence[str]) -> str:
    """ "job 01J9…2M4X0V", or "3 jobs"."""
    return f"job {short_id(ids[0])}" if len(ids) == 1 else f"{number(len(ids))} jobs"


def retry_all(state: JobState, match: str, queue: QueueSnapshot | None) -> tuple[Action, str, Question]:
    """Retrying everything in a state that matches: the action, its name, the question."""
    name = STATE_TITLES[state]
    total = count_of(queue, state) if queue else 0
    if match:
        what = f"all {name} jobs that match {safe(match, 60)}"
    elif total == 1:
        what = f"the one {name} job"
    else:
        what = f"all {number(total)} {name} jobs" if total else f"all {name} jobs"
    lines = (f"{what[0].upper()}{what[1:]} will be made ready again.",)
    action = Action(Verb.RETRY_MATCHING, args={"state": state.value, "match": match})
    return action, f"retry {what}", Question(f"Retry {what}?", lines, "Retry all")


def discard(ids: Sequence[str], views: Sequence[JobView]) -> tuple[Action, str, Question]:
    """Discarding jobs: the action, its name, the question, which names the leads."""
    leads = ", ".join(f"{safe(v.job.source, 12)} {safe(v.job.external_id, 40)}" for v in views[:3])
    more = f" and {number(len(views) - 3)} more" if len(views) > 3 else ""
    question = Question(f"Discard {named(ids)}?", (f"{leads}{more} will not be stored.",), "Discard")
    return Action(Verb.DISCARD, tuple(ids)), f"discard {named(ids)}", question


PAUSE = Question("Pause the queue?", ("Workers finish what they hold and take nothing more.",), "Pause")
