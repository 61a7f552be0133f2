"""The asyncio client of the learner service."""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from aloe.client import types
from aloe.client.asyncio.runner import AsyncRunner
from aloe.client.errors import AloeError
from aloe.client.operations import (
    imports,
    label_import,
    labeling,
    pool_predictions,
    pools,
    predictions,
    results,
    searches,
    tasks,
)
from aloe.client.operations.operation import Listing
from aloe.client.operations.tasks import UNCHANGED, Unchanged
from aloe.v1.learner_service_pb2_grpc import LearnerServiceStub


class AsyncLearnerClient:
    """LearnerClient for asyncio: the same methods, awaited. Made by connect_async().

    The tasks of one event loop may share a client; threads and processes may not.
    """

    def __init__(self, target: str, options: types.ConnectOptions) -> None:
        self._runner = AsyncRunner(LearnerServiceStub, target, options)
        self._pool_ids: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._runner.close()

    async def create_pool(
        self,
        pool_id: str,
        *,
        encoder_id: str = "",
        encoder_fingerprint: str = "",
        embedding_dim: int = 0,
        keep_audio: bool = False,
        timeout: timedelta | None = None,
    ) -> types.Pool:
        operation = pools.create_pool(
            pool_id,
            encoder_id=encoder_id,
            encoder_fingerprint=encoder_fingerprint,
            embedding_dim=embedding_dim,
            keep_audio=keep_audio,
        )
        return await self._runner.run(operation, timeout)

    async def get_pool(self, pool_id: str, *, timeout: timedelta | None = None) -> types.Pool:
        return await self._runner.run(pools.get_pool(pool_id), timeout)

    async def list_pools(self, *, timeout: timedelta | None = None) -> Listing[types.Pool]:
        return await self._runner.collect(pools.list_pools(), timeout)

    async def delete_pool(self, pool_id: str, *, timeout: timedelta | None = None) -> None:
        await self._runner.run(pools.delete_pool(pool_id), timeout)

    async def refit_pool(
        self, pool_id: str, *, timeout: timedelta | None = None
    ) -> tuple[types.PoolMap, ...]:
        return await self._runner.run(pools.refit_pool(pool_id), timeout)

    async def import_clips(
        self,
        pool_id: str,
        clips: Iterable[types.NewClip],
        *,
        encoder_fingerprint: str = "",
        duplicates: types.DuplicateRule = types.DuplicateRule.ALIAS,
        replace: bool = False,
        on_progress: Callable[[int], None] | None = None,
        timeout: timedelta | None = None,
    ) -> types.ImportSummary:
        running = imports.ClipImport(
            pool_id,
            clips,
            encoder_fingerprint=encoder_fingerprint,
            duplicates=duplicates,
            replace=replace,
            max_clip_bytes=self._runner.endpoint.max_clip_bytes,
            on_progress=on_progress,
        )
        timeout = imports.stream_timeout(timeout)
        async for stored in self._runner.run_in_turn(running.operations(), timeout):
            running.add(stored)
        return running.finish()

    def list_clips(
        self, pool_id: str, filter: str = "", *, timeout: timedelta | None = None
    ) -> AsyncIterator[types.Clip]:
        return self._runner.pages(pools.list_clips(pool_id, filter), timeout)

    def export_clips(
        self,
        pool_id: str,
        skip_count: int = 0,
        filter: str = "",
        *,
        timeout: timedelta | None = None,
    ) -> AsyncIterator[types.EmbeddedPoolClip]:
        return self._runner.stream(pools.export_clips(pool_id, skip_count, filter), timeout)

    async def search_clips(
        self,
        pool_id: str,
        like: types.Like,
        *,
        similarity: types.Similarity = types.Similarity.COSINE,
        count: int = 50,
        filter: str = "",
        task_id: str | None = None,
        unlabeled_only: bool = False,
        encoder_fingerprint: str = "",
        timeout: timedelta | None = None,
    ) -> types.SearchResults:
        operation = searches.search_clips(
            pool_id,
            like,
            similarity=similarity,
            count=count,
            filter=filter,
            task_id=task_id,
            unlabeled_only=unlabeled_only,
            encoder_fingerprint=encoder_fingerprint,
            max_bytes=self._runner.endpoint.max_clip_bytes,
        )
        return await self._runner.run(operation, timeout)

    async def get_clip(
        self, pool_id: str, clip_id: str, *, timeout: timedelta | None = None
    ) -> types.Clip:
        return await self._runner.run(pools.get_clip(pool_id, clip_id), timeout)

    async def delete_clips(
        self, pool_id: str, clip_ids: Sequence[str], *, timeout: timedelta | None = None
    ) -> types.DeletedClips:
        return await self._runner.run(pools.delete_clips(pool_id, clip_ids), timeout)

    async def update_clips(
        self,
        pool_id: str,
        updates: Iterable[types.ClipUpdate],
        *,
        timeout: timedelta | None = None,
    ) -> int:
        return await self._runner.run(pools.update_clips(pool_id, updates), timeout)

    async def rename_clip(
        self, pool_id: str, clip_id: str, new_id: str, *, timeout: timedelta | None = None
    ) -> types.Clip:
        return await self._runner.run(pools.rename_clip(pool_id, clip_id, new_id), timeout)

    async def get_clip_audio(
        self, pool_id: str, clip_id: str, *, timeout: timedelta | None = None
    ) -> types.ClipAudio:
        return await self._runner.run(pools.get_clip_audio(pool_id, clip_id), timeout)

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
        )
        return await self._runner.run(operation, timeout)

    async def delete_task(self, task_id: str, *, timeout: timedelta | None = None) -> None:
        self._pool_ids.pop(task_id, None)
        await self._runner.run(tasks.delete_task(task_id), timeout)

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

    def watch_task(
        self, task_id: str, *, timeout: timedelta | None = None
    ) -> AsyncIterator[types.TaskUpdate]:
        return self._runner.stream(results.watch_task(task_id), timeout)

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

    async def export_head(
        self, task_id: str, head: int | str = 0, *, timeout: timedelta | None = None
    ) -> types.Head:
        return await self._runner.run(results.export_head(task_id, head), timeout)

    async def promote_head(
        self, task_id: str, promotion_id: str, version: int, *, timeout: timedelta | None = None
    ) -> types.Promotion:
        return await self._runner.run(results.promote_head(task_id, promotion_id, version), timeout)

    async def demote_head(
        self, task_id: str, promotion_id: str, *, timeout: timedelta | None = None
    ) -> None:
        await self._runner.run(results.demote_head(task_id, promotion_id), timeout)

    async def list_promotions(
        self, task_id: str, *, timeout: timedelta | None = None
    ) -> tuple[types.Promotion, ...]:
        return await self._runner.run(results.list_promotions(task_id), timeout)

    async def _pool_id(self, task_id: str, timeout: timedelta | None) -> str:
        if task_id not in self._pool_ids:
            self._pool_ids[task_id] = (await self.get_task(task_id, timeout=timeout)).pool_id
        return self._pool_ids[task_id]
