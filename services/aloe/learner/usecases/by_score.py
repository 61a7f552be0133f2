"""The order of clips by their scores; at random before the first head."""

import time
from functools import partial

import numpy as np

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.clips import PoolClips
from aloe.learner.cache.scores import HeadScores
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.acquisition import random_scores
from aloe.learner.domain.arrays import BoolArray, IntArray
from aloe.learner.domain.auditing import with_audits
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import Pick
from aloe.learner.domain.selection import first_clips, first_open
from aloe.learner.recorder import Phase
from aloe.learner.usecases.head_scoring import (
    audit_places_of,
    audits_of,
    picks_of,
    scores_of,
)
from aloe.learner.usecases.orders import Asked, Ranked, basis_of
from aloe.values.states import ClipState
from aloe.values.strategies import SelectionRule

_QUICK_CLIP_COUNT = 32_768
"""Up to so many are ordered in less time than it takes to start another thread's work."""


async def rank_by_score(
    cached: CachedTask, head: Head | None, pool: CachedPool, asked: Asked
) -> Ranked:
    """Order the clips of a pool that has what the head reads."""
    basis = None
    # Again where task or pool changed meanwhile: all that decides is of one moment.
    while basis != (now := basis_of(cached, pool, asked)):
        basis = now
        # Taken here, on the event loop, since the view is not thread-safe.
        cached.view.grow(pool.row_count)
        is_open = asked.narrow(cached.view.states[: pool.row_count] == ClipState.UNLABELED)
        scores = None
        if head is not None:
            function = asked.strategy.acquisition_function
            scores = await scores_of(cached, function, head, pool, is_open)
    if head is None or scores is None:
        rows = first_open(_cold_order(cached, len(is_open)), is_open, asked.most)
        return Ranked(picks_of(None, rows, pool.clips), now)
    places = audit_places_of(cached, head, asked.most)
    pick = partial(
        _pick,
        scores,
        is_open,
        pool.clips,
        rule=asked.strategy.selection_rule,
        class_count=len(cached.task.classes),
        most=asked.most,
    )
    began = time.perf_counter()
    picks = pick() if len(is_open) <= _QUICK_CLIP_COUNT else await pool.run(pick)
    audits = audits_of(cached, scores, pool.clips, is_open, len(places))
    cached.times.spent(head.version, Phase.SELECTION, time.perf_counter() - began)
    return Ranked(with_audits(picks, audits, places)[: asked.most], now, asked.strategy)


def _cold_order(cached: CachedTask, clip_count: int) -> IntArray:
    """Return the order before the first head: at random by the task's seed."""
    if len(cached.ranks.cold_order) != clip_count:
        scores = random_scores(cached.task.seed, 0, clip_count)
        cached.ranks.cold_order = np.argsort(-scores, kind="stable")
    return cached.ranks.cold_order


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
    return picks_of(judged, rows, clips)
