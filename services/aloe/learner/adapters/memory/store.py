"""The Store in this process's memory: for trying out and for tests; it forgets when it ends."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from aloe.learner.adapters.memory.pools import MemoryPools
from aloe.learner.adapters.memory.state import Tables
from aloe.learner.adapters.memory.tasks import MemoryTasks


def utc_now() -> datetime:
    """Return the time of this machine, to the millisecond, as Redis has it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class MemoryStore(MemoryPools, MemoryTasks):
    """A Store without a server. No method waits for anything, so each is atomic."""

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        """Make an empty one; `now` tells the time in whole milliseconds."""
        tables = Tables()
        MemoryPools.__init__(self, tables, now)
        MemoryTasks.__init__(self, tables, now)
        self._identity = uuid.uuid4().hex

    @property
    def keeps_order(self) -> bool:
        return True

    async def identity(self) -> str:
        return self._identity

    async def prepare(self) -> None:
        """Nothing is older than this process."""

    async def close(self) -> None:
        """Nothing is open."""
