"""What is asked of tasks."""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from aloe.client import types
from aloe.client.asyncio.runner import AsyncRunner
from aloe.client.operations import (
    class_changes,
    results,
    tasks,
)
from aloe.client.operations.operation import Listing
from aloe.client.operations.tasks import UNCHANGED, Unchanged


class TaskCalls:
    """What is asked of tasks."""

    _runner: AsyncRunner
    _pool_ids: dict[str, str]

    async def create_task(
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
        return await self._runner.run(operation, timeout)

    async def get_task(self, task_id: str, *, timeout: timedelta | None = None) -> types.Task:
        return await self._runner.run(tasks.get_task(task_id), timeout)

    async def list_tasks(
        self, pool_id: str | None = None, *, timeout: timedelta | None = None
    ) -> Listing[types.Task]:
        return await self._runner.collect(tasks.list_tasks(pool_id), timeout)

    async def update_task(
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
        return await self._runner.run(operation, timeout)

    async def change_classes(
        self, task_id: str, change: types.ClassChange, *, timeout: timedelta | None = None
    ) -> types.ChangeClassesResult:
        return await self._runner.run(class_changes.change_classes(task_id, change), timeout)

    async def delete_task(self, task_id: str, *, timeout: timedelta | None = None) -> None:
        self._pool_ids.pop(task_id, None)
        await self._runner.run(tasks.delete_task(task_id), timeout)

    def watch_task(
        self, task_id: str, *, timeout: timedelta | None = None
    ) -> AsyncIterator[types.TaskUpdate]:
        return self._runner.stream(results.watch_task(task_id), timeout)

    async def _pool_id(self, task_id: str, timeout: timedelta | None) -> str:
        if task_id not in self._pool_ids:
            self._pool_ids[task_id] = (await self.get_task(task_id, timeout=timeout)).pool_id
        return self._pool_ids[task_id]
