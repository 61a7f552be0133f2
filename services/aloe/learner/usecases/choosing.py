"""Which clips a query may lease, and in which order."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.clips import found_clips
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.arrays import BoolArray, IntArray
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.clip_changes import FoundClip
from aloe.learner.domain.errors import HeadNotTrained, InvalidInput, Violation
from aloe.learner.domain.filters.syntax import Filter
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import Basis, Pick
from aloe.learner.domain.pool import NamedClip
from aloe.learner.ports.store import Store
from aloe.learner.usecases.filtering import taken_rows
from aloe.learner.usecases.likeness import Example, KnownExample, Likeness
from aloe.learner.usecases.orders import Among, Ranked
from aloe.learner.usecases.ranking import Ranking
from aloe.learner.usecases.settling import is_of
from aloe.learner.usecases.spacing import spaced
from aloe.values.states import ClipState

_LIKE, _CLIPS = "like", "clips"
_MOST_VIOLATIONS = 20


@dataclass(frozen=True, slots=True)
class Question:
    """What an oracle asks for."""

    oracle_id: str
    max_count: int
    min_head_version: int = 0
    lease_duration: timedelta | None = None
    """None for the task's."""
    request_id: str = ""
    filter_: Filter | None = None
    """Which clips it may be."""
    clips: Sequence[NamedClip] = ()
    """Which it may be, in this order; any if there are none."""
    like: Example | None = None
    """What they are to be like, rather than what the query strategy asks."""


@dataclass(frozen=True, slots=True, eq=False)
class ClearQuestion:
    """A question whose clips and example were looked up."""

    asked: Question
    clips: Sequence[FoundClip]
    """In the order given, each once."""
    like: KnownExample | None


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Clips in the order to lease them."""

    ranked: Ranked
    among: Among | None
    """What there was to choose from; None for all."""
    head_version: int = 0
    """Of the head that ranked them; 0 for none."""

    def lacks_others(self, count: int, wanted: int) -> bool:
        """Whether, of so many that were wanted, too many were passed over, and there are more."""
        ranked = self.ranked
        is_all = len(ranked.picks) + ranked.passed_over < wanted
        return len(ranked.picks) < count and ranked.passed_over > 0 and not is_all

    def is_complete(self, wanted: int) -> bool:
        """Whether these are all there was to choose from, if so many were wanted."""
        is_of_some = self.among is not None or self.ranked.passed_over > 0
        return is_of_some and len(self.ranked.picks) + self.ranked.passed_over < wanted


class Choosing:
    """Chooses among the unlabeled clips of a task."""

    def __init__(self, store: Store, ranking: Ranking, likeness: Likeness) -> None:
        self._store, self._ranking, self._likeness = store, ranking, likeness

    async def clear(self, pool_id: str, question: Question) -> ClearQuestion:
        """Look up what a question names. A pool that is read after this has its clips.

        Raises:
            ClipNotFound: it names a clip that is not there.
            EncoderMismatch: its example is of another encoder.
            InvalidInput: it names a clip of another pool, or its example cannot be used.
        """
        _check_pool(pool_id, question.clips)
        ids = [each.clip_id for each in question.clips]
        found = await found_clips(self._store, pool_id, ids) if ids else []
        like = None
        if question.like is not None:
            like = await self._likeness.known(pool_id, question.like, _LIKE)
        return ClearQuestion(question, list(dict.fromkeys(found)), like)

    async def choose(
        self, cached: CachedTask, pool: CachedPool, question: ClearQuestion, wanted: int
    ) -> Choice:
        """Order what a question leaves to choose from, up to `wanted` clips of it.

        Raises:
            InvalidInput: its filter names a field that no clip has, or one of another kind.
            StoreWentBack: the pool is not of the store's past; a fresh one is.
        """
        among = await _among(cached, pool, question)
        if question.like is not None:
            picks = await self._alike(cached, pool, question.like, among, wanted)
        elif question.clips:
            picks = _in_order(cached, pool, question.clips, among)
        else:
            return await self._by_strategy(cached, pool, question.asked, wanted, among)
        basis = Basis(
            cached.view.last_event_id,
            pool.row_count,
            len(pool.retired_rows),
            question.asked.max_count,
            wanted,
            "",
            among.choice if among else "what is most like an example",
            pool.pool.mark,
        )
        ranked = Ranked(picks, basis)
        if question.like is not None:
            ranked = spaced(ranked, cached.view, pool, cached.task.window_spacing)
        return Choice(ranked, among)

    async def _by_strategy(
        self,
        cached: CachedTask,
        pool: CachedPool,
        question: Question,
        wanted: int,
        among: Among | None,
    ) -> Choice:
        head: Head | None = None
        with contextlib.suppress(HeadNotTrained):
            head = await cached.head(self._store)
        head = await self._ranking.usable(cached, head)
        ranked = await self._ranking.rank(
            cached,
            head,
            pool,
            batch_size=question.max_count,
            most=wanted,
            among=among,
            waits=question.min_head_version > 0,
        )
        return Choice(ranked, among, head.version if head else 0)

    async def _alike(
        self,
        cached: CachedTask,
        pool: CachedPool,
        example: KnownExample,
        among: Among | None,
        wanted: int,
    ) -> list[Pick]:
        rows = np.flatnonzero(_open(cached, pool, among))
        found, similarities = await self._likeness.most_alike(pool, example, rows, wanted)
        return _picks(pool, found, similarities.tolist())


def _check_pool(pool_id: str, clips: Sequence[NamedClip]) -> None:
    violations = [
        Violation(
            f"{_CLIPS}[{place}]", f"is of pools/{each.pool_id}; the task's is pools/{pool_id}"
        )
        for place, each in enumerate(clips)
        if each.pool_id != pool_id
    ]
    if violations:
        raise InvalidInput(*violations[:_MOST_VIOLATIONS], count=len(violations))


async def _among(cached: CachedTask, pool: CachedPool, question: ClearQuestion) -> Among | None:
    """Return what filter and list of clips leave to choose from; None for all."""
    filter_ = question.asked.filter_
    if filter_ is None and not question.clips:
        return None
    taken = await taken_rows(pool, filter_, (cached.task, cached.view))
    choice = f"clips by the filter {filter_.text}" if filter_ else "clips that it named"
    if question.clips:
        named = np.zeros(len(taken), np.bool_)
        named[[each.row for each in question.clips if is_of(pool, each.row, each.content_hash)]] = (
            True
        )
        taken &= named
    return Among(taken, choice)


def _open(cached: CachedTask, pool: CachedPool, among: Among | None) -> BoolArray:
    """Return which clips may be leased, (row_count,) bool."""
    cached.view.grow(pool.row_count)
    is_open: BoolArray = cached.view.states[: pool.row_count] == ClipState.UNLABELED
    return is_open if among is None else is_open & among.first(len(is_open))


def _in_order(
    cached: CachedTask, pool: CachedPool, clips: Sequence[FoundClip], among: Among | None
) -> list[Pick]:
    is_open = _open(cached, pool, among)
    rows = np.array([each.row for each in clips if each.row < len(is_open)], np.int64)
    return _picks(pool, rows[is_open[rows]], None)


def _picks(pool: CachedPool, rows: IntArray, scores: Sequence[float] | None) -> list[Pick]:
    order = rows.tolist()
    hashes = pool.clips.content_hashes(order)
    each_score: Sequence[float | None] = scores if scores is not None else [None] * len(order)
    return [
        Pick(row, score, NO_CLASS, content_hash)
        for row, score, content_hash in zip(order, each_score, hashes, strict=True)
    ]
