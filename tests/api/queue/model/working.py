"""Owns the rules of senders and workers: leads come, again too; jobs are taken, ended, failed, parked, taken over."""

from __future__ import annotations

import time

import msgspec
from hypothesis import note
from hypothesis.stateful import rule
from hypothesis.strategies import booleans, integers, lists, sampled_from

from api.ids import new_id
from api.models import Attempt, Job, PagePause
from api.queue import Published, Taken
from api.queue.link import Linked
from tests.api.queue.model.checks import TALLY
from tests.api.queue.model.ledger import TOGETHER, Record
from tests.api.queue.model.machine import QueueMachine, picks, together, workers
from tests.api.queue.model.sight import look

leads = lists(integers(0, 9), min_size=1, max_size=5)
OFFSETS_S = (-500, 500, 1_500, 5_500)


def a_job(lead: int) -> Job:
    """A job of its own for a lead; leads are spread over two pages."""
    return Job(
        id=new_id(),
        source="meta",
        external_id=f"lead-{lead}",
        payload=f'{{"leadgen_id":"{lead}"}}',
        received_at=time.time(),
        page=f"page-{lead % 2}",
    )


class Working(QueueMachine):
    """Senders and workers."""

    @rule(live=leads, dead=lists(integers(0, 9), max_size=2))
    def publish(self, live: list[int], dead: list[int]) -> None:
        """One webhook with new jobs and jobs born dead."""
        jobs = [a_job(lead) for lead in live]
        corpses = [(a_job(lead), "no lead in it") for lead in dead]
        answer, broken = self.do(f"publish {live}, born dead {dead}", lambda: self.publisher.publish(jobs, corpses))
        accepted, duplicates = self.ledger.publish(jobs, corpses)
        self.exact_duplicates = self.exact_duplicates and not broken
        assert answer == Published(accepted, duplicates)

    @rule(webhooks=lists(leads, min_size=2, max_size=4))
    def publish_at_once(self, webhooks: list[list[int]]) -> None:
        """Several webhooks at the same time, some with the same leads."""
        calls = [[a_job(lead) for lead in webhook] for webhook in webhooks]
        answers, broken = self.do(
            f"publish at once {webhooks}", lambda: together(*(self.publisher.publish(jobs) for jobs in calls))
        )
        seqs = {i: found[0].job.seq for i, found in look(self.raw).jobs.items()}
        known = len(self.ledger.records)
        jobs = [job for call in calls for job in call]
        accepted = sorted((job for job in jobs if seqs.get(job.id, 0) > known), key=lambda job: seqs[job.id])
        assert self.ledger.publish(accepted, ()) == (len(accepted), 0)
        assert self.ledger.publish([job for job in jobs if job not in accepted], ())[0] == 0
        self.exact_duplicates = self.exact_duplicates and not broken
        for call, answer in zip(calls, answers, strict=True):
            assert answer.accepted == sum(job in accepted for job in call)
            assert answer.accepted + answer.duplicates == len(call)

    @rule(which=lists(picks, min_size=1, max_size=3))
    def publish_again(self, which: list[int]) -> None:
        """The same jobs a second time, as when an answer was lost."""
        jobs = [
            msgspec.structs.replace(record.job, seq=0)
            for record in self.records(which)
            if self.ledger.is_remembered(record.job.external_id)
            and self.ledger.leads[record.job.external_id][0] == record.job.id
        ]
        if not jobs:
            return
        answer, _ = self.do(f"publish {len(jobs)} again", lambda: self.publisher.publish(jobs))
        assert answer == Published(len(jobs), 0)
        assert self.ledger.publish(jobs, ()) == (len(jobs), 0)

    @rule(name=workers)
    def beat(self, name: str) -> None:
        """A worker says that it lives, and how much it has done in all."""
        worker = self.worker(name)
        worker.done += 1
        self.do(f"{name} beats", lambda: worker.consumer.beat(totals={TALLY: worker.done}))
        self.ledger.beats[name] = self.ledger.now
        self.ledger.reported += worker.done - worker.reported
        worker.reported = worker.done

    @rule(name=workers, count=integers(1, 8))
    def read(self, name: str, count: int) -> None:
        """A worker takes jobs: first what it holds by name and does not know of, then the head of the line."""
        if not self.ledger.in_place("ready", "in flight"):
            return
        worker = self.worker(name)
        known = {one.entry_id for one in worker.taken}
        mine = [r for r in self.ledger.in_stream("in flight") if r.holder == name and r.entry not in known]
        line = [] if self.ledger.paused else [self.ledger.records[job_id] for job_id in self.ledger.ready[:count]]
        taken, broken = self.do(f"{name} reads {count}", lambda: worker.consumer.read(count, 0.0))
        self._handed_out(name, taken, count, broken)
        if broken:
            assert {one.job.id for one in taken} <= {record.job.id for record in [*mine, *line]}
            self.adopt([*mine, *line])
        elif mine or line:
            expected = [record.job.id for record in mine or line]
            assert taken, f"{name} got nothing, not {expected}"
            assert [one.job.id for one in taken] == expected[: len(taken)], "not in order"

    @rule(name=workers, count=integers(1, 8))
    def reclaim(self, name: str, count: int) -> None:
        """A worker takes over what others do not bring to an end."""
        if not self.ledger.in_place("in flight", "orphaned"):
            return
        worker = self.worker(name)
        before = self.ledger.in_place("in flight", "orphaned")
        taken, broken = self.do(f"{name} reclaims {count}", lambda: worker.consumer.reclaim(count))
        self.ledger.rescue_orphans(count)
        may = [] if self.ledger.paused else [r for r in self.ledger.in_stream("in flight") if self._may_take(name, r)]
        self._handed_out(name, taken, count, broken)
        assert {one.job.id for one in taken} <= {record.job.id for record in may}
        assert taken or broken or not may, f"{name} left {[record.label for record in may]}"
        if broken:
            self.adopt(before)

    def _may_take(self, name: str, record: Record) -> bool:
        gone = record.holder != name and self.ledger.is_alive(name) and not self.ledger.is_alive(record.holder)
        return gone or self.ledger.is_overdue(record)

    def _handed_out(self, name: str, taken: list[Taken], count: int, broken: bool) -> None:
        """What holds for all that is handed out, however."""
        what = f"{name} got {[self.ledger.records[one.job.id].label for one in taken]}"
        note(f"    {what}")
        assert len(taken) <= count, what
        records = [self.ledger.records[one.job.id] for one in taken]
        together = {TOGETHER.get(r.deliveries if r.place == "in flight" else 0, 1) for r in records}
        assert not taken or broken or (len(together) == 1 and len(taken) <= min(together)), f"{what}: {together}"
        for one, record in zip(taken, records, strict=True):
            self.ledger.hand_out(one.job.id, name)
            assert (one.job, one.deliveries) == (record.job, record.deliveries) or broken, what
        entries = {one.entry_id for one in taken}
        worker = self.workers[name]
        worker.taken = [*(old for old in worker.taken if old.entry_id not in entries), *taken]

    @rule(name=workers, which=lists(picks, min_size=1, max_size=4), outcome=sampled_from(["stored", "duplicate"]))
    def finish(self, name: str, which: list[int], outcome: str) -> None:
        """A worker has written rows, and says so: for jobs that are ended or others' by now, too."""
        worker = self.busy(name)
        name = worker.consumer.name
        done = worker.of(which)
        if not done:
            return
        entries = [one.entry_id for one in done]
        there = [r for r in self.ledger.in_place("in flight", "ready", "orphaned") if r.entry in entries]
        for one in done:
            self.ledger.rows[one.job.id] = outcome
        removed, broken = self.do(f"{name} ends {len(done)}", lambda: worker.consumer.settle(entries))
        assert broken or removed == len(there)
        for record in there:
            self.ledger.end(record.job.id)
        worker.taken = [one for one in worker.taken if one.entry_id not in entries]

    @rule(
        name=workers,
        which=lists(picks, min_size=1, max_size=3),
        how=sampled_from(["retry", "wait", "bury"]),
        offset=sampled_from(OFFSETS_S),
    )
    def fail(self, name: str, which: list[int], how: str, offset: int) -> None:
        """A worker cannot do some jobs: later, once their page may, or never."""
        worker = self.busy(name)
        name = worker.consumer.name
        failed = worker.of(which)
        if not failed:
            return
        jobs = {one.entry_id: self._after(one, name, how) for one in failed}
        due = time.time() + offset

        async def park(one: Taken) -> bool:
            job, consumer = jobs[one.entry_id], worker.consumer
            if how == "bury":
                return await consumer.bury(one, job, "hopeless")
            return await (consumer.retry if how == "retry" else consumer.defer)(one, job, due, how)

        moved, broken = self.do(f"{name}: {how} {len(failed)}", lambda: together(*map(park, failed)))
        for one, answer in zip(failed, moved, strict=True):
            held = [r for r in self.ledger.in_place("in flight") if (r.entry, r.holder) == (one.entry_id, name)]
            assert broken or answer == bool(held), f"{name}: {how} #{one.job.seq}"
            for record in held:
                place, error = ("dead", "hopeless") if how == "bury" else ("retry", how)
                self.ledger.park(
                    record.job.id, place, jobs[one.entry_id], error, self.ledger.now + offset, how == "wait"
                )
        worker.taken = [one for one in worker.taken if one.entry_id not in jobs]

    def _after(self, one: Taken, name: str, how: str) -> Job:
        """The job with one more attempt behind it; a wait burns none."""
        n = one.job.attempt + (how != "wait")
        attempt = Attempt(n=n if how != "wait" else 0, worker=name, started_at=1.0, error=f"{how} {n}")
        return msgspec.structs.replace(one.job, attempt=n, history=(*one.job.history, attempt)[-20:])

    @rule(name=workers, page=sampled_from(["page-0", "page-1", "*"]), offset=sampled_from([0, 500, 1_500]))
    def page_pauses(self, name: str, page: str, offset: int) -> None:
        """A worker was told to wait with a page, for a time or until somebody has acted."""
        pause = PagePause(page, "limit" if offset else "token", time.time() + offset if offset else 0.0, "wait")
        self.do(f"{page} pauses", lambda: self.worker(name).consumer.set_pause(pause))
        self.ledger.pauses[page] = self.ledger.now + offset if offset else 0.0

    @rule(name=workers, page=sampled_from(["page-0", "page-1", "*"]))
    def release(self, name: str, page: str) -> None:
        """A page goes on: what waits for it is due, what waits for its own next attempt is not."""
        if not self.ledger.in_place("retry"):
            return
        count, broken = self.do(f"{name} releases {page}", lambda: self.worker(name).consumer.release(page))
        assert count == self.ledger.release(page) or broken

    @rule(name=workers, limit=integers(1, 6))
    def promote(self, name: str, limit: int) -> None:
        """Due retries get ready, the longest due first."""
        if not self.ledger.in_place("retry"):
            return
        due = [record for record in self.ledger.in_place("retry") if record.due <= self.ledger.now]
        moved, broken = self.do(f"{name} promotes {limit}", lambda: self.worker(name).consumer.promote_due(limit))
        there = look(self.raw).jobs
        gone = [record for record in due if there[record.job.id][0].place == "ready"]
        assert moved == len(gone) or broken
        assert moved <= limit
        assert moved or not due or broken
        left = [record.due for record in due if record not in gone]
        assert max((record.due for record in gone), default=0) <= min(left, default=1e18), "not the longest due first"
        for record in gone:
            self.ledger.make_ready(record.job.id)

    @rule(name=workers, which=lists(picks, min_size=1, max_size=4))
    def extend(self, name: str, which: list[int]) -> None:
        """A worker says that it still works on what it was handed."""
        worker = self.busy(name)
        name = worker.consumer.name
        entries = [one.entry_id for one in worker.of(which)]
        if not entries:
            return
        held = [r for r in self.ledger.in_place("in flight") if r.holder == name and r.entry in entries]
        count, _ = self.do(f"{name} extends {len(entries)}", lambda: worker.consumer.extend(entries))
        assert count == len(held)
        for record in held:
            record.held_since = self.ledger.now

    @rule(name=workers, orderly=booleans())
    def worker_ends(self, name: str, orderly: bool) -> None:
        """In order, or by kill -9: what it holds stays its own either way."""
        worker = self.workers.pop(name, None)
        self.touched = self.touched or worker is not None
        if worker and orderly:
            self.run(self._revived_after(worker.consumer.close()))
            broken, self.passage.fired = self.passage.fired or self.died, False
            if not (broken and name in look(self.raw).beats):  # a worker that ends does not insist on its farewell
                self.ledger.beats.pop(name, None)
        elif worker:
            self.run(Linked.close(worker.consumer))

    @rule(name=workers)
    def reap(self, name: str) -> None:
        """Silent consumers that hold nothing are forgotten, and pauses that have run out."""
        worker = self.worker(name)
        self.do(f"{name} reaps", lambda: worker.consumer.reap(0.0))
        sight = look(self.raw)
        for other in self.ledger.beats.keys() - sight.beats:
            assert other != name
            assert not any(record.holder == other for record in self.ledger.in_place("in flight")), other
            del self.ledger.beats[other]
        for page in self.ledger.pauses.keys() - sight.pauses:
            assert 0 < self.ledger.pauses[page] <= self.ledger.now
            del self.ledger.pauses[page]
