"""Arrays as bytes: little-endian float32, and lengths that must agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from aloe.v1.audio_pb2 import FloatMatrix
from aloe.wire.arrays import (
    MalformedArray,
    decode_matrix,
    decode_vector,
    encode_matrix,
    encode_vector,
)

VALUES = st.floats(width=32)
VECTORS = hnp.arrays(np.float32, st.integers(0, 40), elements=VALUES)
MATRICES = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=8), elements=VALUES
)


@given(VECTORS)
def test_a_vector_comes_back_bit_for_bit(vector):
    data = encode_vector(vector)
    assert len(data) == 4 * len(vector)
    assert_array_equal(decode_vector(data).view(np.uint32), vector.view(np.uint32))


@given(MATRICES)
def test_a_matrix_comes_back_bit_for_bit(matrix):
    sent = FloatMatrix.FromString(encode_matrix(matrix).SerializeToString())
    back = decode_matrix(sent)
    assert back.shape == matrix.shape
    assert_array_equal(back.view(np.uint32), matrix.view(np.uint32))


def test_values_travel_as_little_endian_float32_in_row_order():
    assert encode_vector(np.array([1.0, -2.0], dtype=np.float32)).hex() == "0000803f000000c0"
    message = encode_matrix(np.array([[1.0, 0.0], [0.0, -2.0]], dtype=np.float32))
    assert message.values.hex() == "0000803f" + "00000000" * 2 + "000000c0"
    assert (message.row_count, message.column_count) == (2, 2)


@pytest.mark.parametrize(
    "view",
    [lambda x: x[::2], lambda x: x[::-1], lambda x: x.astype(">f4"), lambda x: x.astype("f8")],
)
def test_strided_swapped_and_wider_vectors_travel_by_value(view):
    vector = np.arange(6, dtype=np.float32)
    assert_array_equal(decode_vector(encode_vector(view(vector))), view(vector))


def test_transposed_matrices_travel_by_value():
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3).T
    assert_array_equal(decode_matrix(encode_matrix(matrix)), matrix)


@given(st.binary(max_size=30).filter(lambda data: len(data) % 4))
def test_bytes_that_are_no_whole_number_of_values_are_refused(data):
    with pytest.raises(MalformedArray, match=f"{len(data)} bytes"):
        decode_vector(data)


@given(st.binary(max_size=40), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_matrix_whose_bytes_do_not_fit_its_shape_is_refused(data, rows, columns):
    message = FloatMatrix(values=data, row_count=rows, column_count=columns)
    if len(data) == 4 * rows * columns:
        assert decode_matrix(message).shape == (rows, columns)
    else:
        with pytest.raises(MalformedArray, match=f"got {len(data)}"):
            decode_matrix(message)


def test_decoding_does_not_copy_and_the_result_is_read_only():
    back = decode_vector(encode_vector(np.ones(3, np.float32)))
    with pytest.raises(ValueError, match="read-only"):
        back[0] = 2.0
