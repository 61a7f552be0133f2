"""The order in which clips are asked: by query strategy and head; at random before the first."""

import time
from functools import partial

import numpy as np

from aloe.learner.cache.pools import CachedPool, PoolClips
from aloe.learner.cache.scores import HeadScores
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.acquisition import random_scores
from aloe.learner.domain.arrays import BoolArray, Float32Array, IntArray
from aloe.learner.domain.events import NO_CLASS
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge
from aloe.learner.domain.leases import Pick
from aloe.learner.domain.selection import first_clips, first_open
from aloe.learner.recorder import Phase
from aloe.values.states import ClipState
from aloe.values.strategies import SelectionRule

_QUICK_CLIP_COUNT = 32_768
"""Up to so many are ordered in less time than it takes to start another thread's work."""


async def rank(cached: CachedTask, head: Head | None, pool: CachedPool, most: int) -> list[Pick]:
    """Order the unlabeled clips of a task, the one to ask first in front.

    Args:
        cached: the task.
        head: judges the clips; None before the first, and then the order is random.
        pool: the task's.
        most: how many to return.

    Returns:
        The first clips of the order.
    """
    vectors = pool.vectors
    # Taken here, on the event loop, since the view is not thread-safe.
    cached.view.grow(len(vectors))
    is_open = cached.view.states[: len(vectors)] == ClipState.UNLABELED
    if head is None:
        rows = first_open(_cold_order(cached, len(is_open)), is_open, most).tolist()
        hashes = pool.clips.content_hashes(rows)
        return [Pick(row, None, NO_CLASS, each) for row, each in zip(rows, hashes, strict=True)]
    scores = await _scores(cached, head, pool, vectors, is_open)
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
    picks = pick() if len(is_open) <= _QUICK_CLIP_COUNT else await pool.scorer.run(pick)
    cached.times.spent(head.version, Phase.SELECTION, time.perf_counter() - began)
    return picks


def _cold_order(cached: CachedTask, clip_count: int) -> IntArray:
    """Return the order before the first head: at random by the task's seed."""
    if len(cached.ranks.cold_order) != clip_count:
        scores = random_scores(cached.task.seed, 0, clip_count)
        cached.ranks.cold_order = np.argsort(-scores, kind="stable")
    return cached.ranks.cold_order


async def _scores(
    cached: CachedTask, head: Head, pool: CachedPool, vectors: Float32Array, is_open: BoolArray
) -> HeadScores:
    """Return the head's scores of the open clips, after scoring those that have none yet."""
    function, ranks = cached.task.query_strategy.acquisition_function, cached.ranks_on(pool)
    async with ranks.scoring:
        if ranks.scores is None or not ranks.scores.serves(head, function):
            ranks.scores = HeadScores(Judge(head, function), cached.task.seed)
        began = time.perf_counter()
        if await ranks.scores.cover(pool.scorer, vectors, is_open):
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
    order = rows.tolist()
    columns = scores[rows].tolist(), predicted[rows].tolist(), clips.content_hashes(order)
    return [Pick(*each) for each in zip(order, *columns, strict=True)]
