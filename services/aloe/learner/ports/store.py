"""All that the learner keeps.

Guarantees of every store, whatever its adapter (tests/contract holds each to them, and compares
all of them call by call):

- Each method is one atomic change: it happens whole or not at all, also when the caller dies. What
  a method returned is as durable as the store itself.
- Methods may be called at once by any number of tasks and processes.
- `lease` and `submit` answer a repeated request id with their first answer, for REQUEST_LIFE.
- Methods that take a Task are fenced by its epoch: TaskChanged if the task was made anew,
  TaskNotFound if it is gone. Those that take a Pool raise PoolNotFound in both cases. Of the rest
  of a Task or Pool nothing counts: what is stored does.
- Every method raises StoreUnavailable while the store cannot be reached. Then a change may or may
  not have happened; repeating it is safe. Those that change something raise StoreFull while there
  is no room for it, StoreForbidden where the store does not let this server do it, and StoreDamaged
  where what they would read or change is none of ours or not whole; then nothing has happened.
- Times are kept, and leases timed, to the millisecond.
"""

from typing import Protocol

from aloe.learner.ports.pools import PoolStore
from aloe.learner.ports.tasks import TaskStore


class Store(PoolStore, TaskStore, Protocol):
    """All that the learner keeps."""

    @property
    def keeps_order(self) -> bool:
        """Whether calls are carried out in the order in which they were begun."""

    async def identity(self) -> str:
        """Return an id, one path segment, that the data has for good; emptied, it has another."""

    async def prepare(self) -> None:
        """Bring what older servers left up to date; to be called once, before other methods.

        Raises:
            SchemaTooNew: a newer server has been here.
            StoreUnfit: the store is none, or deletes what it is given, by how it is set up, or
                what it holds of its own is damaged.
        """

    async def close(self) -> None:
        """Let go of connections."""
