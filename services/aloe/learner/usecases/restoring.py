"""Heads that come from a backup: as they were, with the maps that they read and their rounds."""

from dataclasses import dataclass, replace

import numpy as np

from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import EncoderMismatch, InvalidInput
from aloe.learner.domain.head import Head, shortened
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.representations.pool_map import PoolMap, name_of
from aloe.learner.domain.rounds import LabelOrigins, Round
from aloe.learner.domain.task import Task
from aloe.learner.ports.store import Store
from aloe.values.labels import LabelMode


@dataclass(frozen=True, slots=True, eq=False)
class HeadBackup:
    """A head of a backup."""

    weights: Float32Array
    """(dim, n_classes) float32"""
    biases: Float32Array
    """(n_classes,) float32"""
    classes: tuple[str, ...]
    """Names of the columns."""
    label_mode: LabelMode
    encoder_fingerprint: str
    map_name: str
    """Of the map; empty for the embeddings themselves."""
    pool_map: PoolMap | None
    round: Round
    """Of `classes`, whose indices it does not know."""


class Restoring:
    """Takes heads of backups."""

    def __init__(self, store: Store, tasks: TaskCache) -> None:
        self._store, self._tasks = store, tasks

    async def restore(self, task_id: str, backup: HeadBackup) -> None:
        """Keep a head under its version; one that is there already is left as it is.

        Raises:
            InvalidInput: it is none of a task of these classes, or of a pool of this size.
            EncoderMismatch: it reads embeddings of another encoder than the pool has.
            AlreadyExists: the task has another head of its version, or labels to train one of.
        """
        cached = await self._tasks.fresh(task_id)
        pool = await self._store.read_pool(cached.task.pool_id)
        _check_reading(backup, pool)
        head = _head_of(backup, cached.task)
        if backup.pool_map is not None:
            await self._store.add_map(pool, backup.pool_map)
        round_ = replace(backup.round, class_indices=head.column_classes)
        await self._store.restore_head(cached.task, head, round_)
        await self._tasks.fresh(task_id)


def _check_reading(backup: HeadBackup, pool: Pool) -> None:
    """Check that a head reads what a pool has."""
    if backup.encoder_fingerprint != pool.encoder.fingerprint:
        raise EncoderMismatch(
            f"the head reads embeddings of encoder {backup.encoder_fingerprint}, and"
            f" pools/{pool.pool_id} has those of {pool.encoder.fingerprint}"
        )
    pool_map, dim = backup.pool_map, pool.encoder.embedding_dim
    if name_of(pool_map) != backup.map_name:
        raise InvalidInput.of("head.map", f"it is not what {backup.map_name!r} names")
    if pool_map is not None and pool_map.embedding_dim != dim:
        raise InvalidInput.of(
            "head.map", f"it maps {pool_map.embedding_dim} values; the pool's embeddings have {dim}"
        )
    reads = pool_map.out_dim if pool_map else dim
    if backup.weights.shape != (reads, len(backup.classes)):
        raise InvalidInput.of(
            "head.weights",
            f"{backup.weights.shape[0]} x {backup.weights.shape[1]}; they must be {reads} x"
            f" {len(backup.classes)}, a row for each value that it reads, a column for each class",
        )
    if not (np.isfinite(backup.weights).all() and np.isfinite(backup.biases).all()):
        raise InvalidInput.of("head.weights", "with the biases they must be finite")


def _head_of(backup: HeadBackup, task: Task) -> Head:
    indices = {name: index for index, name in enumerate(task.classes)}
    unknown = [name for name in backup.classes if name not in indices]
    if unknown:
        raise InvalidInput.of("head.classes", f"{unknown[0]!r} is no class of tasks/{task.task_id}")
    columns = [indices[name] for name in backup.classes]
    if columns != sorted(set(columns)):
        raise InvalidInput.of("head.classes", "they must be in the order of the task's, each once")
    if backup.label_mode is not task.label_mode:
        raise InvalidInput.of(
            "head.label_mode",
            f"{backup.label_mode.value}; tasks/{task.task_id} is {task.label_mode.value}",
        )
    return Head(
        backup.round.head_version,
        backup.weights,
        backup.biases,
        backup.map_name,
        shortened(columns),
        task.label_mode,
        _unseen(backup.round.label_origins) if task.label_mode is LabelMode.SINGLE else (),
    )


def _unseen(origins: LabelOrigins | None) -> tuple[int, ...]:
    counts = origins.by_class if origins else ()
    return tuple(column for column, count in enumerate(counts) if count == 0)
