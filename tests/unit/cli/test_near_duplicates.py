from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.cli.near_duplicates import near_pairs


def unit_cosines(embeddings: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(embeddings.astype(np.float64), axis=1, keepdims=True)
    scaled = np.divide(embeddings, norms, out=np.zeros(embeddings.shape), where=norms > 0)
    return np.asarray(scaled @ scaled.T)


@pytest.mark.parametrize("count", [0, 1, 50, 2_047, 2_048, 2_049, 4_200])
def test_every_pair_is_found_once_wherever_its_blocks_are(count: int):
    rng = np.random.default_rng(count)
    embeddings = rng.normal(size=(count, 16)).astype(np.float32)
    planted = []
    for first, second in ((0, 1), (3, 2_047), (5, 2_048), (2_046, 4_199), (2_049, 2_051)):
        if second < count:
            # Of another size: only the direction counts.
            embeddings[second] = 3 * embeddings[first] + 0.001 * rng.normal(size=16)
            planted.append((first, second))
    done: list[int] = []
    found = {pair[:2]: pair[2] for pair in near_pairs(embeddings.copy(), 0.999, done.append)}
    assert sorted(found) == sorted(planted)
    assert all(0.999 <= cosine <= 1 for cosine in found.values())
    assert (done or [0])[-1] == count


@given(st.integers(0, 2**32), st.integers(2, 12), st.floats(-1, 1))
def test_cosines_are_those_of_the_definition(seed, count, least):
    embeddings = np.random.default_rng(seed).integers(-2, 3, size=(count, 3)).astype(np.float32)
    cosines = unit_cosines(embeddings)
    found = {pair[:2]: pair[2] for pair in near_pairs(embeddings.copy(), least, lambda _: None)}
    for pair in combinations(range(count), 2):
        if abs(cosines[pair] - least) > 1e-5:
            assert (pair in found) == (cosines[pair] > least)
        if pair in found:
            assert found[pair] == pytest.approx(cosines[pair], abs=1e-5)


def test_silence_is_near_to_nothing():
    assert list(near_pairs(np.zeros((5, 4), np.float32), 0.5, lambda _: None)) == []
