"""Predict: a task's newest head on recordings, embeddings or clips of the pool."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aloe.learner.cache.pools import PoolCache, no_clip, rows_of
from aloe.learner.cache.tasks import CachedTask, TaskCache
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import InvalidInput, Violation
from aloe.learner.domain.judging import all_in_range, class_probabilities
from aloe.learner.domain.pool import RANGE_RULE, Audio, in_range
from aloe.learner.domain.task import Task
from aloe.learner.ports import EncoderPort, Store
from aloe.learner.usecases.training import Trainer


@dataclass(frozen=True, slots=True)
class ClipsOfPool:
    """Clips to predict for, by id."""

    pool_id: str
    clip_ids: tuple[str, ...]


PredictInput = Sequence[Audio] | Float32Array | ClipsOfPool


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a head predicts for some inputs."""

    task: Task
    probabilities: Float32Array
    """(n_inputs, n_classes) float32"""
    head_version: int


class Predictor:
    """Serves predictions."""

    def __init__(
        self,
        store: Store,
        pools: PoolCache,
        tasks: TaskCache,
        encoder: EncoderPort,
        trainer: Trainer,
    ) -> None:
        self._store, self._pools, self._tasks = store, pools, tasks
        self._encoder, self._trainer = encoder, trainer

    async def predict(
        self, task_id: str, inputs: PredictInput, *, min_head_version: int
    ) -> Prediction:
        """Predict class probabilities.

        Raises:
            InvalidInput: embeddings of the wrong size or out of range, audio that cannot be read,
                clips of another pool.
            HeadNotTrained: the task has no head yet.
            HeadVersionUnknown: no head of min_head_version is in the making.
            ClipNotFound: the pool does not hold a clip.
        """
        cached = await self._tasks.recent(task_id)
        await self._trainer.wait_for_head(cached, min_head_version)
        head = await cached.head(self._store)
        embeddings = await self._embeddings(cached, inputs, head.weights.shape[0])
        return Prediction(cached.task, class_probabilities(head, embeddings), head.version)

    async def _embeddings(
        self, cached: CachedTask, inputs: PredictInput, embedding_dim: int
    ) -> Float32Array:
        if isinstance(inputs, np.ndarray):
            check_embeddings(inputs, embedding_dim, "embeddings")
            return inputs
        if isinstance(inputs, ClipsOfPool):
            return await self._vectors_of(cached.task, inputs)
        pool = await self._store.read_pool(cached.task.pool_id)
        try:
            return await self._encoder.embed(pool.encoder, inputs)
        except InvalidInput as error:
            raise InvalidInput(
                *(Violation(f"audio.{v.field}", v.description) for v in error.violations)
            ) from error

    async def _vectors_of(self, task: Task, clips: ClipsOfPool) -> Float32Array:
        if clips.pool_id != task.pool_id:
            raise InvalidInput.of(
                "clips.names",
                f"pools/{clips.pool_id} is not the pool of tasks/{task.task_id}, which is"
                f" pools/{task.pool_id}",
            )
        rows = await rows_of(self._store, task.pool_id, clips.clip_ids)
        pool = await self._pools.fresh(task.pool_id)
        for row, clip_id in zip(rows, clips.clip_ids, strict=True):
            # Pool and task may have been deleted and made anew since the rows were found.
            if row >= len(pool.vectors) or pool.clips[row].clip_id != clip_id:
                raise no_clip(task.pool_id, clip_id)
        return pool.vectors[rows]


def check_embeddings(embeddings: Float32Array, embedding_dim: int, field: str) -> None:
    """Check embeddings from outside, (n, embedding_dim) float32.

    Raises:
        InvalidInput: there are none, or they are of the wrong size or out of range.
    """
    row_count, size = embeddings.shape
    if row_count == 0:
        raise InvalidInput.of(field, "empty; give at least one")
    if size != embedding_dim:
        raise InvalidInput.of(
            field, f"{size} values each; the pool's embeddings have {embedding_dim}"
        )
    if not all_in_range(embeddings):
        bad = np.flatnonzero(~in_range(embeddings).all(axis=1))
        raise InvalidInput(*(Violation(f"{field}[{row}]", RANGE_RULE) for row in bad[:20]))
