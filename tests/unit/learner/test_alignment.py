"""Arrays that begin at a cache line."""

import numpy as np
from numpy.testing import assert_array_equal

from aloe.learner.domain.alignment import aligned, aligned_empty


def test_arrays_of_every_shape_begin_at_a_cache_line():
    for shape in ((1, 1), (7, 5), (1_000, 96), (2, 3, 4)):
        array = aligned_empty(shape)
        assert array.shape == shape
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.ctypes.data % 64 == 0


def test_what_begins_elsewhere_or_is_not_row_major_is_copied_and_what_fits_is_not():
    fitting = aligned_empty((8, 4))
    fitting[:] = np.arange(32).reshape(8, 4)
    assert aligned(fitting) is fitting
    for other in (fitting[1:], fitting[:, ::2], fitting.T):
        copy = aligned(other)
        assert_array_equal(copy, other)
        assert copy.ctypes.data % 64 == 0
        assert copy.flags.c_contiguous
