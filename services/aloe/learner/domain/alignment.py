"""Arrays that begin at a cache line, so that no register is loaded from two lines."""

import math

import numpy as np

from aloe.learner.domain.arrays import Float32Array

_LINE_BYTES = 64
_FLOAT_BYTES = 4


def aligned_empty(shape: tuple[int, ...]) -> Float32Array:
    """Return an aligned, row-major float32 array with arbitrary content."""
    byte_count = math.prod(shape) * _FLOAT_BYTES
    room = np.empty(byte_count + _LINE_BYTES, np.uint8)
    begin = -room.ctypes.data % _LINE_BYTES
    return room[begin : begin + byte_count].view(np.float32).reshape(shape)


def aligned(array: Float32Array) -> Float32Array:
    """Return the array itself if it is row-major and aligned, else a copy that is."""
    if array.flags.c_contiguous and array.ctypes.data % _LINE_BYTES == 0:
        return array
    copy = aligned_empty(array.shape)
    copy[...] = array
    return copy
