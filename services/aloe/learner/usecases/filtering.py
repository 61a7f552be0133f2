"""Which clips a call is about, by its filter: those of a pool, as they are in a task or not."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.domain.arrays import BoolArray, IntArray
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.events import TaskView
from aloe.learner.domain.filters.columns import Column
from aloe.learner.domain.filters.syntax import Filter
from aloe.learner.domain.task import SPLIT_OF_STATE, Task
from aloe.values.labels import LabelMode
from aloe.values.states import ClipState, Split

_STATES = tuple(state.name.lower() for state in ClipState if state is not ClipState.RETIRED)
_SPLITS = tuple(split.value for split in Split)
_SPLIT_CODES = np.array(
    [
        _SPLITS.index(SPLIT_OF_STATE.get(state, Split.TRAIN).value)
        if state is not ClipState.RETIRED
        else -1
        for state in ClipState
    ]
)


async def taken_rows(
    pool: CachedPool, filter_: Filter | None, in_task: tuple[Task, TaskView] | None = None
) -> BoolArray:
    """Say which clips of a pool are there and taken by a filter.

    Args:
        pool: the pool.
        filter_: None takes all.
        in_task: a task on it, with the state of its clips; its fields can be named then.

    Returns:
        (row_count,) bool

    Raises:
        InvalidInput: the filter names a field that no clip has, or one of another kind.
    """
    row_count = pool.row_count
    taken = np.ones(row_count, np.bool_)
    if filter_ is not None:
        columns = task_columns(*in_task, row_count) if in_task else {}
        taken = await pool.columns.taken_by(filter_, row_count, columns)
    # As of now: clips may have gone while the filter was at work.
    taken[[row for row in pool.retired_rows if row < row_count]] = False
    return taken


def shown_classes(task: Task, classes: NDArray[np.int32]) -> IntArray:
    """Return the classes that labels go by, (n,) int64; NO_CLASS without one.

    Args:
        task: as it is now.
        classes: (n,) int32, of the labels as they were given; NO_CLASS without one.
    """
    shown: IntArray = np.r_[task.class_table.shown_indices, NO_CLASS]  # It leads to the last one.
    return shown[classes]


def task_columns(task: Task, view: TaskView, row_count: int) -> Mapping[str, Column]:
    """Return what the first clips have in a task: state, split and label."""
    view.grow(row_count)
    states: NDArray[np.int8] = view.states[:row_count]
    columns = {
        "state": Column.of_codes(_STATES, np.where(states == ClipState.RETIRED, -1, states)),
        "split": Column.of_codes(_SPLITS, _SPLIT_CODES[states]),
    }
    if task.label_mode is LabelMode.SINGLE:  # Others have no one label to compare with.
        classes = view.class_indices[:row_count]
        columns["label"] = Column.of_codes(task.classes, shown_classes(task, classes))
    return columns
