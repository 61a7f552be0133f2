"""What is asked of the labels of a task."""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta

from aloe.client import types
from aloe.client.asyncio.learner_calls.tasks import TaskCalls
from aloe.client.errors import AloeError
from aloe.client.operations import (
    label_import,
    labeling,
    results,
    searches,
)


class LabelingCalls(TaskCalls):
    """What is asked of the labels of a task."""

    async def import_labels(
        self,
        task_id: str,
        labels: Iterable[types.KnownLabel],
        *,
        replace: bool = False,
        on_progress: label_import.OnProgress | None = None,
        timeout: timedelta | None = None,
    ) -> types.ImportLabelsResult:
        running = label_import.LabelImport(
            task_id,
            await self._pool_id(task_id, timeout),
            labels,
            replace=replace,
            max_message_bytes=self._runner.endpoint.max_message_bytes,
            on_progress=on_progress,
        )
        checks = running.checks()
        # Thousands of labels are written off the loop.
        while (check := await asyncio.to_thread(next, checks, None)) is not None:
            try:
                await self._runner.run(check, timeout)
            except AloeError as error:
                running.blame(error)
        async for done in self._runner.run_divided(running.stores(), timeout):
            running.add(done)
        return running.finish()

    async def query(
        self,
        task_id: str,
        oracle_id: str,
        *,
        max_clip_count: int = 0,
        min_head_version: int = 0,
        lease_duration: timedelta | None = None,
        request_id: str | None = None,
        filter: str = "",
        clip_ids: Sequence[str] = (),
        like: types.Like | None = None,
        similarity: types.Similarity = types.Similarity.COSINE,
        timeout: timedelta | None = None,
    ) -> types.QueryResult:
        # Ids are of clips of the task's pool, which takes a call to know.
        named = bool(clip_ids) or isinstance(like, str)
        clips, example = searches.encode_choice(
            await self._pool_id(task_id, timeout) if named else "",
            clip_ids,
            like,
            similarity,
            self._runner.endpoint.max_clip_bytes,
        )
        operation = labeling.query(
            task_id,
            oracle_id,
            max_clip_count=max_clip_count,
            min_head_version=min_head_version,
            lease_duration=lease_duration,
            request_id=request_id,
            filter=filter,
            clips=clips,
            like=example,
        )
        return await self._runner.run(operation, timeout)

    async def submit_labels(
        self,
        task_id: str,
        oracle_id: str,
        answers: Iterable[types.Answer],
        *,
        request_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> types.SubmitResult:
        operation = labeling.submit_labels(task_id, oracle_id, answers, request_id=request_id)
        return await self._runner.run(operation, timeout)

    async def release_leases(
        self,
        task_id: str,
        oracle_id: str,
        lease_ids: Sequence[str] = (),
        *,
        timeout: timedelta | None = None,
    ) -> int:
        return await self._runner.run(
            labeling.release_leases(task_id, oracle_id, lease_ids), timeout
        )

    async def renew_leases(
        self,
        task_id: str,
        oracle_id: str,
        lease_ids: Sequence[str],
        *,
        lease_duration: timedelta | None = None,
        timeout: timedelta | None = None,
    ) -> datetime:
        operation = labeling.renew_leases(task_id, oracle_id, lease_ids, lease_duration)
        return await self._runner.run(operation, timeout)

    def export_labels(
        self, task_id: str, filter: str = "", *, timeout: timedelta | None = None
    ) -> AsyncIterator[types.StoredLabel]:
        return self._runner.stream(results.export_labels(task_id, filter), timeout)

    def list_events(
        self, task_id: str, *, timeout: timedelta | None = None
    ) -> AsyncIterator[types.TaskEvent]:
        return self._runner.pages(results.list_events(task_id), timeout)

    def replay_task(
        self, task_id: str, *, timeout: timedelta | None = None
    ) -> AsyncIterator[types.TaskReplay]:
        return self._runner.stream(results.replay_task(task_id), timeout)
