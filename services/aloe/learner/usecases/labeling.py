"""Query, SubmitLabels, RenewLeases and ReleaseLeases: the loop with the oracles."""

import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import CachedTask, TaskCache
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.errors import (
    ClassesChanged,
    ClipNotFound,
    EncoderMismatch,
    HeadVersionUnknown,
    InvalidInput,
    StoreUnavailable,
    StoreWentBack,
    TaskChanged,
    TaskNotFound,
    Violation,
)
from aloe.learner.domain.events import RETRACTED
from aloe.learner.domain.given_labels import class_of
from aloe.learner.domain.label_sets import ClassSet
from aloe.learner.domain.leases import (
    LabelsOutcome,
    Lease,
    LeaseOutcome,
    LeaseRequest,
    RankingTooShort,
)
from aloe.learner.domain.pool import Clip
from aloe.learner.domain.task import Task, check_lease_duration
from aloe.learner.ports.store import Store
from aloe.learner.recorder import Recorder
from aloe.learner.usecases.choosing import Choice, Choosing, ClearQuestion, Question
from aloe.learner.usecases.settling import contents_of, is_of, settle, then_check
from aloe.learner.usecases.training import Trainer
from aloe.values.labels import Label
from aloe.values.states import ClipState, PoolState
from aloe.values.strategies import QueryStrategy

T = TypeVar("T")

_SPARE = 8
"""Ranked clips sent beyond those asked for: oracles of other replicas may take some first."""
_SPARE_FOR_OTHERS = 2
"""As many again for each clip that other queries ask for: here, and as many elsewhere."""
_MOST_TRIES = 20
"""Of a query, whose clips others took each time; of an answer, while classes change."""
_NEXT_TRY = "+"
"""Behind the id of a request whose leases were all lost before it was answered."""


@dataclass(frozen=True, slots=True)
class LeasedClip:
    """A lease with what the oracle needs to know of the clip."""

    lease: Lease
    clip: Clip
    predicted_class: str
    """Empty without a head."""
    nearest_id: str = ""
    """Of the labeled clip that is nearest, where the pick has a reason."""


@dataclass(frozen=True, slots=True)
class QueryOutcome:
    """The outcome of a query."""

    task: Task
    leases: tuple[LeasedClip, ...]
    pool_state: PoolState
    head_version: int
    query_strategy: QueryStrategy
    """What ranked the clips, if anything did."""


@dataclass(frozen=True, slots=True)
class OracleAnswer:
    """An oracle's answer for one clip."""

    lease_id: str
    label: Label | None
    """None abstains."""
    retracted: bool = False
    """Takes back what was answered before; `label` is None then."""


