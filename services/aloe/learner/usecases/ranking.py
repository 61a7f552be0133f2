"""The order in which clips are asked: by query strategy and head; at random before the first."""

import logging
import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from aloe.learner.cache.batches import RecentHerds
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.clips import PoolClips
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.scores import HeadScores
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.acquisition import random_scores
from aloe.learner.domain.arrays import BoolArray, IntArray
from aloe.learner.domain.auditing import audit_places, audit_rows, with_audits
from aloe.learner.domain.batches.rules import RULES
from aloe.learner.domain.errors import StoreDamaged
from aloe.learner.domain.events import NO_CLASS
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import Basis, Pick
from aloe.learner.domain.representations.pool_map import PoolMap, name_of
from aloe.learner.domain.selection import first_clips, first_open
from aloe.learner.recorder import Phase
from aloe.learner.usecases.asking import pick_batch, request_of
from aloe.learner.usecases.grounds import ground_of, ground_of_scores
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.preparing import make_ready
from aloe.values.states import ClipState
from aloe.values.strategies import QueryStrategy, SelectionRule

_log = logging.getLogger(__name__)
_QUICK_CLIP_COUNT = 32_768
"""Up to so many are ordered in less time than it takes to start another thread's work."""


def ranked_by(strategy: QueryStrategy, head: Head | None) -> QueryStrategy | None:
    """Return what ranks clips; None where nothing does: before the first head, mostly."""
    return strategy if head or strategy.selection_rule in RULES else None


@dataclass(frozen=True, slots=True)
class Ranked:
    """The clips to ask first, and what their order rests on."""

    picks: list[Pick]
    basis: Basis


