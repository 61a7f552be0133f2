"""What is asked of the heads of a task."""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from aloe.client import types
from aloe.client.asyncio.learner_calls.tasks import TaskCalls
from aloe.client.operations import (
    head_backups,
    pool_predictions,
    predictions,
    results,
)


class HeadCalls(TaskCalls):
    """What is asked of the heads of a task."""

    async def predict(
        self,
        task_id: str,
        *,
        audio: Sequence[types.Audio] | None = None,
        embeddings: types.Float32Array | None = None,
        clip_ids: Sequence[str] | None = None,
        min_head_version: int = 0,
        head: int | str = 0,
        max_expected_error: float | None = None,
        on_progress: Callable[[int], None] | None = None,
        timeout: timedelta | None = None,
    ) -> types.Predictions:
        predictions.check_one_input(audio, embeddings, clip_ids)
        inputs: predictions.PredictInputs[Any]
        if audio is not None:
            inputs = predictions.audio_inputs(audio, self._runner.endpoint.max_clip_bytes)
        elif embeddings is not None:
            inputs = predictions.embedding_inputs(embeddings)
        else:
            pool_id = await self._pool_id(task_id, timeout)
            inputs = predictions.clip_inputs(pool_id, clip_ids or ())
        running = predictions.PredictRun(
            task_id,
            inputs,
            min_head_version=min_head_version,
            head=head,
            max_expected_error=max_expected_error,
            max_message_bytes=self._runner.endpoint.max_message_bytes,
            on_progress=on_progress,
        )
        async for answer in self._runner.run_divided(running.operations(), timeout):
            running.add(answer)
        return running.finish()

    def predict_pool(
        self,
        task_id: str,
        *,
        head: int | str = 0,
        min_clip_number: int = 0,
        max_expected_error: float | None = None,
        filter: str = "",
        timeout: timedelta | None = None,
    ) -> AsyncIterator[types.PoolPredictions]:
        operation = pool_predictions.predict_pool(
            task_id, head, min_clip_number, max_expected_error, filter
        )
        return self._runner.stream(operation, timeout)

    async def list_rounds(
        self, task_id: str, min_head_version: int = 0, *, timeout: timedelta | None = None
    ) -> tuple[types.Round, ...]:
        """List the rounds of a task from a head version on, the first one first."""
        operation = results.list_rounds(task_id, min_head_version)
        return await self._runner.collect(operation, timeout)

    async def export_head(
        self, task_id: str, head: int | str = 0, *, timeout: timedelta | None = None
    ) -> types.Head:
        return await self._runner.run(results.export_head(task_id, head), timeout)

    async def promote_head(
        self,
        task_id: str,
        promotion_id: str,
        version: int,
        *,
        promote_time: datetime | None = None,
        timeout: timedelta | None = None,
    ) -> types.Promotion:
        operation = results.promote_head(task_id, promotion_id, version, promote_time)
        return await self._runner.run(operation, timeout)

    async def back_up_head(
        self, task_id: str, version: int, *, timeout: timedelta | None = None
    ) -> types.HeadBackup:
        head = await self._runner.run(head_backups.head_bytes(task_id, version), timeout)
        return replace(
            head, round=await self._runner.run(head_backups.round_bytes(task_id, version), timeout)
        )

    async def restore_head(
        self,
        task_id: str,
        backup: types.HeadBackup,
        label_origins: types.LabelOrigins | None = None,
        *,
        timeout: timedelta | None = None,
    ) -> None:
        operation = head_backups.restore_head(task_id, backup, label_origins)
        await self._runner.run(operation, timeout)

    async def demote_head(
        self, task_id: str, promotion_id: str, *, timeout: timedelta | None = None
    ) -> None:
        await self._runner.run(results.demote_head(task_id, promotion_id), timeout)

    async def list_promotions(
        self, task_id: str, *, timeout: timedelta | None = None
    ) -> tuple[types.Promotion, ...]:
        return await self._runner.run(results.list_promotions(task_id), timeout)
