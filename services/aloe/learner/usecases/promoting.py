"""Heads by version or name, and the names that production asks for."""

from datetime import datetime

from aloe.learner.cache.tasks import CachedTask, TaskCache
from aloe.learner.domain.head import Head
from aloe.learner.domain.promotions import Promotion, check_promotion_id, head_version_of
from aloe.learner.ports.store import Store


async def find_head(store: Store, cached: CachedTask, head: str) -> Head:
    """Return the head of a version or name, the newest one for none.

    Raises:
        HeadNotTrained: the newest is asked for, and the task has no head yet.
        HeadVersionUnknown: the task does not keep a head of that version.
        PromotionNotFound: no head has that name.
    """
    version = head_version_of(head)
    if version is None:
        return await cached.named_head(store, head)
    return await cached.kept_head(store, version) if version else await cached.head(store)


class Promoting:
    """Gives heads names, and takes them off."""

    def __init__(self, store: Store, tasks: TaskCache) -> None:
        self._store, self._tasks = store, tasks

    async def promote(
        self, task_id: str, promotion_id: str, version: int, promote_time: datetime | None = None
    ) -> Promotion:
        """Give a head a name, as of a time, now by default; return what has it now.

        Raises:
            InvalidInput: the name could be taken for a version, or there are too many.
            HeadVersionUnknown: the head is not kept.
        """
        check_promotion_id(promotion_id, "promotion_id")
        cached = await self._tasks.fresh(task_id)
        promotion = await self._store.promote_head(cached.task, promotion_id, version, promote_time)
        await self._tasks.fresh(task_id)  # Predictions from now on know of it.
        return promotion

    async def demote(self, task_id: str, promotion_id: str) -> None:
        """Take a name off the head that has it. Raises PromotionNotFound."""
        cached = await self._tasks.fresh(task_id)
        await self._store.demote_head(cached.task, promotion_id)
        await self._tasks.fresh(task_id)

    async def list_all(self, task_id: str) -> list[Promotion]:
        """Return the names that heads of a task have, by name."""
        cached = await self._tasks.fresh(task_id)
        return await self._store.read_promotions(cached.task)
