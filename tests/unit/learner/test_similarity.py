"""Likeness is that of plain numpy, and the highest come first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from aloe.learner.domain.similarity import Comparison, most_similar
from aloe.values.similarities import Similarity

COSINE, DOT = Similarity.COSINE, Similarity.DOT


def compared(
    vectors: np.ndarray, rows: np.ndarray, example: np.ndarray, similarity: Similarity
) -> np.ndarray:
    """Compare in two shares."""
    comparison = Comparison(vectors, rows, example, similarity)
    middle = len(rows) // 3
    comparison.share(middle, len(rows))
    comparison.share(0, middle)
    return comparison.similarities


def test_by_hand():
    example = np.array([3, 4], np.float32)
    vectors = np.array([[3, 4], [-6, -8], [4, -3], [0, 0], [0, 2]], np.float32)
    rows = np.array([4, 0, 1, 2, 3])
    assert compared(vectors, rows, example, DOT).tolist() == [8, 25, -50, 0, 0]
    assert_allclose(compared(vectors, rows, example, COSINE), [0.8, 1, -1, 0, 0], atol=1e-7)


@pytest.mark.parametrize("dim", [1, 7, 8, 33, 1_024])
@pytest.mark.parametrize("count", [1, 63, 200])
def test_as_plain_numpy(dim: int, count: int):
    generator = np.random.default_rng(dim * count)
    vectors = generator.normal(size=(count, dim)).astype(np.float32)
    example = generator.normal(size=dim).astype(np.float32)
    rows = np.flatnonzero(generator.random(count) < 0.7)
    exact = vectors[rows].astype(np.float64) @ example.astype(np.float64)
    size = np.linalg.norm(vectors[rows].astype(np.float64), axis=1) * np.linalg.norm(example)
    products = compared(vectors, rows, example, DOT)
    assert_allclose(products, exact, atol=1e-5 * (1 + size.max(initial=0)))
    assert_allclose(compared(vectors, rows, example, COSINE), exact / size, atol=1e-5)


def test_the_largest_values_that_clips_may_have_do_not_overflow():
    vectors = np.full((2, 65_536), 1e9, np.float32)
    assert_allclose(compared(vectors, np.arange(2), -vectors[0], COSINE), -1, rtol=1e-5)
    assert np.isfinite(compared(vectors, np.arange(2), vectors[0], DOT)).all()


def test_an_example_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"an example of \(3,\)"):
        Comparison(np.ones((2, 2), np.float32), np.arange(2), np.ones(3, np.float32), COSINE)


@given(values=st.lists(st.integers(-3, 3), max_size=40), count=st.integers(1, 45))
def test_the_highest_come_first_and_of_equals_the_earlier(values, count):
    similarities = np.array(values, np.float32)
    expected = sorted(range(len(values)), key=lambda place: (-values[place], place))[:count]
    assert_array_equal(most_similar(similarities, count), expected)
