"""Scores of a task's clips by a head, and the picks that they make."""

import time

import numpy as np

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.clips import PoolClips
from aloe.learner.cache.scores import HeadScores
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.arrays import BoolArray, IntArray
from aloe.learner.domain.auditing import audit_places, audit_rows
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import Pick, Reason
from aloe.learner.recorder import Phase
from aloe.learner.usecases.grounds import ground_of_scores
from aloe.values.strategies import AcquisitionFunction


async def scores_of(
    cached: CachedTask,
    function: AcquisitionFunction,
    head: Head,
    pool: CachedPool,
    is_open: BoolArray,
) -> HeadScores:
    """Return the head's scores of the open clips, after scoring those that have none yet."""
    ranks = cached.ranks_on(pool)
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


def picks_of(
    judged: HeadScores | None, rows: IntArray, clips: PoolClips, *, is_audit: bool = False
) -> list[Pick]:
    """Return picks of some rows, (n,) int64, with the head's scores if there is one."""
    order = rows.tolist()
    hashes = clips.content_hashes(order)
    if judged is None:
        return [Pick(row, None, NO_CLASS, each) for row, each in zip(order, hashes, strict=True)]
    columns = judged.scores[rows].tolist(), judged.predicted[rows].tolist(), hashes
    return [Pick(*each, is_audit) for each in zip(order, *columns, strict=True)]


def explained(picks: list[Pick], reasons: list[Reason]) -> list[Pick]:
    """Return picks with the reason of each."""
    return [pick._replace(reason=each) for pick, each in zip(picks, reasons, strict=True)]


def audit_places_of(cached: CachedTask, head: Head | None, most: int) -> IntArray:
    """Return which of the next picks are audits, as things are now: (n,) int64."""
    share = cached.task.audit_share
    if head is None or not share:
        return np.empty(0, np.int64)
    return audit_places(share, cached.view.asked_count(), most)


def audits_of(
    cached: CachedTask, judged: HeadScores, clips: PoolClips, is_open: BoolArray, count: int
) -> list[Pick]:
    """Draw open clips at random."""
    rows = audit_rows(cached.task.seed, is_open, count) if count else np.empty(0, np.int64)
    audits = picks_of(judged, rows, clips, is_audit=True)
    return [each._replace(score=None) for each in audits] if judged.is_part else audits
