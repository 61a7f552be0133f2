"""The order of clips by a rule that looks at how they lie to each other."""

import time
from functools import partial

from aloe.learner.cache.batches import RecentHerds
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.auditing import with_audits
from aloe.learner.domain.head import Head
from aloe.learner.recorder import Phase
from aloe.learner.usecases.asking import pick_batch, request_of
from aloe.learner.usecases.grounds import ground_of
from aloe.learner.usecases.head_scoring import (
    audit_places_of,
    audits_of,
    explained,
    picks_of,
    scores_of,
)
from aloe.learner.usecases.orders import Asked, Ranked, basis_of
from aloe.learner.usecases.preparing import make_ready


async def rank_by_batch(
    cached: CachedTask, head: Head | None, pool: CachedPool, asked: Asked, recent: RecentHerds
) -> Ranked:
    """Order the clips of a pool that has what the head reads."""
    async with cached.ranks.picking:
        basis, function = None, asked.strategy.acquisition_function
        # Again where task or pool changed meanwhile: all that decides is of one moment.
        while basis != (now := basis_of(cached, pool, asked)):
            basis = now
            cached.view.grow(pool.row_count)
            ground, scores = await ground_of(pool, asked.map_name), None
            unanswered = cached.view.unanswered_at_head()[: pool.row_count]
            if head is not None:
                scores = await scores_of(cached, function, head, pool, unanswered)
        request = request_of(
            cached,
            head,
            pool,
            ground,
            scores,
            rule=asked.strategy.selection_rule,
            may_be_candidate=unanswered,
            map_name=asked.map_name,
            batch_size=asked.batch_size,
            wanted=asked.most,
            may_be_asked=asked.among.first(pool.row_count) if asked.among else None,
        )
        if not request.is_open.any():
            return Ranked([], now, asked.strategy)
        places = audit_places_of(cached, head, asked.most)
        began = time.perf_counter()
        await make_ready(request, cached.ranks.herds, pool)
        batch = await pool.run(partial(pick_batch, request, cached.ranks.herds))
        recent.used(cached.ranks.herds)
    picks = explained(picks_of(scores, batch.rows, pool.clips), batch.reasons)
    if head is None or scores is None:
        return Ranked(picks, now, asked.strategy)
    audits = audits_of(cached, scores, pool.clips, request.is_open, len(places))
    cached.times.spent(head.version, Phase.SELECTION, time.perf_counter() - began)
    return Ranked(with_audits(picks, audits, places)[: asked.most], now, asked.strategy)
