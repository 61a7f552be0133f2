"""What ranks a task's clips by a new head, made ready on all cores.

The process that trains a head does so before it publishes that, if it ranks the task's clips; then
the first query after the head need not wait. Any other does it as it is asked.
"""

import asyncio
import time
from functools import partial
from itertools import pairwise

import numpy as np

from aloe.learner.bulkheads import SCORING
from aloe.learner.cache.batches import Cover, Herd, Herds, Nearness
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.scores import HeadScores
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.arrays import IntArray
from aloe.learner.domain.batches.herding import HerdingState
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge
from aloe.learner.domain.pool_statistics import Judged
from aloe.learner.domain.round_work import RoundInputs, judged_by, rows_of_figures
from aloe.learner.recorder import Phase
from aloe.learner.usecases.asking import (
    ANSWERED,
    BatchRequest,
    candidates_of,
    outside_of,
    reference_weights,
    request_of,
)
from aloe.learner.usecases.grounds import ground_of, ground_of_scores
from aloe.values.strategies import AcquisitionFunction, SelectionRule


async def judge(cached: CachedTask, pool: CachedPool, head: Head, inputs: RoundInputs) -> Judged:
    """Judge the clips of a round's figures by its head.

    Where this process ranks the task's clips, all that may be asked for are scored in the same
    pass, and what picks among them is made ready.

    Args:
        cached: the task.
        pool: the task's, with what the head reads.
        head: the round's, not published yet.
        inputs: of the round.
    """
    heads = [each for each in (head, inputs.previous_head) if each]
    judges = [Judge(each, AcquisitionFunction.LEAST_CONFIDENCE) for each in heads]
    rows, scorer = rows_of_figures(inputs), pool.scorer(inputs.map_name)
    ranks = cached.ranks_on(pool)
    if not ranks.batch_size:
        found = await scorer.score(judges, inputs.vectors, rows)
        return judged_by(heads, inputs.ticket.task, *found)
    began, unanswered = time.perf_counter(), inputs.view.unanswered_rows()
    function = cached.task.query_strategy.acquisition_function
    ground = await ground_of_scores(function, pool, head.map_name)
    scores = HeadScores(head, function, cached.task.seed, ground)
    found = await scores.begin(scorer, inputs.vectors, unanswered, judges)
    judged = judged_by(heads, inputs.ticket.task, *found)
    if not len(rows):  # It is for queries alone.
        cached.times.spent(head.version, Phase.SCORING, time.perf_counter() - began)
    ranks.next = scores
    await _make_ready(cached, pool, head, scores, len(inputs.vectors))
    return await pool.run(lambda: judged.at(np.searchsorted(unanswered, rows)))


async def _make_ready(
    cached: CachedTask, pool: CachedPool, head: Head, scores: HeadScores, row_count: int
) -> None:
    """Make ready what picks by a head that is not published yet."""
    herds, batch_size = cached.ranks_on(pool).herds, cached.ranks_on(pool).batch_size
    is_herding = cached.task.query_strategy.selection_rule is SelectionRule.HERDING
    # Without a herd it was forgotten, or nothing was picked yet: others need the memory more.
    if not is_herding or herds.herd is None:
        return
    ground = await ground_of(pool, head.map_name)
    if pool.row_count != row_count:  # It grew meanwhile.
        return
    cached.view.grow(row_count)
    request = request_of(
        cached,
        head,
        pool,
        ground,
        scores,
        rule=SelectionRule.HERDING,
        may_be_candidate=cached.view.unanswered()[:row_count] & scores.has_score,
        map_name=head.map_name,
        batch_size=batch_size,
        wanted=batch_size,
        may_be_asked=None,
    )
    herds.next = await _herd_of(request, herds, pool)


async def make_ready(request: BatchRequest, herds: Herds, pool: CachedPool) -> None:
    """Make ready what a batch is picked with, unless that was done."""
    is_herding = request.rule is SelectionRule.HERDING
    if is_herding and request.head and not herds.has(request.head, request.ground):
        herds.next = await _herd_of(request, herds, pool)


async def _herd_of(request: BatchRequest, herds: Herds, pool: CachedPool) -> tuple[Herd, Cover]:
    """Return the herd of a head's candidates, and the answered clips besides."""
    rows, nearness = await pool.run(partial(_begin, request, herds.herd))
    ends = np.linspace(0, nearness.missing_count, SCORING.thread_count + 1).astype(int).tolist()
    shares = (partial(nearness.share, begin, end) for begin, end in pairwise(ends))
    state, answered, _ = await asyncio.gather(
        pool.run(partial(_state, request, nearness)),
        pool.run(partial(_answered, request, herds, rows)),
        asyncio.gather(*map(pool.run, shares)),
    )
    return Herd(request.head, request.ground, rows, state), answered


def _begin(request: BatchRequest, known: Herd | None) -> tuple[IntArray, Nearness]:
    rows = candidates_of(request)
    return rows, Nearness(request.ground, request.vectors, rows, known)


def _state(request: BatchRequest, nearness: Nearness) -> HerdingState:
    """Return the state; others fill in what is missing of the similarities meanwhile."""
    return HerdingState(reference_weights(request), nearness.similarities)


def _answered(request: BatchRequest, herds: Herds, rows: IntArray) -> Cover:
    answered = outside_of(request, rows, ANSWERED)
    return herds.answered(request.ground, request.vectors, answered)
