"""ChangeClasses: a task's classes are added, renamed, merged, retired, restored and described."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.class_changes import changed_classes, teaches
from aloe.learner.domain.errors import InvalidInput, TaskChanged
from aloe.learner.domain.several_checks import several_in_cell
from aloe.learner.domain.task import Task
from aloe.learner.ports.store import Store
from aloe.learner.usecases.tasks import Tasks
from aloe.learner.usecases.training import Trainer
from aloe.learner.usecases.watching import TaskState
from aloe.values.classes import AddClass, ClassChange, RenameClass
from aloe.values.labels import SEPARATOR, LabelMode

_MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class Reclassed:
    """The outcome of a change of classes."""

    state: TaskState
    head_version: int | None
    """The head that will have them; None where none is due because of the change."""


class Reclassing:
    """Changes the classes of tasks."""

    def __init__(
        self,
        store: Store,
        cache: TaskCache,
        tasks: Tasks,
        trainer: Trainer,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._cache, self._now = store, cache, now
        self._tasks, self._trainer = tasks, trainer

    async def change(self, task_id: str, change: ClassChange) -> Reclassed:
        """Make a change; where others changed the task meanwhile, on top of their changes.

        Raises:
            InvalidInput: the change cannot be made of the classes that there are.
            TaskChanged: others kept changing the task.
        """
        tries, version = 0, None
        while True:
            tries += 1
            task, _ = await self._store.read_task(task_id)
            table = changed_classes(task.class_table, change, self._now())
            _check_cells(task, change)
            if table == task.class_table:  # It was made before.
                break
            try:
                version = await self._store.change_classes(
                    task.reclassed(table, uuid.uuid4().hex), teaches=teaches(change)
                )
                break
            except TaskChanged:
                if tries == _MOST_TRIES:
                    raise
        if version is not None:
            self._trainer.notify(task_id)
        await self._cache.fresh(task_id)  # Predictions from now on know of it.
        return Reclassed(await self._tasks.get(task_id), version)


def _check_cells(task: Task, change: ClassChange) -> None:
    """Refuse a name that would be several in a table of several labels a clip."""
    if task.label_mode is LabelMode.SINGLE:
        return
    if isinstance(change, AddClass) and SEPARATOR in change.name:
        raise InvalidInput.of("add.name", several_in_cell(change.name))
    if isinstance(change, RenameClass) and SEPARATOR in change.new_name:
        raise InvalidInput.of("rename.new_name", several_in_cell(change.new_name))
