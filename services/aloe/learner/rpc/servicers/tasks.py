"""RPCs about tasks."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

from aloe.learner.rpc import (
    classes,
    fields,
    heads,
    tasks,
)
from aloe.learner.rpc.servicers.base import Rpcs
from aloe.learner.rpc.statuses import write_unreadable
from aloe.v1 import (
    class_change_pb2,
    task_pb2,
)
from aloe.wire import names


class TaskRpcs(Rpcs):
    """RPCs about tasks."""

    async def CreateTask(
        self, request: task_pb2.CreateTaskRequest, context: Any
    ) -> task_pb2.CreateTaskResponse:
        task = tasks.read_task(
            request.task,
            fields.read_id(request.task_id, "task_id"),
            pool_id=fields.read_pool_id(request.task.pool, "task.pool"),
            epoch=uuid.uuid4().hex,
            create_time=self._learner.now(),
            recipe=tasks.read_recipe(request.recipe, request.task),
        )
        return task_pb2.CreateTaskResponse(
            task=tasks.write_task(await self._learner.tasks.create(task))
        )

    async def GetTask(
        self, request: task_pb2.GetTaskRequest, context: Any
    ) -> task_pb2.GetTaskResponse:
        state = await self._learner.tasks.get(fields.read_task_id(request.name, "name"))
        return task_pb2.GetTaskResponse(task=tasks.write_task(state))

    async def ListTasks(
        self, request: task_pb2.ListTasksRequest, context: Any
    ) -> task_pb2.ListTasksResponse:
        count = fields.read_page_size(request.page_size)
        pool_id = fields.read_pool_id(request.pool, "pool") if request.pool else None
        listing = await self._learner.tasks.list_after(
            fields.read_optional_id(request.page_token, "page_token"), count, pool_id
        )
        return task_pb2.ListTasksResponse(
            tasks=map(tasks.write_task, listing.found),
            next_page_token=listing.last_id,
            unreadable=[
                write_unreadable(names.task_name(each), error) for each, error in listing.unreadable
            ],
        )

    async def UpdateTask(
        self, request: task_pb2.UpdateTaskRequest, context: Any
    ) -> task_pb2.UpdateTaskResponse:
        state = await self._learner.tasks.update(
            fields.read_task_id(request.task.name, "task.name"),
            tasks.read_change(request.task, request.update_mask),
        )
        return task_pb2.UpdateTaskResponse(task=tasks.write_task(state))

    async def ChangeClasses(
        self, request: class_change_pb2.ChangeClassesRequest, context: Any
    ) -> class_change_pb2.ChangeClassesResponse:
        outcome = await self._learner.reclassing.change(
            fields.read_task_id(request.task, "task"), classes.read_change(request)
        )
        return class_change_pb2.ChangeClassesResponse(
            task=tasks.write_task(outcome.state), head_version=outcome.head_version
        )

    async def DeleteTask(
        self, request: task_pb2.DeleteTaskRequest, context: Any
    ) -> task_pb2.DeleteTaskResponse:
        await self._learner.tasks.delete(fields.read_task_id(request.name, "name"))
        return task_pb2.DeleteTaskResponse()

    async def WatchTask(
        self, request: task_pb2.WatchTaskRequest, context: Any
    ) -> AsyncIterator[task_pb2.WatchTaskResponse]:
        task_id = fields.read_task_id(request.task, "task")
        async for update in self._learner.tasks.watch(task_id):
            if update.written is None:
                update.written = task_pb2.WatchTaskResponse(
                    task=tasks.write_task(update.state),
                    last_round=heads.write_round(update.report) if update.report else None,
                )
            yield update.written
