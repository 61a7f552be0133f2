"""The order of clips by a function on their pool's graph."""

import asyncio
import time
from functools import partial

from aloe.admission.gate import not_working
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.graphs import PoolGraphs
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.auditing import with_audits
from aloe.learner.domain.head import Head
from aloe.learner.recorder import Phase
from aloe.learner.usecases.graph_asking import GraphRequest, pick_on_graph
from aloe.learner.usecases.head_scoring import (
    audit_places_of,
    audits_of,
    explained,
    picks_of,
    scores_of,
)
from aloe.learner.usecases.orders import Asked, Ranked, basis_of
from aloe.values.states import ClipState


async def rank_on_graph(
    cached: CachedTask, head: Head | None, pool: CachedPool, asked: Asked, graphs: PoolGraphs
) -> Ranked:
    """Order the clips of a pool that has what the head reads; wait for its graph."""
    basis, function = None, asked.strategy.acquisition_function
    # Again where task or pool changed meanwhile: all that decides is of one moment.
    while basis != (now := basis_of(cached, pool, asked)):
        making = graphs.begin(pool, asked.map_name)
        if not making.done():
            async with not_working():
                await asyncio.shield(making)
            continue
        basis, judged = now, None
        cached.view.grow(pool.row_count)
        states = cached.view.states[: pool.row_count].copy()
        is_open = asked.narrow(states == ClipState.UNLABELED)
        if head is not None:
            judged = await scores_of(cached, function, head, pool, is_open)
    places = audit_places_of(cached, head, asked.most)
    request = GraphRequest(
        strategy=asked.strategy,
        class_count=len(cached.task.classes),
        graph=making.result(),
        vectors=pool.matrix(asked.map_name),
        states=states,
        is_open=is_open,
        wanted=asked.most,
        margins=judged.scores if judged else None,
        predicted=judged.predicted if judged else None,
    )
    began = time.perf_counter()
    batch = await pool.run(partial(pick_on_graph, request))
    picks = explained(picks_of(judged, batch.rows, pool.clips), batch.reasons)
    if head is None or judged is None:
        return Ranked(picks, now, asked.strategy)
    scores = batch.scores.tolist()
    picks = [pick._replace(score=score) for pick, score in zip(picks, scores, strict=True)]
    audits = audits_of(cached, judged, pool.clips, is_open, len(places))
    cached.times.spent(head.version, Phase.SELECTION, time.perf_counter() - began)
    return Ranked(with_audits(picks, audits, places)[: asked.most], now, asked.strategy)
