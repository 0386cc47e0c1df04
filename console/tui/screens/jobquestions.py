"""What is asked before many or precious jobs are touched, and what such actions are called."""

from __future__ import annotations

from collections.abc import Sequence

from api.models import JobState, JobView, QueueSnapshot
from console.format import number, safe
from console.ports import Action, Verb
from console.tui.acting import Question
from console.tui.present.queue import STATE_TITLES, count_of, short_id

Asked = tuple[Action, str, Question]
"""An action, its name, and what is asked first."""


def named(ids: Sequence[str]) -> str:
    """ "job 01J9…2M4X0V", or "3 jobs"."""
    return f"job {short_id(ids[0])}" if len(ids) == 1 else f"{number(len(ids))} jobs"


def looked_at(state: JobState, queue: QueueSnapshot | None) -> int:
    """How many jobs a verb on all that match looks at, 0 while that is unknown."""
    return count_of(queue, state) if queue else 0


def refusal(action: str, state: JobState) -> str:
    """Why the jobs in that state are not retried, discarded or edited, "" where they can be."""
    if state is JobState.IN_FLIGHT:
        return "A worker is at it. It ends by itself, or gets stuck."
    if state is JobState.READY and action in ("retry", "retry_all"):
        return "Ready waits for a worker: nothing to retry."
    if state is JobState.DISCARDED and action in ("discard", "discard_all"):
        return "Discarded already. U takes it back."
    return ""


def retry_all(state: JobState, match: str, queue: QueueSnapshot | None) -> Asked:
    """Retrying everything in a state that matches."""
    what = _all_of(state, match, queue)
    lines = (f"{what[0].upper()}{what[1:]} will be made ready again.", *_unknown(match))
    action = Action(Verb.RETRY_MATCHING, args={"state": state.value, "match": match})
    return action, f"retry {what}", Question(f"Retry {what}?", lines, "Retry all")


def discard_all(state: JobState, match: str, queue: QueueSnapshot | None) -> Asked:
    """Discarding everything in a state that matches."""
    what = _all_of(state, match, queue)
    kept = "Their leads will not be stored."
    action = Action(Verb.DISCARD_MATCHING, args={"state": state.value, "match": match})
    return action, f"discard {what}", Question(f"Discard {what}?", (kept, *_unknown(match)), "Discard all")


def undo_all(state: JobState, match: str, queue: QueueSnapshot | None) -> Asked:
    """Taking back everything discarded that matches."""
    what = _all_of(state, match, queue)
    lines = (f"{what[0].upper()}{what[1:]} will be made ready again.", *_unknown(match))
    action = Action(Verb.UNDO_MATCHING, args={"state": state.value, "match": match})
    return action, f"take back {what}", Question(f"Take back {what}?", lines, "Take back")


def _unknown(match: str) -> tuple[str, ...]:
    return ("How many match is known when all have been looked at.",) if match else ()


def _all_of(state: JobState, match: str, queue: QueueSnapshot | None) -> str:
    name, total = STATE_TITLES[state], looked_at(state, queue)
    if match:
        return f"all {name} jobs that match {safe(match, 60)}"
    if total == 1:
        return f"the one {name} job"
    return f"all {number(total)} {name} jobs" if total else f"all {name} jobs"


def discard(ids: Sequence[str], views: Sequence[JobView]) -> Asked:
    """Discarding jobs: the action, its name, the question, which names the leads."""
    leads = ", ".join(f"{safe(v.job.source, 12)} {safe(v.job.external_id, 40)}" for v in views[:3])
    more = f" and {number(len(views) - 3)} more" if len(views) > 3 else ""
    question = Question(f"Discard {named(ids)}?", (f"{leads}{more} will not be stored.",), "Discard")
    return Action(Verb.DISCARD, tuple(ids)), f"discard {named(ids)}", question


PAUSE = Question("Pause the queue?", ("Workers finish what they hold and take nothing more.",), "Pause")
