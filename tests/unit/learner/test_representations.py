"""Maps of embeddings against plain numpy, and what must not change a vector's bits."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.learner.representation_reference import Linear, fitted_kernel

from aloe.learner.domain.representations.fitting import (
    SAMPLE_COUNT,
    draws,
    fit,
    scale_of,
    width_of,
)
from aloe.learner.domain.training import lbfgs
from aloe.values.recipes import LbfgsRecipe
from aloe.values.representations import Representation

LINEAR, KERNEL = Representation.LINEAR, Representation.KERNEL
EMBEDDINGS = Path(__file__).parents[4] / "shared" / "data" / "embeddings"


def make_vectors(seed: int, count: int, dim: int):
    """Return clusters with scales that differ by dimension, some values 0."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(5, dim))
    vectors = centres[generator.integers(5, size=count)] + generator.normal(size=(count, dim))
    vectors *= generator.uniform(0.1, 10, dim)
    return np.where(generator.random((count, dim)) < 0.1, 0, vectors).astype(np.float32)


def gram(features):
    return features @ features.T


def test_a_linear_map_by_hand():
    # Signed roots 2, -2 and 1, 3: means 0 and 2, deviations 2 and 1, their median 1.5.
    vectors = np.array([[4, 1], [-4, 9]], np.float32)
    fitted = fit(LINEAR, vectors, seed=0)
    assert_allclose(fitted.mean, [0, 2])
    assert_allclose(fitted.scale, 1 / np.sqrt([2.15, 1.15]), rtol=1e-6)
    first = np.array([2 / np.sqrt(2.15), -1 / np.sqrt(1.15)])
    first /= np.sqrt(first @ first)
    assert_allclose(fitted.map(vectors), [first, -first], rtol=1e-6)


@pytest.mark.parametrize(("count", "dim"), [(300, 1), (50, 7), (400, 64), (60, 130)])
def test_a_linear_map_is_what_numpy_makes_of_it_within_1e_6(count, dim):
    vectors, others = make_vectors(1, count, dim), make_vectors(2, 40, dim)
    reference = Linear.fit(vectors.astype(np.float64))
    expected = reference.map(others.astype(np.float64))
    assert_allclose(fit(LINEAR, vectors, seed=3).map(others), expected, atol=1e-6)


@pytest.mark.parametrize(("count", "dim"), [(30, 5), (100, 16), (200, 70)])
def test_kernel_features_have_the_products_that_numpy_finds_within_1e_5(count, dim):
    # With at most 256 landmarks no direction is cut off, and products do not depend on rotation.
    vectors, others = make_vectors(3, count, dim), make_vectors(4, 50, dim)
    reference, fitted = fitted_kernel(vectors, seed=5), fit(KERNEL, vectors, seed=5)
    for given in (vectors, others):
        expected = gram(reference.map(given.astype(np.float64)))
        assert_allclose(gram(fitted.map(given)), expected, atol=1e-5)


def test_the_leading_256_directions_are_those_that_numpy_finds():
    vectors = make_vectors(6, 400, 40)
    reference, fitted = fitted_kernel(vectors, seed=7), fit(KERNEL, vectors, seed=7)
    features = fitted.map(vectors).astype(np.float64)
    expected = reference.map(vectors.astype(np.float64))
    assert_allclose(features.var(axis=0), reference.variances[:256], rtol=1e-4)
    assert_allclose(features.mean(axis=0), 0, atol=1e-6)
    assert_allclose(gram(features), gram(expected), atol=1e-5)
    # Each direction that stands apart from its neighbours is the same, up to its sign.
    for direction in range(5):
        cosine = features[:, direction] @ expected[:, direction]
        cosine /= np.sqrt(np.square(expected[:, direction]).sum())
        cosine /= np.sqrt(np.square(features[:, direction]).sum())
        assert abs(cosine) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("kind", [LINEAR, KERNEL])
@pytest.mark.parametrize("dim", [1, 33, 600])
def test_a_row_has_the_same_bits_alone_in_any_share_and_in_any_order(kind, dim):
    vectors = make_vectors(8, 131, dim)
    fitted = fit(kind, vectors, seed=9)
    whole = fitted.map(vectors)
    for row in (0, 5, 6, 47, 48, 130):
        assert_array_equal(fitted.map(vectors[row : row + 1])[0], whole[row])
    for ends in ([0, 1, 8, 131], [0, 130, 131], [0, 48, 49, 55, 131]):
        out = np.full_like(whole, np.nan)
        for begin, end in pairwise(ends):
            fitted.map_share(vectors, out, begin, end)
        assert_array_equal(out, whole)
    order = np.random.default_rng(0).permutation(131)
    assert_array_equal(fitted.map(vectors[order]), whole[order])


def test_a_share_leaves_other_rows_alone():
    vectors = make_vectors(10, 20, 9)
    fitted = fit(KERNEL, vectors, seed=0)
    out = np.full((20, 256), 7, np.float32)
    fitted.map_share(vectors, out, 3, 12)
    assert (out[:3] == 7).all()
    assert (out[12:] == 7).all()
    assert_array_equal(out[3:12], fitted.map(vectors[3:12]))


@pytest.mark.parametrize("kind", [LINEAR, KERNEL])
def test_no_vectors_become_no_features(kind):
    fitted = fit(kind, make_vectors(10, 20, 9), seed=0)
    assert fitted.map(np.empty((0, 9), np.float32)).shape == (0, fitted.out_dim)


