"""A map as bytes: all of it comes back, and nothing else is taken for one."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from tests.unit.learner.test_representations import KERNEL, LINEAR, make_vectors

from aloe.learner.domain.representations.encoding import sealed
from aloe.learner.domain.representations.fitting import fit
from aloe.learner.domain.representations.pool_map import PoolMap

VECTORS = make_vectors(1, 40, 6)
KINDS = pytest.mark.parametrize("kind", [LINEAR, KERNEL])


@KINDS
def test_a_map_comes_back_from_its_bytes(kind):
    fitted = fit(kind, VECTORS, seed=0, version=7)
    data = fitted.to_bytes()
    again = PoolMap.from_bytes(data)
    assert (again.kind, again.version, again.clip_count) == (kind, 7, 40)
    assert (again.embedding_dim, again.out_dim) == (fitted.embedding_dim, fitted.out_dim)
    assert again.to_bytes() == data
    assert_array_equal(again.map(VECTORS), fitted.map(VECTORS))


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_bytes_of_which_any_was_changed_cut_or_added_are_refused(data):
    whole = fit(LINEAR, VECTORS, seed=0).to_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(changed), whole[:at], whole + whole[at:]):
        with pytest.raises(ValueError, match="map"):
            PoolMap.from_bytes(damaged)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data):
    with pytest.raises(ValueError, match="map"):
        PoolMap.from_bytes(data)


def fields(*, kind=1, version=1, clip_count=40, dim=6, count=0, steepness=0.0):
    return (kind, version, clip_count, dim, count, steepness)


@pytest.mark.parametrize(
    ("written", "value_count"),
    [
        (fields(kind=0), 12),
        (fields(kind=3), 12),
        (fields(version=0), 12),
        (fields(clip_count=0), 12),
        (fields(dim=0), 0),
        (fields(dim=7), 12),
        (fields(), 13),
        (fields(count=1), 12),
        (fields(kind=2), 18),
        (fields(kind=2, count=1, steepness=np.nan), 18 + 12 + 1 + 256),
        (fields(kind=2, count=1, steepness=-1.0), 18 + 12 + 1 + 256),
        (fields(kind=2, count=2**32 - 1, dim=2**32 - 1, steepness=1.0), 12),
    ],
)
def test_sealed_fields_that_no_map_has_are_refused(written, value_count):
    with pytest.raises(ValueError, match="map"):
        PoolMap.from_bytes(sealed(written, [np.zeros(value_count, np.float32)]))


def test_values_that_no_map_has_and_other_formats_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        PoolMap.from_bytes(sealed(fields(), [np.full(12, np.nan, np.float32)]))
    body = bytearray(sealed(fields(), [np.zeros(12, np.float32)])[:-32])
    body[8] = 2
    with pytest.raises(ValueError, match="format 2"):
        PoolMap.from_bytes(bytes(body) + hashlib.sha256(body).digest())
