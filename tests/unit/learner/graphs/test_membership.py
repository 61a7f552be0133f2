"""Which clips are on a graph: it follows from the pool, and changes in steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from aloe.learner.domain.graphs.membership import MAX_CLIP_COUNT, Members, check_graph_size
from aloe.values.strategies import AcquisitionFunction


@pytest.mark.parametrize(
    ("row_count", "retired_count", "expected"),
    [
        (0, 0, Members(0, 0)),
        (31, 3, Members(31, 3)),  # Steps of 1 up to 31 clips, of 2 from 32 on
        (33, 3, Members(33, 3)),
        (35, 3, Members(34, 2)),
        (33, 32, Members(33, 32)),  # One clip is left, and on the graph.
        (2_000, 1_990, Members(2_000, 1_990)),
        (1_000, 0, Members(992, 0)),  # of 32
        (1_023, 31, Members(992, 0)),
        (1_024, 64, Members(1_024, 64)),  # of 64
        (20_000, 1_023, Members(19_456, 0)),  # of 1,024
    ],
)
def test_steps_by_hand(row_count, retired_count, expected):
    assert Members.of(row_count, retired_count) == expected


@given(st.integers(1, 100_000))
def test_at_most_a_16th_waits_for_the_next_graph(row_count):
    members = Members.of(row_count, 0)
    assert 0 <= row_count - members.row_count < max(row_count / 16, 1)
    assert Members.of(members.row_count, 0) == members


@given(st.integers(1, 100_000), st.data())
def test_of_the_clips_that_are_left_at_most_a_16th_waits(row_count, data):
    retired_count = data.draw(st.integers(0, row_count - 1))
    members, left = Members.of(row_count, retired_count), row_count - retired_count
    assert 0 <= row_count - members.row_count < max(left / 16, 1)
    assert 0 <= retired_count - members.retired_count < max(left / 16, 1)


def test_rows_leave_out_what_was_retired_first():
    members = Members.of(35, 3)
    expected = np.delete(np.arange(34), [4, 30])
    assert_array_equal(members.rows([30, 4, 7]), expected)
    # One that is beyond the last row on the graph.
    assert_array_equal(members.rows([34, 4, 7]), np.delete(np.arange(34), 4))


def test_a_pool_that_is_too_large_is_told_how_many_clips_there_may_be():
    assert not check_graph_size(AcquisitionFunction.V_OPT, MAX_CLIP_COUNT)
    (violation,) = check_graph_size(AcquisitionFunction.V_OPT, MAX_CLIP_COUNT + 1)
    assert violation.field == "task.query_strategy.acquisition_function"
    assert violation.description == (
        "V_OPT is for pools of up to 20,000 clips, and this one has 20,001; SMALLEST_MARGIN with"
        " HERDING is for any pool"
    )
