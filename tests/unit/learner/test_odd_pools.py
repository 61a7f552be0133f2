"""Maps of pools that are tiny, constant, repeated or extreme: always finite, and nothing warns."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.learner.test_representations import KERNEL, LINEAR, make_vectors

from aloe.learner.domain.pool import MAX_MAGNITUDE
from aloe.learner.domain.representations.fitting import fit, most_landmarks
from aloe.learner.domain.representations.pool_map import PoolMap

KINDS = pytest.mark.parametrize("kind", [LINEAR, KERNEL])


def mapped(kind, vectors, *others):
    """Fit on vectors, and map them and others with whatever numpy warns of as an error."""
    vectors = np.asarray(vectors, np.float32)
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        fitted = fit(kind, vectors, seed=1)
        fitted = PoolMap.from_bytes(fitted.to_bytes())
        found = [fitted.map(np.asarray(each, np.float32)) for each in (vectors, *others)]
    for each in found:
        assert np.isfinite(each).all()
        # A scaled view has length 1; kernel features are deviations between similarities of 0 to 1.
        assert np.square(each, dtype=np.float64).sum(axis=1).max(initial=0) < 4.01
    return found


@KINDS
@pytest.mark.parametrize("count", [1, 2, 3, 10])
@pytest.mark.parametrize("dim", [1, 2, 65])
def test_pools_of_a_few_clips(kind, count, dim):
    vectors = make_vectors(count, count, dim)
    own, _ = mapped(kind, vectors, make_vectors(99, 20, dim))
    assert own.shape == (count, 256 if kind is KERNEL else dim)
    different = len(np.unique(vectors, axis=0)) if dim > 2 else 1
    assert len(np.unique(own.round(4), axis=0)) >= different


@KINDS
@pytest.mark.parametrize("count", [1, 2, 300])
def test_equal_clips_are_all_mapped_to_0_and_others_to_something_finite(kind, count):
    row = make_vectors(5, 1, 40) * 3.3
    own, others = mapped(kind, np.repeat(row, count, axis=0), make_vectors(6, 30, 40))
    assert_allclose(own, 0, atol=1e-5)
    assert len(others) == 30


@KINDS
def test_pools_of_zeros(kind):
    own, others = mapped(kind, np.zeros((12, 8)), np.ones((1, 8)), np.zeros((1, 8)))[:2]
    assert_array_equal(own, 0)
    assert len(others) == 1


@KINDS
def test_a_vector_of_zeros_among_others(kind):
    vectors = make_vectors(7, 60, 30)
    vectors[11] = 0
    own, zero = mapped(kind, vectors, np.zeros((1, 30)))
    assert_array_equal(own[11], zero[0])
    assert np.abs(zero).max() > 0


@KINDS
def test_clips_that_occur_many_times_are_at_one_place_and_others_elsewhere(kind):
    vectors = make_vectors(8, 20, 16)[np.arange(400) % 20]
    own = mapped(kind, vectors)[0]
    assert_array_equal(own[:20], own[380:])
    apart = np.square(own[:20, np.newaxis] - own[:20]).sum(axis=2)
    assert apart[np.triu_indices(20, 1)].min() > 1e-3


@KINDS
def test_a_pool_that_is_mostly_one_clip(kind):
    vectors = np.repeat(make_vectors(9, 1, 24), 320, axis=0)
    vectors[::20] = make_vectors(10, 16, 24)
    own = mapped(kind, vectors)[0]
    assert len(np.unique(own.round(4), axis=0)) == 17


@KINDS
def test_dimensions_that_never_vary(kind):
    vectors = make_vectors(11, 200, 32)
    vectors[:, ::3] = 1234.567
    others = make_vectors(12, 20, 32)
    mapped(kind, vectors, others)
    vectors[:, 1::3] = 0  # now most of them
    own, moved = mapped(kind, vectors, others)
    if kind is LINEAR:
        assert_array_equal(own[:, ::3], 0)
        assert_array_equal(moved[:, ::3], 0)
        assert np.abs(own[:, 2::3]).max() > 0


@KINDS
@pytest.mark.parametrize("size", [1e-45, 1e-30, 1e-10, 1e5, MAX_MAGNITUDE])
def test_values_of_any_size(kind, size):
    generator = np.random.default_rng(13)
    vectors = generator.uniform(-size, size, (90, 20)).clip(-MAX_MAGNITUDE, MAX_MAGNITUDE)
    extremes = np.array([[MAX_MAGNITUDE] * 20, [-MAX_MAGNITUDE] * 20, [1e-45] * 20, [0] * 20])
    mapped(kind, vectors, extremes)


@KINDS
def test_values_far_from_0_that_hardly_vary(kind):
    generator = np.random.default_rng(14)
    mapped(kind, 1e9 - 100 * generator.random((50, 6)), np.zeros((1, 6)))


@KINDS
def test_one_clip_that_is_far_larger_than_all_others(kind):
    vectors = make_vectors(15, 100, 10)
    vectors[40] = [MAX_MAGNITUDE, -MAX_MAGNITUDE] * 5
    own = mapped(kind, vectors)[0]
    assert len(np.unique(own.round(5), axis=0)) == 100


@KINDS
def test_one_dimension(kind):
    own = mapped(kind, np.linspace(-4, 4, 33)[:, np.newaxis])[0]
    assert np.abs(own[0] - own[-1]).max() > 0.1


@pytest.mark.parametrize(
    ("dim", "most"), [(1, 512), (1_024, 512), (12_288, 512), (12_289, 511), (65_536, 96)]
)
def test_landmarks_fit_into_the_message_of_an_exported_head(dim, most):
    assert most_landmarks(dim) == most
    assert most * 2 * dim * 4 <= 48 * 2**20


@pytest.mark.slow
def test_a_map_of_as_many_dimensions_as_there_may_be_is_no_larger():
    vectors = make_vectors(17, 120, 65_536)
    fitted = fit(KERNEL, vectors, seed=1)
    assert fitted.landmarks is not None
    assert fitted.landmarks.count == 96
    assert len(fitted.to_bytes()) < 50 * 2**20
    assert len(np.unique(fitted.map(vectors[:20]).round(4), axis=0)) == 20


@pytest.mark.slow
@KINDS
def test_as_many_dimensions_as_a_pool_may_have(kind):
    vectors = make_vectors(16, 600, 4096)
    own = mapped(kind, vectors)[0]
    assert len(np.unique(own, axis=0)) == 600
