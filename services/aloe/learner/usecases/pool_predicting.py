"""PredictPool: a head on all clips of its pool, block by block."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import CachedTask, TaskCache
from aloe.learner.domain.accepting import accept_errors
from aloe.learner.domain.arrays import BoolArray, Float32Array, Float64Array, IntArray
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.estimating import AccuracyEstimate, chances_of
from aloe.learner.domain.filters.syntax import Filter
from aloe.learner.domain.folding import FoldedHead, fold_head
from aloe.learner.domain.given_labels import named_set
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge, class_probabilities
from aloe.learner.domain.label_sets import ClassSets
from aloe.learner.domain.representations.pool_map import name_of
from aloe.learner.domain.task import Task
from aloe.learner.ports.store import Store
from aloe.learner.usecases.filtering import shown_classes, taken_rows
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.predicting import check_error, estimate_of, head_thresholds
from aloe.learner.usecases.promoting import find_head
from aloe.values.labels import LabelMode, LabelSet
from aloe.values.states import ClipState
from aloe.values.strategies import AcquisitionFunction

_BLOCK_ROWS = 5_000
_BLOCK_BYTES = 2 * 1024**2
"""Of probabilities."""


@dataclass(frozen=True, slots=True, eq=False)
class PredictedBlock:
    """What a head makes of some clips of its pool."""

    rows: IntArray
    """(n,) int64, ascending"""
    clip_ids: Sequence[str]
    probabilities: Float32Array
    """(n, n_classes) float32"""
    states: IntArray
    """(n,) int64, ClipState, as of the beginning"""
    class_indices: IntArray
    """(n,) int64, of the class that the label of each goes by; NO_CLASS without one, and where
    there may be more"""
    labels: Sequence[LabelSet | None]
    """Of several labels a clip, those that each has; empty with one"""
    accepted: BoolArray | None
    """(n,) bool; None where it was not asked what to accept"""


@dataclass(frozen=True, slots=True, eq=False)
class PoolPrediction:
    """A prediction for a pool, while it goes on."""

    task: Task
    classes: tuple[int, ...]
    """Indices of those that the head tells apart: the columns."""
    head_version: int
    clip_count: int
    """Clips that there are blocks of."""
    expected_error: float | None
    """Of what is accepted; None without any, or where it was not asked."""
    thresholds: Sequence[float]
    """One per class, of several labels a clip: see head_thresholds."""
    blocks: AsyncIterator[PredictedBlock]


class PoolPredictor:
    """Serves predictions for whole pools."""

    def __init__(self, store: Store, pools: PoolCache, tasks: TaskCache, maps: PoolMaps) -> None:
        self._store, self._pools, self._tasks, self._maps = store, pools, tasks, maps

    async def predict(
        self,
        task_id: str,
        *,
        head: str,
        first_row: int,
        max_expected_error: float | None,
        filter_: Filter | None = None,
    ) -> PoolPrediction:
        """Predict for all clips of a task's pool from a row on, as they are now.

        Args:
            task_id: the task.
            head: version or name; empty for the newest.
            first_row: where to begin.
            max_expected_error: part that may be wrong of the predictions to accept, which are of
                clips without an answer; of the whole pool, wherever it begins.
            filter_: which clips; what is accepted is of these.

        Raises:
            HeadNotTrained: the task has no head yet.
            HeadVersionUnknown: the head that is asked for is not kept.
            PromotionNotFound: no head has the name that is asked for.
            InvalidInput: the head's accuracy was not estimated, on which max_expected_error
                depends; or the filter names a field that no clip has, or one of another kind.
        """
        cached = await self._tasks.fresh(task_id)
        check_error(cached.task, max_expected_error)
        used = fold_head(await find_head(self._store, cached, head), cached.task)
        task, estimate = cached.task, None
        if max_expected_error is not None:
            estimate = await estimate_of(self._store, task, used)
        pool_map = await self._maps.of_head(task.pool_id, used.head)
        pool = await self._pools.fresh(task.pool_id)
        await self._pools.load(pool, pool_map)
        is_live = await taken_rows(pool, filter_, (cached.task, cached.view))
        matrix = pool.matrix(name_of(pool_map))[: len(is_live)]
        # Copies: both change while blocks are taken.
        given = _answers(cached, len(matrix))
        accepted, expected_error = None, None
        if estimate is not None and max_expected_error is not None:
            is_open = is_live & (given.states <= ClipState.LEASED)
            open_rows = np.flatnonzero(is_open)
            errors = await _errors(pool, used.head, matrix, open_rows, estimate)
            found = accept_errors(errors, max_expected_error)
            accepted, expected_error = np.zeros(len(matrix), np.bool_), found.expected_error
            accepted[open_rows] = found.accepted
        rows = np.flatnonzero(is_live[first_row:]) + first_row
        blocks = _blocks(pool, used, matrix, rows, replace(given, accepted=accepted))
        version = used.head.version
        thresholds = await head_thresholds(self._store, task, version, used.classes)
        return PoolPrediction(
            task, used.classes, version, len(rows), expected_error, thresholds, blocks
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """What is known of each row, besides what is predicted."""

    task: Task
    states: IntArray
    class_indices: NDArray[np.int32]
    """As given; of several labels a clip the numbers of sets."""
    class_sets: ClassSets
    accepted: BoolArray | None = None

    def classes_of(self, rows: IntArray) -> tuple[IntArray, Sequence[LabelSet | None]]:
        """Return the classes of some rows, and of several labels a clip these."""
        numbers = self.class_indices[rows]
        if self.task.label_mode is LabelMode.SINGLE:
            return shown_classes(self.task, numbers), ()
        labels = [
            None if number == NO_CLASS else named_set(self.task, self.class_sets[number])
            for number in numbers.tolist()
        ]
        return np.full(len(rows), NO_CLASS, np.int64), labels


def _answers(cached: CachedTask, row_count: int) -> _Answers:
    view = cached.view
    view.grow(row_count)
    states = view.states[:row_count].astype(np.int64)
    return _Answers(cached.task, states, view.class_indices[:row_count].copy(), view.class_sets)


async def _errors(
    pool: CachedPool,
    head: Head,
    matrix: Float32Array,
    rows: IntArray,
    estimate: AccuracyEstimate,
) -> Float64Array:
    """Return how probably predictions for some rows are wrong, (n_rows,) float64."""
    judge = Judge(head, AcquisitionFunction.LEAST_CONFIDENCE)
    uncertainties, _ = await pool.scorer(head.map_name).score([judge], matrix, rows)
    return 1 - chances_of(estimate, uncertainties[0])


def _predicted(used: FoldedHead, matrix: Float32Array, rows: IntArray) -> Float32Array:
    return used.fold(class_probabilities(used.head, matrix, rows))


async def _blocks(
    pool: CachedPool, used: FoldedHead, matrix: Float32Array, rows: IntArray, answers: _Answers
) -> AsyncIterator[PredictedBlock]:
    """Yield blocks, each computed while the one before is taken."""
    size = max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // (4 * len(used.head.biases))))

    def begin(place: int) -> "asyncio.Task[Float32Array] | None":
        if place >= len(rows):
            return None
        work = partial(_predicted, used, matrix, rows[place : place + size])
        return asyncio.create_task(pool.run(work))

    coming = begin(0)
    try:
        for place in range(0, len(rows), size):
            assert coming is not None  # noqa: S101 - there are rows left
            probabilities, coming = await coming, begin(place + size)
            some = rows[place : place + size]
            class_indices, labels = answers.classes_of(some)
            yield PredictedBlock(
                some,
                pool.clips.clip_ids(some),
                probabilities,
                answers.states[some],
                class_indices,
                labels,
                None if answers.accepted is None else answers.accepted[some],
            )
    finally:
        if coming is not None:
            coming.cancel()
