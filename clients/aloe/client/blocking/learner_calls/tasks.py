"""What is asked of tasks."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from aloe.client import types
from aloe.client.blocking.runner import SyncRunner
from aloe.client.operations import (
    class_changes,
    results,
    tasks,
)
from aloe.client.operations.operation import Listing
from aloe.client.operations.tasks import UNCHANGED, Unchanged


class TaskCalls:
    """What is asked of tasks."""

    _runner: SyncRunner
    _pool_ids: dict[str, str]

    def create_task(
        self,
        task_id: str,
        pool_id: str,
        classes: Sequence[str],
        *,
        recipe: types.RecipeName = types.RecipeName.BEST,
        query_strategy: types.QueryStrategy | None = None,
        head_recipe: types.HeadRecipe | None = None,
        representation: types.Representation | None = None,
        label_budget: int | None = None,
        lease_duration: timedelta | None = None,
        seed: int = 0,
        max_leases_per_oracle: int | None = None,
        stopping_rule: types.StoppingRule | None = None,
        estimate_accuracy: bool | None = None,
        audit_share: float | None = None,
        window_spacing: timedelta | None = None,
        label_mode: types.LabelMode = types.LabelMode.SINGLE,
        unmentioned: types.Unmentioned | None = None,
        timeout: timedelta | None = None,
    ) -> types.Task:
        """Create a task on a pool; an equal one that exists is no error.

        Args:
            task_id: 1 to 128 letters, digits, '_', '-', '.' or '~'.
            pool_id: whose clips it asks about.
            classes: the answers, at least two.
            recipe: stands for the next three where they are not given.
            query_strategy: which clips are asked first.
            head_recipe: how heads are trained.
            representation: what heads read of a clip.
            label_budget: labels that oracles may spend; None for no limit.
            lease_duration: how long an oracle holds a clip; None for the server's 5 minutes.
            seed: fixes every random choice of the task.
            max_leases_per_oracle: clips that one oracle may hold at a time; None for no limit.
            stopping_rule: when the task has labels enough; it advises and refuses nothing.
            estimate_accuracy: whether rounds estimate how often their heads are right, without
                validation labels; None does unless heads are trained by Adam.
            audit_share: part of the clips to ask that are drawn at random, from the 51st on, 0 to
                0.5, so that estimates do not rest on what the query strategy asked for alone; None
                for 0.
            window_spacing: how far windows of one recording lie apart that are asked at a time;
                None has them not overlap.
            label_mode: how many of the classes a clip may be of; with several, answers are sets.
            unmentioned: with several, what holds of the classes that an answer does not name; None
                for that the clip is not of them.
            timeout: of the whole call.
        """
        operation = tasks.create_task(
            task_id,
            pool_id,
            classes,
            recipe=recipe,
            query_strategy=query_strategy,
            head_recipe=head_recipe,
            representation=representation,
            label_budget=label_budget,
            lease_duration=lease_duration,
            seed=seed,
            max_leases_per_oracle=max_leases_per_oracle,
            stopping_rule=stopping_rule,
            estimate_accuracy=estimate_accuracy,
            audit_share=audit_share,
            window_spacing=window_spacing,
            label_mode=label_mode,
            unmentioned=unmentioned,
        )
        self._pool_ids.pop(task_id, None)
        return self._runner.run(operation, timeout)

    def get_task(self, task_id: str, *, timeout: timedelta | None = None) -> types.Task:
        return self._runner.run(tasks.get_task(task_id), timeout)

    def list_tasks(
        self, pool_id: str | None = None, *, timeout: timedelta | None = None
    ) -> Listing[types.Task]:
        """List the tasks of one pool, or all."""
        return self._runner.collect(tasks.list_tasks(pool_id), timeout)

    def update_task(
        self,
        task_id: str,
        *,
        query_strategy: types.QueryStrategy | Unchanged = UNCHANGED,
        acquisition_function: types.AcquisitionFunction | Unchanged = UNCHANGED,
        selection_rule: types.SelectionRule | Unchanged = UNCHANGED,
        head_recipe: types.HeadRecipe | Unchanged = UNCHANGED,
        representation: types.Representation | Unchanged = UNCHANGED,
        label_budget: int | Unchanged | None = UNCHANGED,
        lease_duration: timedelta | Unchanged | None = UNCHANGED,
        max_leases_per_oracle: int | Unchanged | None = UNCHANGED,
        stopping_rule: types.StoppingRule | Unchanged | None = UNCHANGED,
        estimate_accuracy: bool | Unchanged | None = UNCHANGED,
        audit_share: float | Unchanged | None = UNCHANGED,
        window_spacing: timedelta | Unchanged | None = UNCHANGED,
        timeout: timedelta | None = None,
    ) -> types.Task:
        """Change the fields that are given, all in one step; None means as in create_task.

        acquisition_function and selection_rule each change their part of the query strategy and
        leave the other part as it is.
        """
        operation = tasks.update_task(
            task_id,
            query_strategy=query_strategy,
            acquisition_function=acquisition_function,
            selection_rule=selection_rule,
            head_recipe=head_recipe,
            representation=representation,
            label_budget=label_budget,
            lease_duration=lease_duration,
            max_leases_per_oracle=max_leases_per_oracle,
            stopping_rule=stopping_rule,
            estimate_accuracy=estimate_accuracy,
            audit_share=audit_share,
            window_spacing=window_spacing,
        )
        return self._runner.run(operation, timeout)

    def change_classes(
        self, task_id: str, change: types.ClassChange, *, timeout: timedelta | None = None
    ) -> types.ChangeClassesResult:
        """Make one change of the task's classes, as AddClass or MergeClass; see ClassChange.

        No label is lost. The next head is trained as if the task had always had the classes that
        are active then. Repeating a change changes nothing.
        """
        return self._runner.run(class_changes.change_classes(task_id, change), timeout)

    def delete_task(self, task_id: str, *, timeout: timedelta | None = None) -> None:
        """Delete a task with its labels, heads and rounds; the pool stays."""
        self._pool_ids.pop(task_id, None)
        self._runner.run(tasks.delete_task(task_id), timeout)

    def watch_task(
        self, task_id: str, *, timeout: timedelta | None = None
    ) -> Iterator[types.TaskUpdate]:
        """Yield the task now and whenever it has changed, without end.

        The timeout is how long the server may be away before Unavailable is raised.
        """
        return self._runner.stream(results.watch_task(task_id), timeout)

    def _pool_id(self, task_id: str, timeout: timedelta | None) -> str:
        """Return the pool of a task, which the full names of its clips need; asked for once."""
        if task_id not in self._pool_ids:
            self._pool_ids[task_id] = self.get_task(task_id, timeout=timeout).pool_id
        return self._pool_ids[task_id]