class Labeling:
    """Serves oracles."""

    def __init__(
        self,
        store: Store,
        pools: PoolCache,
        tasks: TaskCache,
        trainer: Trainer,
        choosing: Choosing,
        *,
        recorder: Recorder,
    ) -> None:
        self._store, self._pools, self._tasks, self._trainer = store, pools, tasks, trainer
        self._choosing, self._recorder = choosing, recorder

    async def query(self, task_id: str, question: Question) -> QueryOutcome:
        """Lease the most informative clips to an oracle, or those that it names or are like one.

        Raises:
            InvalidInput: the lease duration is out of range; the filter names a field that no clip
                has, or one of another kind; or the example cannot be used.
            ClipNotFound: the question names a clip that is not there.
            EncoderMismatch: its example is of another encoder.
            HeadVersionUnknown: no head of min_head_version is in the making.
        """
        _check_requested_duration(question.lease_duration)
        cached = await self._tasks.fresh(task_id)
        try:
            clear = await self._choosing.clear(cached.task.pool_id, question)
            await self._trainer.wait_for_head(cached, question.min_head_version)
            began = time.perf_counter()
            cached.asked_count += question.max_count
            try:
                outcome = await self._query(cached, clear)
            finally:
                cached.asked_count -= question.max_count
        except (InvalidInput, ClipNotFound, EncoderMismatch, HeadVersionUnknown):
            # A call whose answer was lost is repeated with names that meant something then.
            again = await self._answered(cached, question.request_id)
            if again is None:
                raise
            return again
        self._recorder.queried(time.perf_counter() - began)
        return outcome

    async def _answered(self, cached: CachedTask, request_id: str) -> QueryOutcome | None:
        """Return what a query of this id was answered; None if it was not, or long ago."""
        for _ in range(_MOST_TRIES if request_id else 0):
            outcome = await self._store.leased(cached.task, request_id)
            if outcome is None:
                return None
            pool = await self._settled(cached)
            leases = tuple(lease for lease in outcome.leases if _is_in(pool, lease))
            if leases or not outcome.leases:
                return _query_outcome(cached.task, pool, replace(outcome, leases=leases))
            request_id += _NEXT_TRY
        return None

    async def _query(self, cached: CachedTask, clear: ClearQuestion) -> QueryOutcome:
        look = self._pools.fresh if clear.clips else self._pools.recent
        pool = await look(cached.task.pool_id)
        pool = await settle(self._store, self._pools, cached, pool)
        question = clear.asked
        max_count, request_id = question.max_count, question.request_id or uuid.uuid4().hex
        others = cached.asked_count - max_count
        wanted = max_count + _SPARE + _SPARE_FOR_OTHERS * others
        for _ in range(_MOST_TRIES):
            try:
                choice = await self._choosing.choose(cached, pool, clear, wanted)
                if choice.lacks_others(max_count, wanted):
                    wanted *= 2
                    continue
                if len(choice.ranked.picks) < max_count:
                    # Another replica may have added clips since.
                    pool = await self._settled(cached)
                    choice = await self._choosing.choose(cached, pool, clear, wanted)
            except StoreWentBack:
                pool = await self._settled(cached)
                continue
            request = LeaseRequest(
                oracle_id=question.oracle_id,
                ranking=choice.ranked.picks,
                basis=choice.ranked.basis,
                max_count=max_count,
                duration=question.lease_duration or cached.task.lease_duration,
                request_id=request_id,
                head_version=choice.head_version,
                query_strategy=choice.ranked.by,
                is_complete=choice.is_complete(wanted),
            )
            try:
                outcome, pool = await self._lease(cached, request, pool)
            except RankingTooShort:
                wanted *= 2
                await cached.refresh(self._store)
                continue
            if outcome is None:
                # A repetition of the call goes the same way.
                request_id += _NEXT_TRY
                continue
            state = await self._state(cached, outcome, choice)
            return _query_outcome(cached.task, pool, replace(outcome, pool_state=state))
        raise StoreUnavailable(
            f"the clips of tasks/{cached.task.task_id} kept changing while they were ranked;"
            " try again"
        )

    async def _state(self, cached: CachedTask, outcome: LeaseOutcome, choice: Choice) -> PoolState:
        """Return why there are no leases: as the store says of all clips, here of some of them."""
        state, among = outcome.pool_state, choice.among
        if state is PoolState.EXHAUSTED and choice.ranked.passed_over:
            return PoolState.ALL_LEASED  # Others are near what is leased.
        if among is None or state not in (PoolState.ALL_LEASED, PoolState.EXHAUSTED):
            return state
        await cached.refresh(self._store)
        leased = cached.view.states == ClipState.LEASED
        is_any = bool((leased & among.first(len(leased))).any())
        return PoolState.ALL_LEASED if is_any else PoolState.EXHAUSTED

    async def _settled(self, cached: CachedTask) -> CachedPool:
        pool = await self._pools.fresh(cached.task.pool_id)
        return await settle(self._store, self._pools, cached, pool)

    async def _lease(
        self, cached: CachedTask, request: LeaseRequest, pool: CachedPool
    ) -> tuple[LeaseOutcome | None, CachedPool]:
        """Lease clips of a pool that is sure to have them afterwards; return that pool.

        No outcome if what was ranked has been lost meanwhile, and none of what was leased is there.

        Raises:
            RankingTooShort: clips outside the ranking are free.
        """
        leasing = self._store.lease(cached.task, request)
        outcome, lost = await then_check(self._store, leasing, pool.pool)
        if isinstance(lost, StoreWentBack):
            self._pools.drop(pool, lost)
        elif lost is None and all(_is_in(pool, lease) for lease in outcome.leases):
            return outcome, pool
        pool = await self._pools.fresh(cached.task.pool_id)
        strays = [lease.pick.row for lease in outcome.leases if not _is_in(pool, lease)]
        if strays:
            await self._store.drop_strays(cached.task, contents_of(pool, strays))
        await cached.refresh(self._store)
        pool = await settle(self._store, self._pools, cached, pool)
        leases = tuple(lease for lease in outcome.leases if _is_in(pool, lease))
        if not leases and (strays or lost is not None):
            return None, pool
        return replace(outcome, leases=leases), pool

    async def submit(
        self, task_id: str, oracle_id: str, answers: Sequence[OracleAnswer], request_id: str
    ) -> LabelsOutcome:
        """Store an oracle's answers, all or none.

        Raises:
            InvalidInput: an unknown class, a lease answered twice, a lease of somebody else.
            LeaseLost: a lease is unknown, or a clip went to another oracle or was deleted or
                replaced, or its place in the label budget is lost.
        """
        _check_answers(answers)
        request_id = request_id or uuid.uuid4().hex

        async def submit(task: Task) -> LabelsOutcome:
            try:
                pairs = [
                    (answer.lease_id, _class_of(task, answer, index))
                    for index, answer in enumerate(answers)
                ]
            except InvalidInput:
                # A call whose answer was lost is repeated with names that meant something then.
                outcome = await self._store.submitted(task, request_id)
                if outcome is None:
                    raise
                return outcome
            return await self._store.submit(task, oracle_id, pairs, request_id)

        outcome = await self._fenced(task_id, submit)
        if outcome.head_version is not None:
            self._trainer.notify(task_id)
        return outcome

    async def renew(
        self, task_id: str, oracle_id: str, lease_ids: Sequence[str], duration: timedelta | None
    ) -> datetime:
        """Let leases last longer, all or none; return until when.

        Raises:
            InvalidInput: the duration is out of range, or a lease is somebody else's.
            LeaseLost: a lease is unknown, or a clip is answered, went to another oracle, or its
                place in the label budget is lost.
        """
        if not lease_ids:
            raise InvalidInput.of("lease_ids", "empty; name at least one lease")
        _check_requested_duration(duration)
        task = (await self._tasks.fresh(task_id)).task
        return await self._store.renew(task, oracle_id, lease_ids, duration or task.lease_duration)

    async def release(self, task_id: str, oracle_id: str, lease_ids: Sequence[str]) -> int:
        """End leases of an oracle; return how many were held."""
        return await self._fenced(
            task_id, lambda task: self._store.release(task, oracle_id, lease_ids)
        )

    async def _fenced(self, task_id: str, change: Callable[[Task], Awaitable[T]]) -> T:
        """Change a task as it is cached; where that is not how it is now, as it is now."""
        task, tries = (await self._tasks.known(task_id)).task, 0
        while True:
            tries += 1
            try:
                return await change(task)
            except (ClassesChanged, InvalidInput):
                before, task = task, (await self._tasks.fresh(task_id)).task
                is_same = (task.epoch, task.class_mark) == (before.epoch, before.class_mark)
                if is_same or tries == _MOST_TRIES:
                    raise
            except (TaskChanged, TaskNotFound):
                self._tasks.forget(task_id)
                task = (await self._tasks.fresh(task_id)).task
                if tries == _MOST_TRIES:
                    raise


