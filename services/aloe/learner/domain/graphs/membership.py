"""Which pools have a graph, and of which of their clips."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aloe.learner.domain.arrays import IntArray
from aloe.learner.domain.errors import Violation
from aloe.values.strategies import AcquisitionFunction

MAX_CLIP_COUNT = 20_000
"""Of a pool that has one; see tests/benchmarks/learner_graphs.py for what that takes."""
_STEP_BITS = 5
"""A pool grows by a 16th to a 32nd between two graphs."""


@dataclass(frozen=True, slots=True)
class Members:
    """The clips of a graph: by steps, since it takes seconds to make one.

    They follow from the pool alone, so that all processes have the same.
    """

    row_count: int
    """It has clips of the first so many rows."""
    retired_count: int
    """But for so many rows, those that were retired first."""

    @classmethod
    def of(cls, row_count: int, retired_count: int) -> "Members":
        """Take how many rows a pool has, and how many of them are retired."""
        # By the clips that are left: where most were deleted, few may wait for the next graph.
        step = 1 << max((row_count - retired_count).bit_length() - _STEP_BITS, 0)
        return cls(row_count // step * step, retired_count // step * step)

    def rows(self, retired_rows: Sequence[int]) -> IntArray:
        """Return the rows, ascending: (n,) int64.

        Args:
            retired_rows: of the pool, in the order in which they were retired. The last of them may
                be on the graph still: they are neither asked for nor covered.
        """
        gone = np.asarray(retired_rows[: self.retired_count], np.int64)
        rows: IntArray = np.setdiff1d(np.arange(self.row_count), gone, assume_unique=True)
        return rows


def check_graph_size(function: AcquisitionFunction, clip_count: int) -> list[Violation]:
    """Return what is wrong with a function on the graph of a pool of so many clips."""
    if clip_count <= MAX_CLIP_COUNT:
        return []
    return [
        Violation(
            "task.query_strategy.acquisition_function",
            f"{function.name} is for pools of up to {MAX_CLIP_COUNT:,} clips, and this one has"
            f" {clip_count:,}; SMALLEST_MARGIN with HERDING is for any pool",
        )
    ]