def test_a_seed_fixes_every_bit_and_another_one_draws_others():
    vectors = make_vectors(11, 300, 12)
    once, again = (fit(KERNEL, vectors, seed=4).to_bytes() for _ in range(2))
    assert once == again
    assert fit(KERNEL, vectors, seed=5).to_bytes() != once


def test_a_fit_does_not_depend_on_the_threads_of_blas():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    vectors, found = make_vectors(12, 300, 20), set()
    for count in (1, 2):
        with threadpoolctl.threadpool_limits(limits=count, user_api="blas"):
            found.add(fit(KERNEL, vectors, seed=1).to_bytes())
    assert len(found) == 1


def test_a_large_pool_is_sampled_and_only_the_rows_given_count():
    sample, landmarks = draws(1, 3 * SAMPLE_COUNT)
    assert len(set(sample.tolist())) == SAMPLE_COUNT
    assert (np.diff(sample) > 0).all()
    assert len(set(landmarks.tolist())) == 512
    assert landmarks.max() < SAMPLE_COUNT
    vectors = make_vectors(13, 90, 6)
    rows = np.arange(0, 90, 2)
    fitted = fit(KERNEL, vectors, seed=2, rows=rows, version=3)
    alone = fit(KERNEL, vectors[rows], seed=2, version=3)
    assert (fitted.clip_count, fitted.version) == (45, 3)
    assert fitted.to_bytes() == alone.to_bytes()


def test_dimensions_that_never_vary_get_the_floor_or_say_nothing():
    assert_allclose(scale_of(np.array([0.0, 2.0, 4.0])), 1 / np.sqrt([0.2, 2.2, 4.2]))
    assert_allclose(scale_of(np.array([0.0, 0.0, 4.0])), [0, 0, 0.5])


def test_the_width_is_of_landmarks_apart_where_most_are_at_one_place():
    places = np.array([0.0, 1.0, 3.0])
    assert width_of(np.square(places[:, np.newaxis] - places)) == 8
    places = np.array([0.0, 0.0, 0.0, 0.0, 2.0])
    assert width_of(np.square(places[:, np.newaxis] - places)) == 8
    assert width_of(np.zeros((4, 4))) == 1


def test_no_vectors_or_no_map_to_fit_are_refused():
    with pytest.raises(ValueError, match="not on"):
        fit(KERNEL, np.empty((0, 3), np.float32), seed=0)
    with pytest.raises(ValueError, match="not on"):
        fit(LINEAR, np.ones((3, 2), np.float32), seed=0, rows=np.empty(0, np.int64))
    with pytest.raises(ValueError, match="need no map"):
        fit(Representation.NONE, np.ones((3, 2), np.float32), seed=0)


def test_what_does_not_fit_the_map_is_refused():
    vectors = make_vectors(14, 10, 4)
    fitted = fit(KERNEL, vectors, seed=0)
    out = np.empty((10, 256), np.float32)
    with pytest.raises(ValueError, match="do not fit"):
        fitted.map(vectors[:, :3])
    with pytest.raises(ValueError, match="no room"):
        fitted.map_share(vectors, out[:9], 0, 9)
    with pytest.raises(ValueError, match="row-major"):
        fitted.map_share(vectors, np.asfortranarray(out), 0, 10)
    with pytest.raises(ValueError, match="no share"):
        fitted.map_share(vectors, out, 0, 11)


@pytest.mark.parametrize(
    "name",
    [
        "heart",
        pytest.param("animals", marks=pytest.mark.slow),
        pytest.param("emodb", marks=pytest.mark.slow),
    ],
)
def test_heads_on_it_predict_what_they_predict_on_numpy_s(name):
    path = EMBEDDINGS / f"{name}-yamnet.npz"
    if not path.exists():
        pytest.skip("optional data: ../shared/data/embeddings is not here")
    with np.load(path) as held:
        vectors, names = held["X"].astype(np.float32), held["y"]
    classes, labels = np.unique(names, return_inverse=True)
    reference, fitted = fitted_kernel(vectors, seed=1), fit(KERNEL, vectors, seed=1)
    known = np.random.default_rng(2).permutation(len(vectors))[:200]
    predicted = []
    for mapped in (fitted.map(vectors), reference.map(vectors.astype(np.float64))):
        features = mapped.astype(np.float32)
        weights, biases = lbfgs(
            LbfgsRecipe(l2_penalty=0.001), features[known], labels[known], len(classes)
        )
        predicted.append((features @ weights + biases).argmax(axis=1))
    assert np.mean(predicted[0] == predicted[1]) > 0.995


@pytest.mark.slow
def test_on_a_processor_without_wide_registers_features_are_the_same_within_rounding(tmp_path):
    program = (
        "from tests.unit.learner.test_representations import *\n"
        "from aloe.learner.domain.kernels.tile import LANES\n"
        "from aloe.learner.domain.representations.pool_map import PoolMap\n"
        "vectors = make_vectors(15, 77, 103)\n"
        "fitted = PoolMap.from_bytes(Path(sys.argv[1]).read_bytes())\n"
        "features = fitted.map(vectors)\n"
        "assert_array_equal(fitted.map(vectors[5:6])[0], features[5])\n"
        "np.savez(sys.argv[2], lanes=LANES, features=features)"
    )
    vectors = make_vectors(15, 77, 103)
    fitted = fit(KERNEL, vectors, seed=0)
    written, found = tmp_path / "map", tmp_path / "found.npz"
    written.write_bytes(fitted.to_bytes())
    environment = os.environ | {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    command = [sys.executable, "-c", program, str(written), str(found)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(found) as there:
        assert there["lanes"] == 8
        assert_allclose(there["features"], fitted.map(vectors), atol=1e-4)
