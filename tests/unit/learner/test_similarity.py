"""Likeness by the scoring kernel is that of plain numpy, and the highest come first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from aloe.learner.domain.judging import Judgement
from aloe.learner.domain.similarity import (
    cosines,
    inner_products,
    judge_of,
    lengths_of,
    most_similar,
)


def products_with(example: np.ndarray, vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    judgement = Judgement([judge_of(example)], vectors, rows)
    judgement.share(0, len(rows))
    return inner_products(judgement.scores[0], judgement.predicted[0])


def test_by_hand():
    example = np.array([3, 4], np.float32)
    vectors = np.array([[3, 4], [-6, -8], [4, -3], [0, 0], [0, 2]], np.float32)
    products = products_with(example, vectors, np.arange(5))
    assert products.tolist() == [25, -50, 0, 0, 8]
    found = cosines(products, lengths_of(vectors), 5.0)
    assert_allclose(found, [1, -1, 0, 0, 0.8], atol=1e-7)


@pytest.mark.parametrize("dim", [1, 7, 8, 33, 1_024])
@pytest.mark.parametrize("count", [1, 63, 64, 200])
def test_as_plain_numpy(dim: int, count: int):
    generator = np.random.default_rng(dim * count)
    vectors = generator.normal(size=(count, dim)).astype(np.float32)
    example = generator.normal(size=dim).astype(np.float32)
    rows = np.flatnonzero(generator.random(count) < 0.7)
    exact = vectors[rows].astype(np.float64) @ example.astype(np.float64)
    size = np.linalg.norm(vectors[rows].astype(np.float64), axis=1) * np.linalg.norm(example)
    products = products_with(example, vectors, rows)
    assert_allclose(products, exact, atol=1e-5 * (1 + size.max(initial=0)))
    found = cosines(products, lengths_of(vectors)[rows], float(np.linalg.norm(example)))
    assert_allclose(found, exact / size, atol=1e-5)


@given(values=st.lists(st.integers(-3, 3), max_size=40), count=st.integers(1, 45))
def test_the_highest_come_first_and_of_equals_the_earlier(values, count):
    similarities = np.array(values, np.float32)
    expected = sorted(range(len(values)), key=lambda place: (-values[place], place))[:count]
    assert_array_equal(most_similar(similarities, count), expected)
