"""Running a round: its parts side by side, on the threads that they are for."""

import asyncio
import time
from dataclasses import replace
from functools import partial

from aloe.learner.bulkheads import Threads
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.head import Head
from aloe.learner.domain.holding_out import HeldOut
from aloe.learner.domain.round_work import RoundInputs, holding_out, round_of, train
from aloe.learner.domain.rounds import Round
from aloe.learner.usecases.preparing import judge


async def run_round(
    inputs: RoundInputs, cached: CachedTask, pool: CachedPool, threads: Threads
) -> tuple[Head, Round]:
    """Train the ticket's head, evaluate it, and judge the unanswered clips by it.

    Args:
        inputs: decide the head and its round, whoever runs it.
        cached: the task.
        pool: the task's, with what the head reads.
        threads: for training.
    """
    held_out = asyncio.create_task(_hold_out(inputs, threads))
    try:
        trained = await threads.run(partial(train, inputs))
        evaluated = time.perf_counter()
        judged = await judge(cached, pool, trained.head, inputs)
        round_ = await threads.run(partial(round_of, inputs, trained, judged, await held_out))
    finally:
        held_out.cancel()
    statistics_s = time.perf_counter() - evaluated if len(judged.uncertainties) else None
    return trained.head, replace(round_, statistics_s=statistics_s)


async def _hold_out(inputs: RoundInputs, threads: Threads) -> HeldOut | None:
    held_out = await threads.run(partial(holding_out, inputs))
    if held_out is None:
        return None
    shares = (partial(held_out.share, number) for number in range(held_out.share_count))
    await asyncio.gather(*map(threads.run, shares))
    return held_out.outcome()