@dataclass(frozen=True, slots=True, eq=False)
class Among:
    """What a query leaves to choose from."""

    rows: BoolArray
    """(n_clips,) bool, of the pool when it was looked at."""
    choice: str
    """In words, for the log."""

    def first(self, row_count: int) -> BoolArray:
        """Return so many rows, (row_count,) bool; those that came since are none of them."""
        more = max(0, row_count - len(self.rows))
        first: BoolArray = np.r_[self.rows[:row_count], np.zeros(more, np.bool_)]
        return first


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a query asks for."""

    batch_size: int
    most: int
    map_name: str
    """Of the map whose vectors are looked at; empty for the embeddings, or none."""
    among: Among | None = None
    """What there is to choose from; None for all."""

    def narrow(self, is_open: BoolArray) -> BoolArray:
        """Return which of the open clips, (n_clips,) bool, there are to choose from."""
        return is_open if self.among is None else is_open & self.among.first(len(is_open))


class Ranking:
    """Orders the unlabeled clips of tasks."""

    def __init__(self, pools: PoolCache, maps: PoolMaps) -> None:
        self._pools, self._maps = pools, maps
        self._herds = RecentHerds()
        self._lost: set[str] = set()
        """Maps that heads name and the store has no more; told once each."""

    async def usable(self, cached: CachedTask, head: Head | None) -> Head | None:
        """Return a head; None if the map that it reads is gone.

        Clips are then asked as before the first head, so that labels, and with them the next head,
        which reads a map that is there, can come.
        """
        if head is None:
            return None
        try:
            await self._maps.of_head(cached.task.pool_id, head)
        except StoreDamaged as error:
            if head.map_name not in self._lost:
                self._lost.add(head.map_name)
                _log.error("tasks/%s is asked without its head: %s", cached.task.task_id, error)
            return None
        return head

    async def rank(
        self,
        cached: CachedTask,
        head: Head | None,
        pool: CachedPool,
        batch_size: int,
        most: int,
        *,
        among: Among | None = None,
    ) -> Ranked:
        """Order the unlabeled clips of a task, the one to ask first in front.

        Args:
            cached: the task.
            head: judges the clips; None before the first.
            pool: the task's.
            batch_size: how many the query asks for.
            most: how many to return, spare ones included.
            among: what there is to choose from; None for all.

        Returns:
            The first clips of the order.

        Raises:
            StoreWentBack: the pool is not of the store's past; a fresh one is.
        """
        pool_map = None
        if head is not None:
            pool_map = await self._maps.of_head(cached.task.pool_id, head)
        elif _picks_by_batch(cached, pool):
            # No head of the task is bound to an older one.
            pool_map = await self._maps.current(pool, cached.task.representation, may_refit=True)
        return await self.rank_on(
            cached, head, pool, pool_map, batch_size=batch_size, most=most, among=among
        )

    async def rank_on(
        self,
        cached: CachedTask,
        head: Head | None,
        pool: CachedPool,
        pool_map: PoolMap | None,
        *,
        batch_size: int,
        most: int,
        among: Among | None = None,
    ) -> Ranked:
        """Order clips by what a map makes of them; see rank."""
        cached.ranks.batch_size = batch_size
        by_batch = _picks_by_batch(cached, pool)
        if head is not None or by_batch:
            await self._pools.load(pool, pool_map)
        asked = _Asked(batch_size, most, name_of(pool_map), among)
        if by_batch:
            return await _by_batch(cached, head, pool, asked, self._herds)
        return await _rank(cached, head, pool, asked)


def _picks_by_batch(cached: CachedTask, pool: CachedPool) -> bool:
    """Whether a rule that looks at how clips lie to each other picks; it takes clips to do so."""
    is_of_batches = cached.task.query_strategy.selection_rule in RULES
    return is_of_batches and pool.pool.clip_count > 0


def _basis(cached: CachedTask, pool: CachedPool, asked: _Asked) -> Basis:
    """Return what an order that is made now rests on."""
    return Basis(
        cached.view.last_event_id,
        pool.row_count,
        len(pool.retired_rows),
        asked.batch_size,
        asked.most,
        asked.map_name,
        asked.among.choice if asked.among else "",
    )


async def _by_batch(
    cached: CachedTask, head: Head | None, pool: CachedPool, asked: _Asked, recent: RecentHerds
) -> Ranked:
    """Order clips by a rule that looks at how they lie to each other."""
    async with cached.ranks.picking:
        basis = None
        # Again where task or pool changed meanwhile: all that decides is of one moment.
        while basis != (now := _basis(cached, pool, asked)):
            basis = now
            cached.view.grow(pool.row_count)
            ground, scores = await ground_of(pool, asked.map_name), None
            unanswered = cached.view.unanswered_at_head()[: pool.row_count]
            if head is not None:
                scores = await _scores(cached, head, pool, unanswered)
        request = request_of(
            cached,
            head,
            pool,
            ground,
            scores,
            may_be_candidate=unanswered,
            map_name=asked.map_name,
            batch_size=asked.batch_size,
            wanted=asked.most,
            may_be_asked=asked.among.first(pool.row_count) if asked.among else None,
        )
        if not request.is_open.any():
            return Ranked([], now)
        places = _audit_places(cached, head, asked.most)
        began = time.perf_counter()
        await make_ready(request, cached.ranks.herds, pool)
        batch = await pool.run(partial(pick_batch, request, cached.ranks.herds))
        recent.used(cached.ranks.herds)
    if head is None or scores is None:
        order = batch.rows.tolist()
        columns = order, pool.clips.content_hashes(order), batch.reasons
        picks = [
            Pick(row, None, NO_CLASS, each, reason=reason)
            for row, each, reason in zip(*columns, strict=True)
        ]
        return Ranked(picks, now)
    picks = [
        pick._replace(reason=reason)
        for pick, reason in zip(_picks(scores, batch.rows, pool.clips), batch.reasons, strict=True)
    ]
    audits = _audits(cached, scores, pool.clips, request.is_open, len(places))
    cached.times.spent(head.version, Phase.SELECTION, time.perf_counter() - began)
    return Ranked(with_audits(picks, audits, places)[: asked.most], now)


async def _rank(cached: CachedTask, head: Head | None, pool: CachedPool, asked: _Asked) -> Ranked:
    """Order the clips of a pool that has what the head reads by their scores, or at random."""
    basis = None
    # Again where task or pool changed meanwhile: all that decides is of one moment.
    while basis != (now := _basis(cached, pool, asked)):
        basis = now
        # Taken here, on the event loop, since the view is not thread-safe.
        cached.view.grow(pool.row_count)
        is_open = asked.narrow(cached.view.states[: pool.row_count] == ClipState.UNLABELED)
        scores = None if head is None else await _scores(cached, head, pool, is_open)
    if head is None or scores is None:
        rows = first_open(_cold_order(cached, len(is_open)), is_open, asked.most).tolist()
        hashes = pool.clips.content_hashes(rows)
        picks = [Pick(row, None, NO_CLASS, each) for row, each in zip(rows, hashes, strict=True)]
        return Ranked(picks, now)
    places = _audit_places(cached, head, asked.most)
    pick = partial(
        _pick,
        scores,
        is_open,
        pool.clips,
        rule=cached.task.query_strategy.selection_rule,
        class_count=len(cached.task.classes),
        most=asked.most,
    )
    began = time.perf_counter()
    picks = pick() if len(is_open) <= _QUICK_CLIP_COUNT else await pool.run(pick)
    audits = _audits(cached, scores, pool.clips, is_open, len(places))
    cached.times.spent(head.version, Phase.SELECTION, time.perf_counter() - began)
    return Ranked(with_audits(picks, audits, places)[: asked.most], now)


def _audit_places(cached: CachedTask, head: Head | None, most: int) -> IntArray:
    """Return which of the next picks are audits, as things are now: (n,) int64."""
    share = cached.task.audit_share
    if head is None or not share:
        return np.empty(0, np.int64)
    return audit_places(share, cached.view.asked_count(), most)


def _audits(
    cached: CachedTask, judged: HeadScores, clips: PoolClips, is_open: BoolArray, count: int
) -> list[Pick]:
    """Draw open clips at random."""
    rows = audit_rows(cached.task.seed, is_open, count) if count else np.empty(0, np.int64)
    return _picks(judged, rows, clips, is_audit=True)


def _cold_order(cached: CachedTask, clip_count: int) -> IntArray:
    """Return the order before the first head: at random by the task's seed."""
    if len(cached.ranks.cold_order) != clip_count:
        scores = random_scores(cached.task.seed, 0, clip_count)
        cached.ranks.cold_order = np.argsort(-scores, kind="stable")
    return cached.ranks.cold_order


