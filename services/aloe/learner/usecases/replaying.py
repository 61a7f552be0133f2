"""A task's log done again: every head trained and every clip picked anew, and compared.

The log says of each head which labels it learned and what it read, and of each pick what the task
and its pool were like and which head judged. With the pool's vectors, its maps and the task's
settings and seed that decides both, bit for bit on one machine. Nothing that a learner keeps in
memory of the task is used.
"""

import time
from collections.abc import AsyncIterator

from aloe.learner.bulkheads import TRAINING, Threads
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import read_log
from aloe.learner.domain.events import START_OF_LOG
from aloe.learner.domain.replay import Replay
from aloe.learner.ports.store import Store
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.ranking import Ranking
from aloe.learner.usecases.replay_run import Plan, ReplayRun, Workshop

_TELL_S = 0.5


class Replaying:
    """Does the logs of tasks again."""

    def __init__(self, store: Store, pools: PoolCache, maps: PoolMaps) -> None:
        self._store, self._pools = store, pools
        self._threads, self._ranking = Threads(TRAINING), Ranking(pools, maps)
        self._workshop = Workshop(store, pools, maps, self._ranking, self._threads)

    def close(self) -> None:
        """Let go of threads."""
        self._threads.close()
        self._ranking.close()

    async def replay(self, task_id: str) -> AsyncIterator[Replay]:
        """Yield how far it is now and then, and at the end what was found.

        What happens to the task meanwhile is not looked at.

        Raises:
            TaskNotFound: there is no such task.
            StoreWentBack: the store went back to an earlier state meanwhile.
        """
        task, _ = await self._store.read_task(task_id)
        plan = Plan()
        async for events in read_log(self._store, task, START_OF_LOG):
            for event in events:
                plan.take(event)
        run = ReplayRun(self._workshop, task, await self._pools.fresh(task.pool_id), plan)
        told = time.monotonic()
        async for events in read_log(self._store, task, START_OF_LOG):
            for event in events:
                if run.is_done:
                    break
                await run.do(event)
                if time.monotonic() - told > _TELL_S:
                    yield run.found.copy()
                    told = time.monotonic()
        yield run.found.copy()
