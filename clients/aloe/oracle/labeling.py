"""The labeling loop: query, answer and submit, until no clip is left to ask about."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aloe.client import (
    Answer,
    AsyncLearnerClient,
    FailedPrecondition,
    Lease,
    LeaseLost,
    PoolState,
    QueryResult,
    SubmitResult,
)
from aloe.oracle.oracles import Oracle, TimedOracle

_FIRST_WAIT_S = 0.05
_MAX_WAIT_S = 2.0
# Long enough to restart a server while the loop runs.
_CALL_TIMEOUT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class LabelingRound:
    """One batch, asked and answered."""

    number: int
    """From 1."""
    query: QueryResult
    answers: tuple[Answer, ...]
    """Only those that were stored."""
    submitted: SubmitResult


@dataclass(frozen=True, slots=True)
class LabelingReport:
    """What a loop has done."""

    round_count: int
    label_count: int
    """Labels stored by this loop."""
    abstention_count: int
    lost_count: int
    """Answers that came too late: the clip had gone to someone else."""
    head_version: int
    """The newest head that was promised for answers of this loop; if none was, min_head_version."""
    pool_state: PoolState
    """OPEN if the loop ended because its rounds were done."""


async def label_task(
    client: AsyncLearnerClient,
    task_id: str,
    oracle: Oracle,
    *,
    oracle_id: str,
    batch_size: int,
    batches_at_once: int = 1,
    rounds: int | None = None,
    strict: bool = True,
    min_head_version: int = 0,
    on_round: Callable[[LabelingRound], None] | None = None,
    call_timeout: timedelta = _CALL_TIMEOUT,
) -> LabelingReport:
    """Let an oracle label a task. Any number of these may run in one event loop.

    It goes on where an earlier loop with the same oracle_id broke off: it first releases the leases
    of that one. So two loops must not share an oracle_id and a task at the same time.

    Args:
        client: of the learner service.
        task_id: the task.
        oracle: asked in a worker thread, so that it may block; a TimedOracle in the event loop.
        oracle_id: whose leases and labels they are.
        batch_size: clips in a round.
        batches_at_once: how many batches the oracle works on at once, each submitted as soon as it
            is answered. With one, rounds follow each other.
        rounds: how many at most; None goes on until the pool is exhausted or the budget spent.
        strict: each query waits for the head that contains the answers so far.
        min_head_version: where strict, the head to wait for before the first query, such as
            ImportLabelsResult.head_version.
        on_round: called after each round.
        call_timeout: of each call, and so how long the server may be away.

    Raises:
        AloeError: a call failed for good.
    """
    loop = _Loop(client, task_id, oracle, oracle_id, batch_size, strict, on_round, call_timeout)
    tally = _Tally(rounds, head_version=min_head_version)
    await client.release_leases(task_id, oracle_id, timeout=call_timeout)
    workers = [asyncio.create_task(loop.work(tally)) for _ in range(batches_at_once)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return tally.report()


@dataclass(slots=True)
class _Tally:
    """What a loop has done so far."""

    max_round_count: int | None
    head_version: int
    pool_state: PoolState = PoolState.OPEN
    begun_count: int = 0
    """Rounds that are done or under way."""
    round_count: int = 0
    label_count: int = 0
    abstention_count: int = 0
    lost_count: int = 0

    def begin(self) -> bool:
        """Begin a round if there is one left."""
        if self.begun_count == self.max_round_count:
            return False
        self.begun_count += 1
        return True

    def add(self, stored: tuple[Answer, ...], submitted: SubmitResult) -> None:
        labels = sum(answer.label is not None for answer in stored)
        self.round_count += 1
        self.label_count += labels
        self.abstention_count += len(stored) - labels
        self.head_version = max(submitted.head_version or 0, self.head_version)

    def report(self) -> LabelingReport:
        return LabelingReport(
            round_count=self.round_count,
            label_count=self.label_count,
            abstention_count=self.abstention_count,
            lost_count=self.lost_count,
            head_version=self.head_version,
            pool_state=self.pool_state,
        )


@dataclass(frozen=True, slots=True)
class _Loop:
    """The calls of one oracle on one task."""

    client: AsyncLearnerClient
    task_id: str
    oracle: Oracle
    oracle_id: str
    batch_size: int
    strict: bool
    on_round: Callable[[LabelingRound], None] | None
    call_timeout: timedelta

    async def work(self, tally: _Tally) -> None:
        """Label batch after batch until no rounds or no clips are left."""
        while tally.begin():
            asked = await self._query_again(tally) if self.strict else await self._query(0)
            if not asked.leases:
                tally.pool_state = asked.pool_state
                return
            answers = await self._answer(asked.leases)
            stored, submitted = await self._submit(answers)
            tally.lost_count += len(answers) - len(stored)
            if submitted is None:
                tally.begun_count -= 1
                continue
            tally.add(stored, submitted)
            if self.on_round is not None:
                self.on_round(LabelingRound(tally.round_count, asked, stored, submitted))

    async def _answer(self, leases: Sequence[Lease]) -> tuple[Answer, ...]:
        """Let the oracle answer the clips one after the other."""

        def answer_all() -> tuple[Answer, ...]:
            return tuple(Answer(lease.lease_id, self.oracle.answer(lease)) for lease in leases)

        if not isinstance(self.oracle, TimedOracle):
            return await asyncio.to_thread(answer_all)
        await asyncio.sleep(sum(map(self.oracle.answer_time_s, leases)))
        return answer_all()

    async def _query_again(self, tally: _Tally) -> QueryResult:
        """Query with the head that was promised last, unless the server lost what it promised."""
        try:
            return await self._query(tally.head_version)
        except FailedPrecondition as error:
            if error.reason != "HEAD_VERSION_UNKNOWN" or not tally.round_count:
                raise
            tally.head_version = 0
            return await self._query(0)

    async def _query(self, min_head_version: int) -> QueryResult:
        """Query until there are clips, or none can come any more."""
        wait_s = _FIRST_WAIT_S
        while True:
            asked = await self.client.query(
                self.task_id,
                self.oracle_id,
                max_clip_count=self.batch_size,
                min_head_version=min_head_version,
                timeout=self.call_timeout,
            )
            if asked.leases or asked.pool_state in (PoolState.EXHAUSTED, PoolState.BUDGET_SPENT):
                return asked
            await asyncio.sleep(random.uniform(0.0, wait_s))  # noqa: S311 - no secret
            wait_s = min(2 * wait_s, _MAX_WAIT_S)

    async def _submit(
        self, answers: tuple[Answer, ...]
    ) -> tuple[tuple[Answer, ...], SubmitResult | None]:
        """Submit a batch; return what was stored, and the result if anything was."""
        try:
            return answers, await self._store(answers)
        except LeaseLost:
            # The server refuses the whole batch for one lost lease: submit the answers one by one.
            return await self._submit_singly(answers)

    async def _submit_singly(
        self, answers: tuple[Answer, ...]
    ) -> tuple[tuple[Answer, ...], SubmitResult | None]:
        stored, results = [], []
        for answer in answers:
            with contextlib.suppress(LeaseLost):
                results.append(await self._store((answer,)))
                stored.append(answer)
        if not results:
            return (), None
        versions = [result.head_version for result in results if result.head_version is not None]
        last = SubmitResult(max(versions, default=None), results[-1].label_count)
        return tuple(stored), last

    async def _store(self, answers: tuple[Answer, ...]) -> SubmitResult:
        return await self.client.submit_labels(
            self.task_id, self.oracle_id, answers, timeout=self.call_timeout
        )
