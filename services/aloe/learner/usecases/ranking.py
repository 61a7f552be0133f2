"""The order in which clips are asked: by query strategy and head; at random before the first."""

import logging
import time
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
from aloe.learner.domain.batches.density import mean_direction
from aloe.learner.domain.batches.ground import Ground, reference_rows
from aloe.learner.domain.batches.rules import RULES
from aloe.learner.domain.errors import StoreDamaged
from aloe.learner.domain.events import NO_CLASS
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import Pick
from aloe.learner.domain.representations.pool_map import name_of
from aloe.learner.domain.selection import first_clips, first_open
from aloe.learner.recorder import Phase
from aloe.learner.usecases.asking import pick_batch, request_of
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.values.states import ClipState
from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule

_log = logging.getLogger(__name__)
_QUICK_CLIP_COUNT = 32_768
"""Up to so many are ordered in less time than it takes to start another thread's work."""


def ranked_by(strategy: QueryStrategy, head: Head | None) -> QueryStrategy | None:
    """Return what ranks clips; None where nothing does: before the first head, mostly."""
    return strategy if head or strategy.selection_rule in RULES else None


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
        self, cached: CachedTask, head: Head | None, pool: CachedPool, batch_size: int, most: int
    ) -> list[Pick]:
        """Order the unlabeled clips of a task, the one to ask first in front.

        Args:
            cached: the task.
            head: judges the clips; None before the first.
            pool: the task's.
            batch_size: how many the query asks for.
            most: how many to return, spare ones included.

        Returns:
            The first clips of the order.

        Raises:
            StoreWentBack: the pool is not of the store's past; a fresh one is.
        """
        by_batch = cached.task.query_strategy.selection_rule in RULES
        if head is None and not (by_batch and pool.pool.clip_count):
            return await _rank(cached, None, pool, most)
        if head is not None:
            pool_map = await self._maps.of_head(cached.task.pool_id, head)
        else:
            # No head of the task is bound to an older one.
            pool_map = await self._maps.current(pool, cached.task.representation, may_refit=True)
        await self._pools.load(pool, pool_map)
        if not by_batch:
            return await _rank(cached, head, pool, most)
        return await self._by_batch(
            cached, head, pool, name_of(pool_map), batch_size=batch_size, most=most
        )

    async def _by_batch(
        self,
        cached: CachedTask,
        head: Head | None,
        pool: CachedPool,
        map_name: str,
        *,
        batch_size: int,
        most: int,
    ) -> list[Pick]:
        """Order clips by a rule that looks at how they lie to each other."""
        cached.view.grow(pool.row_count)
        ground = await _ground(pool, map_name)
        scores = None
        if head is not None:
            unanswered = cached.view.unanswered_at_head()[: pool.row_count]
            scores = await _scores(cached, head, pool, unanswered)
        began = time.perf_counter()
        async with cached.ranks.picking:
            request = request_of(
                cached,
                head,
                pool,
                ground,
                scores,
                map_name=map_name,
                batch_size=batch_size,
                wanted=most,
            )
            batch = await pool.run(partial(pick_batch, request, cached.ranks.herds))
            self._herds.used(cached.ranks.herds)
        if head is None or scores is None:
            order = batch.rows.tolist()
            columns = order, pool.clips.content_hashes(order), batch.reasons
            return [
                Pick(row, None, NO_CLASS, each, reason=reason)
                for row, each, reason in zip(*columns, strict=True)
            ]
        picks = [
            pick._replace(reason=reason)
            for pick, reason in zip(
                _picks(scores, batch.rows, pool.clips), batch.reasons, strict=True
            )
        ]
        picks = _with_audits(cached, scores, picks, pool.clips, most)
        cached.times.spent(head.version, Phase.SELECTION, time.perf_counter() - began)
        return picks


async def _ground(pool: CachedPool, map_name: str) -> Ground:
    """Return what batches are picked on, made anew where the pool's clips became others."""
    known, counts = pool.grounds.get(map_name, (None, None))
    now = pool.row_count, len(pool.retired_rows)
    if known is None or counts != now:
        draw = partial(reference_rows, pool.row_count, list(pool.retired_rows))
        vectors = pool.matrix(map_name)
        rows = await pool.run(draw)
        if known is None or not np.array_equal(known.rows, rows):
            known = await pool.run(partial(Ground.of, rows, vectors))
        pool.grounds[map_name] = known, now
    return known


async def _rank(cached: CachedTask, head: Head | None, pool: CachedPool, most: int) -> list[Pick]:
    """Order the clips of a pool that has what the head reads by their scores, or at random."""
    # Taken here, on the event loop, since the view is not thread-safe.
    cached.view.grow(pool.row_count)
    is_open = cached.view.states[: pool.row_count] == ClipState.UNLABELED
    if head is None:
        rows = first_open(_cold_order(cached, len(is_open)), is_open, most).tolist()
        hashes = pool.clips.content_hashes(rows)
        return [Pick(row, None, NO_CLASS, each) for row, each in zip(rows, hashes, strict=True)]
    scores = await _scores(cached, head, pool, is_open)
    rule = cached.task.query_strategy.selection_rule
    pick = partial(
        _pick,
        scores,
        is_open,
        pool.clips,
        rule=rule,
        class_count=len(cached.task.classes),
        most=most,
    )
    began = time.perf_counter()
    picks = pick() if len(is_open) <= _QUICK_CLIP_COUNT else await pool.run(pick)
    picks = _with_audits(cached, scores, picks, pool.clips, most)
    cached.times.spent(head.version, Phase.SELECTION, time.perf_counter() - began)
    return picks


def _with_audits(
    cached: CachedTask, judged: HeadScores, picks: list[Pick], clips: PoolClips, most: int
) -> list[Pick]:
    """Put clips that are drawn at random among the picks, as many as the task wants."""
    if not cached.task.audit_share:
        return picks
    places = audit_places(cached.task.audit_share, cached.view.asked_count(), most)
    if not len(places):
        return picks
    count = min(len(cached.view.states), len(judged.predicted))
    is_open = cached.view.states[:count] == ClipState.UNLABELED
    # A lease may have run out meanwhile, and left a clip that has no score.
    rows = audit_rows(cached.task.seed, is_open & judged.has_score[:count], len(places))
    return with_audits(picks, _picks(judged, rows, clips, is_audit=True), places)[:most]


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
        if ranks.scores is None or not ranks.scores.serves(head, function):
            direction = None
            if function is AcquisitionFunction.INFORMATION_DENSITY:
                ground = await _ground(pool, head.map_name)
                direction = mean_direction(ground.references.vectors)
            ranks.scores = HeadScores(head, function, cached.task.seed, direction)
        began = time.perf_counter()
        vectors = pool.matrix(head.map_name)[: len(is_open)]
        if await ranks.scores.cover(pool.scorer(head.map_name), vectors, is_open):
            cached.times.spent(head.version, Phase.SCORING, time.perf_counter() - began)
        return ranks.scores


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
