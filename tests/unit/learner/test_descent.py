"""L-BFGS against the dense matrices that it stands for, and by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from aloe.learner.domain.descent import Limits, minimum
from aloe.learner.domain.kernels.lbfgs import lbfgs_direction

Float64Array = NDArray[np.float64]
MEMORY, SIZE = 4, 9
TO_THE_END = Limits(500, 0.0, 1e-9)


def curved(seed: int) -> Float64Array:
    """Make a symmetric matrix of eigenvalues over 0."""
    root = np.random.default_rng(seed).normal(size=(SIZE, SIZE))
    matrix: Float64Array = root @ root.T + np.eye(SIZE)
    return matrix


def dense_inverse(moves: Float64Array, changes: Float64Array) -> Float64Array:
    """Apply the update of BFGS to the scaled unit matrix, move by move, the oldest first."""
    inverse: Float64Array = np.eye(SIZE) * (moves[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for move, change in zip(moves, changes, strict=True):
        left = np.eye(SIZE) - np.outer(move, change) / (move @ change)
        inverse = left @ inverse @ left.T + np.outer(move, move) / (move @ change)
    return inverse


@pytest.mark.parametrize("move_count", [1, 3, 4, 5, 11])
def test_a_direction_is_that_of_the_dense_update_by_the_last_moves(move_count):
    generator = np.random.default_rng(move_count)
    moves = generator.normal(size=(move_count, SIZE))
    changes = moves @ curved(1)
    gradient = generator.normal(size=SIZE)
    kept = np.full((2, MEMORY, SIZE), np.nan)
    for k in range(move_count):
        kept[:, k % MEMORY] = moves[k], changes[k]
    out = np.empty(SIZE)
    lbfgs_direction(gradient, kept[0], kept[1], move_count, out)
    expected = -dense_inverse(moves[-MEMORY:], changes[-MEMORY:]) @ gradient
    assert_allclose(out, expected, rtol=1e-10)


def test_the_first_direction_is_straight_down():
    out, nothing = np.empty(SIZE), np.full((MEMORY, SIZE), np.nan)
    lbfgs_direction(np.arange(SIZE, dtype=np.float64), nothing, nothing, 0, out)
    assert_array_equal(out, -np.arange(SIZE))


class Quadratic:
    """(x - lowest) curvature (x - lowest) / 2, which remembers where it was asked."""

    def __init__(self, curvature: Float64Array, lowest: Float64Array) -> None:
        self.curvature, self.lowest = curvature, lowest
        self.asked: list[Float64Array] = []

    def __call__(self, point: Float64Array) -> tuple[float, Float64Array]:
        self.asked.append(point)
        gradient = self.curvature @ (point - self.lowest)
        return float((point - self.lowest) @ gradient / 2), gradient


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_it_ends_at_the_lowest_point_whatever_the_scale(scale):
    lowest = np.linspace(-1, 1, SIZE)
    found = minimum(Quadratic(curved(2) * scale, lowest), np.zeros(SIZE), Limits(500, 0.0, 0.0))
    assert_allclose(found, lowest, atol=1e-6)


def test_one_step_by_hand():
    # From 0 straight down, 1 long at first: to (1, 0), where x^2 / 2 - 3 x still falls by 2 of
    # its 3. That is less than 0.9 of them, so there is no second trial.
    function = Quadratic(np.eye(2), np.array([3.0, 0.0]))
    found = minimum(function, np.zeros(2), Limits(1, 0.0, 0.0))
    assert_array_equal(found, [1, 0])
    assert len(function.asked) == 2


def test_a_first_step_that_is_too_long_is_halved_and_one_too_short_is_doubled():
    narrow = Quadratic(np.eye(1) * 8, np.array([0.2]))
    minimum(narrow, np.zeros(1), Limits(1, 0.0, 0.0))
    # 1 is further from 0.2 than 0 is, and so is 0.5; 0.25 is not.
    assert_allclose(np.concatenate(narrow.asked), [0, 1, 0.5, 0.25])
    wide = Quadratic(np.eye(1), np.array([100.0]))
    minimum(wide, np.zeros(1), Limits(1, 0.0, 0.0))
    # It falls by 100 at the start, and by less than 90 only 16 on.
    assert_allclose(np.concatenate(wide.asked), [0, 1, 2, 4, 8, 16])


def test_steps_end_at_their_number_and_gains_that_are_too_small_end_them_before():
    function = Quadratic(curved(3), np.linspace(1, 2, SIZE))
    values = [
        function(minimum(function, np.zeros(SIZE), Limits(count, 0.0, 0.0)))[0]
        for count in range(5)
    ]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 5
    eager = minimum(function, np.zeros(SIZE), Limits(500, 1e-3, 0.0))
    assert 1e-12 < function(eager)[0] < 1e-1


def test_a_start_that_is_flat_or_leads_nowhere_is_the_end():
    start = np.ones(3)
    flat = minimum(lambda _: (1.0, np.zeros(3)), start, TO_THE_END)
    # A gradient that points the wrong way: no length is short enough.
    uphill = minimum(lambda point: (-float(point.sum()), np.ones(3)), start, TO_THE_END)
    assert_array_equal(flat, start)
    assert_array_equal(uphill, start)
