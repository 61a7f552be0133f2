"""Maps of exported heads against those of the learner, on clips that hardly differ."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from aloe.client import HeadMap
from aloe.client.types import KernelPart
from aloe.learner.domain.representations.fitting import fit
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.values.representations import Representation

KINDS = pytest.mark.parametrize("kind", [Representation.LINEAR, Representation.KERNEL])


def exported(fitted: PoolMap) -> HeadMap:
    part, kernel = fitted.landmarks, None
    if part is not None:
        kernel = KernelPart(
            part.unit_mean, part.views, part.steepness, part.similarity_mean, part.directions
        )
    return HeadMap(fitted.clip_count, fitted.mean, fitted.scale, kernel)


@KINDS
@pytest.mark.parametrize("size", [1e-20, 3.3, 1e9])
def test_equal_clips_and_others_are_mapped_as_by_the_learner(kind, size):
    generator = np.random.default_rng(1)
    row = (generator.normal(size=(1, 40)) * size).clip(-1e9, 1e9).astype(np.float32)
    others = generator.normal(size=(30, 40)).astype(np.float32)
    fitted = fit(kind, np.repeat(row, 50, axis=0), seed=0)
    clips = np.concatenate([row, others, row * np.float32(0.5), np.zeros_like(row)])
    assert_allclose(exported(fitted).map(clips), fitted.map(clips), atol=2e-5)


@KINDS
def test_clips_of_one_direction_are_mapped_as_by_the_learner(kind):
    generator = np.random.default_rng(2)
    direction = generator.normal(size=(1, 16)).astype(np.float32)
    clips = np.arange(1, 60, dtype=np.float32)[:, np.newaxis] * direction
    fitted = fit(kind, clips, seed=0)
    assert_allclose(exported(fitted).map(clips), fitted.map(clips), atol=2e-5)


@KINDS
def test_zeros_stay_zeros(kind):
    zeros = np.zeros((9, 5), np.float32)
    fitted = fit(kind, zeros, seed=0)
    assert_array_equal(exported(fitted).map(zeros), 0)