async def _scores(
    cached: CachedTask, head: Head, pool: CachedPool, is_open: BoolArray
) -> HeadScores:
    """Return the head's scores of the open clips, after scoring those that have none yet."""
    function, ranks = cached.task.query_strategy.acquisition_function, cached.ranks_on(pool)
    async with ranks.scoring:
        ground = await ground_of_scores(function, pool, head.map_name)
        scores = ranks.kept(head, function, ground)
        if scores is None:
            scores = ranks.scores = HeadScores(head, function, cached.task.seed, ground)
        began = time.perf_counter()
        vectors = pool.matrix(head.map_name)[: len(is_open)]
        if await scores.cover(pool.scorer(head.map_name), vectors, is_open):
            cached.times.spent(head.version, Phase.SCORING, time.perf_counter() - began)
        return scores


def _pick(
    judged: HeadScores,
    is_open: BoolArray,
    clips: PoolClips,
    *,
    rule: SelectionRule,
    class_count: int,
    most: int,
) -> list[Pick]:
    """Order clips by their scores."""
    scores, predicted = judged.scores[: len(is_open)], judged.predicted[: len(is_open)]
    rows = first_clips(
        rule,
        scores=scores,
        predicted=predicted,
        is_open=is_open,
        class_count=class_count,
        count=most,
    )
    return _picks(judged, rows, clips)


def _picks(
    judged: HeadScores, rows: IntArray, clips: PoolClips, *, is_audit: bool = False
) -> list[Pick]:
    order = rows.tolist()
    columns = (
        judged.scores[rows].tolist(),
        judged.predicted[rows].tolist(),
        clips.content_hashes(order),
    )
    return [Pick(*each, is_audit) for each in zip(order, *columns, strict=True)]