def _check_requested_duration(duration: timedelta | None) -> None:
    if duration is not None:
        violations = check_lease_duration(duration, "lease_duration")
        if violations:
            raise InvalidInput(*violations)


def _check_answers(answers: Sequence[OracleAnswer]) -> None:
    if not answers:
        raise InvalidInput.of("answers", "empty; give at least one answer")
    first_place: dict[str, int] = {}
    violations = []
    for index, answer in enumerate(answers):
        place = first_place.setdefault(answer.lease_id, index)
        if place != index:
            violations.append(
                Violation(f"answers[{index}].lease_id", f"answered in answers[{place}] already")
            )
    if violations:
        raise InvalidInput(*violations)


def _class_of(task: Task, answer: OracleAnswer, index: int) -> int | ClassSet:
    if answer.retracted:
        return RETRACTED
    if answer.label is None:
        return NO_CLASS
    return class_of(task, answer.label, f"answers[{index}].")


def _is_in(pool: CachedPool, lease: Lease) -> bool:
    return is_of(pool, lease.pick.row, lease.pick.content_hash)


def _query_outcome(task: Task, pool: CachedPool, outcome: LeaseOutcome) -> QueryOutcome:
    return QueryOutcome(
        task,
        tuple(_leased_clip(task, pool, lease) for lease in outcome.leases),
        outcome.pool_state,
        outcome.head_version,
        outcome.query_strategy or task.query_strategy,
    )


def _leased_clip(task: Task, pool: CachedPool, lease: Lease) -> LeasedClip:
    predicted, reason = lease.pick.predicted_class, lease.pick.reason
    is_there = reason is not None and 0 <= reason.nearest_row < pool.row_count
    return LeasedClip(
        lease,
        pool.clips[lease.pick.row],
        "" if predicted == NO_CLASS else task.class_table.predicted_name(predicted),
        pool.clips[reason.nearest_row].clip_id if reason and is_there else "",
    )
