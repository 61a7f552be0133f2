"""Tasks in memory: the same changes as the scripts in redis/lua/, in Python."""

from collections.abc import Sequence

from aloe.learner.adapters import refusals
from aloe.learner.adapters.memory.answers import MemoryAnswers
from aloe.learner.adapters.memory.leases import MemoryLeases
from aloe.learner.adapters.memory.rounds import MemoryRounds
from aloe.learner.adapters.memory.state import StoredTask
from aloe.learner.adapters.memory.task_table import expire_leases
from aloe.learner.domain.events import Event, event_order
from aloe.learner.domain.task import Task, TaskProgress
from aloe.learner.ports.tasks import TaskMark
from aloe.values.states import EventKind


class MemoryTasks(MemoryLeases, MemoryAnswers, MemoryRounds):
    """The TaskStore of a process."""

    async def create_task(self, task: Task) -> Task:
        if task.pool_id not in self._tables.pools:
            raise refusals.pool_not_found(task.pool_id)
        if task.task_id not in self._tables.tasks:
            created = self._tables.tasks[task.task_id] = StoredTask(task)
            created.log(EventKind.TASK_CREATED, settings=task)
        stored = self._stored(task.task_id).task
        if not stored.same_content(task):
            raise refusals.task_id_taken(task.task_id)
        return stored

    async def read_task(self, task_id: str) -> tuple[Task, TaskProgress]:
        stored = self._stored(task_id)
        expire_leases(stored, self._now())
        return stored.task, stored.progress()

    async def list_task_ids(self, pool_id: str | None) -> list[str]:
        return sorted(
            task_id
            for task_id, stored in self._tables.tasks.items()
            if pool_id in (None, stored.task.pool_id)
        )

    async def update_task(self, task: Task) -> None:
        stored = self._fenced(task)
        if stored.task == task.updated():
            return
        if stored.task.revision != task.revision:
            raise refusals.task_updated(task.task_id)
        stored.task = task.updated()
        stored.log(EventKind.TASK_UPDATED, settings=stored.task)

    async def change_classes(self, task: Task, *, teaches: bool) -> int | None:
        stored = self._fenced(task)
        if stored.task != task.updated():
            if stored.task.revision != task.revision:
                raise refusals.task_updated(task.task_id)
            stored.task = task.updated()
            stored.label_revision += teaches
            stored.log(EventKind.CLASSES_CHANGED, settings=stored.task)
        due = teaches and stored.is_trainable
        return stored.progress().promised_head_version if due else None

    async def delete_task(self, task_id: str) -> None:
        self._stored(task_id)
        del self._tables.tasks[task_id]

    async def read_events(self, task: Task, after: str, at_most: int | None = None) -> list[Event]:
        _, place = event_order(after)
        end = None if at_most is None else place + at_most
        events = self._fenced(task).events
        if place > len(events):
            raise refusals.log_went_back(task.task_id)
        return events[place:end]

    async def changed_since(self, marks: Sequence[TaskMark]) -> set[str]:
        return {mark.task_id for mark in marks if self._has_changed(mark)}

    def _has_changed(self, mark: TaskMark) -> bool:
        stored = self._tables.tasks.get(mark.task_id)
        if stored is None or (stored.ends and stored.ends[0][0] <= self._now()):
            return True
        training = stored.training.version if stored.training else None
        now = TaskMark(mark.task_id, stored.task.epoch, stored.events[-1].event_id, training)
        return now != mark
