"""Owns the rules of operators: retry, discard, undo, edit, pause; and of everybody at the same time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
from hypothesis.stateful import initialize, rule
from hypothesis.strategies import booleans, integers, lists, sampled_from

from api.ids import new_id
from api.models import Job, JobState
from api.queue import Changed
from tests.api.queue.model.ledger import Record
from tests.api.queue.model.machine import picks, together, workers
from tests.api.queue.model.sight import look
from tests.api.queue.model.working import Working, a_job

some = lists(picks, min_size=1, max_size=5)
PLACES = ("ready", "in flight", "retry", "wait", "dead", "discarded")


class Operating(Working):
    """Operators, beside senders and workers."""

    @initialize(small=booleans(), page=integers(1, 4), places=lists(sampled_from(PLACES), max_size=10), name=workers)
    def begin(self, small: bool, page: int, places: list[str], name: str) -> None:
        """A queue with a lead in each of these places, by the ways that lead there."""
        self.open(small, page)
        if not places:
            return
        self.publish(list(range(len(places))), [])
        for n, place in enumerate(places):
            self.everything_adds_up()
            if place == "ready":
                continue
            self.read(name, 1)
            self.everything_adds_up()
            if place != "in flight" and self.workers[name].taken:
                self.fail(name, [-1], {"discarded": "bury", "dead": "bury"}.get(place, place), 500)
            if place == "discarded":
                self.everything_adds_up()
                self.operator_discards([n])

    def _moves(
        self,
        what: str,
        which: list[int],
        work: Callable[[Sequence[str]], Coroutine[Any, Any, Changed]],
        foreseen: Callable[[Record], bool],
    ) -> None:
        """A verb on some jobs, one unknown to the queue: it does what the model does, and refuses what it refuses."""
        records = self.records(which)
        unknown = new_id()
        ids = [*(record.job.id for record in records), unknown]
        changed, broken = self.do(f"{what} {[record.label for record in records]}", lambda: work(ids))
        self._compare(what, changed, broken, records, foreseen)
        assert unknown in dict(changed.refused)

    def _compare(
        self, what: str, changed: Changed, broken: bool, records: list[Record], foreseen: Callable[[Record], bool]
    ) -> None:
        for record in records:
            before = record.place
            done = foreseen(record)
            answered = record.job.id in changed.done
            refused = record.job.id in dict(changed.refused)
            assert broken or (answered, refused) == (done, not done), f"{what}: {record.label} was {before}: {changed}"

    @rule(which=some)
    def operator_retries(self, which: list[int]) -> None:
        """From retry, dead, discarded, or stuck in flight."""
        self._moves("retry", which, self.operator.retry, self.ledger.retry)

    @rule(which=some)
    def operator_discards(self, which: list[int]) -> None:
        """From wherever they are, but not out of a living worker's hands."""
        self._moves("discard", which, self.operator.discard, self.ledger.discard)

    @rule(which=some)
    def operator_undoes(self, which: list[int]) -> None:
        """Discarded ones come back."""
        self._moves("undo", which, self.operator.undo, self.ledger.undo)

    @rule(which=picks, version=integers(1, 99))
    def operator_edits(self, which: int, version: int) -> None:
        """Another payload, which may be another page's."""
        if not self.ledger.records:
            return
        (record,) = self.records([which])
        payload, page = f'{{"leadgen_id":"edited {version}"}}', f"page-{version % 2}"

        def amended(job: Job, text: str) -> Job:
            return msgspec.structs.replace(job, payload=text, page=page)

        changed, broken = self.do(f"edit {record.label}", lambda: self.operator.edit(record.job.id, payload, amended))
        self._compare("edit", changed, broken, [record], lambda one: self.ledger.edit(one, payload, page))

    @rule(state=sampled_from(JobState))
    def operator_retries_all(self, state: JobState) -> None:
        """All of one state."""
        ledger = self.ledger
        place = {JobState.IN_FLIGHT: "in flight", JobState.STUCK: "in flight"}.get(state, state.value)
        records = [r for r in ledger.in_place(place) if state is not JobState.STUCK or ledger.is_stuck(r)]
        changed, broken = self.do(f"retry all {state}", lambda: self.operator.retry_matching(state))
        self._compare(f"retry all {state}", changed, broken, records, ledger.retry)

    @rule(paused=sampled_from([True, False]))
    def operator_pauses(self, paused: bool) -> None:
        """Or resumes."""
        self.do("pause" if paused else "resume", self.operator.pause if paused else self.operator.resume)
        self.ledger.paused = paused

    @rule(page=sampled_from(["page-0", "page-1", "*"]))
    def operator_lifts_a_pause(self, page: str) -> None:
        """Of one page: what waits for it is due."""
        there, broken = self.do(f"lift {page}", lambda: self.operator.clear_pause(page))
        assert broken or there == (page in self.ledger.pauses)
        self.ledger.pauses.pop(page, None)
        self.ledger.release(page)

    @rule(which=some)
    def operator_erases(self, which: list[int]) -> None:
        """Discarded ones are forgotten at once, the others stay."""
        records = self.records(which)
        gone = [record for record in records if record.place == "discarded"]
        count, broken = self.do(
            f"erase {[record.label for record in records]}",
            lambda: self.operator.erase([record.job.id for record in records]),
        )
        assert broken or count == len(gone)
        for record in gone:
            self.ledger.end(record.job.id)

    @rule(name=workers, limit=integers(1, 5))
    def purge(self, name: str, limit: int) -> None:
        """What was discarded more than 30 days ago is forgotten; its row says what became of it."""
        if not self.ledger.in_place("discarded"):
            return
        worker = self.worker(name)
        old = [r for r in self.ledger.in_place("discarded") if self.ledger.now - r.since > 30 * 86_400]
        count, broken = self.do("purge", lambda: worker.consumer.purge_discarded(limit=limit))
        there = look(self.raw).jobs
        gone = [record for record in old if record.job.id not in there]
        assert broken or count == len(gone) == min(limit, len(old))
        for record in gone:
            self.ledger.end(record.job.id)

    @rule(name=workers, other=workers, lead=integers(0, 9), which=some)
    def everybody_at_once(self, name: str, other: str, lead: int, which: list[int]) -> None:
        """In any order the server likes: each job goes one way only."""
        one, two = self.busy(name), self.worker(other)
        ids = [record.job.id for record in self.records(which)]
        jobs = [a_job(lead)]
        finished = one.of(which)
        for taken in finished:
            self.ledger.rows[taken.job.id] = "stored"

        async def all_of_it() -> list[Any]:
            return await together(
                self.publisher.publish(jobs),
                one.consumer.settle([taken.entry_id for taken in finished]),
                self.operator.retry(ids),
                two.consumer.promote_due(),
                self.operator.discard(ids),
                self.operator.undo(ids),
            )

        _, broken = self.do(f"all at once {[record.label for record in self.records(which)]}", all_of_it)
        self.exact_duplicates = self.exact_duplicates and not broken
        self.ledger.publish(jobs, ())
        sight = look(self.raw)
        for record in self.ledger.records.values():
            found = sight.jobs.get(record.job.id)
            assert found or record.job.id in self.ledger.rows, f"{record.label} is lost"
            if found and found[0].place == "discarded":
                self.ledger.rows.setdefault(record.job.id, "discarded")
            elif found and self.ledger.rows.get(record.job.id) == "discarded":
                del self.ledger.rows[record.job.id]
        self.adopt(list(self.ledger.records.values()))
        one.taken = [taken for taken in one.taken if taken not in finished]
