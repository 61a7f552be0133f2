"""Arrays as bytes: little-endian float32, row-major."""

import numpy as np
from numpy.typing import NDArray

from aloe.v1 import audio_pb2

Float32Array = NDArray[np.float32]

_WIRE_DTYPE = np.dtype("<f4")


class MalformedArray(ValueError):
    """Bytes that do not hold the array they claim to."""


def encode_vector(vector: Float32Array) -> bytes:
    """Write a vector, (n,) float32, as 4n bytes; a matrix row after row."""
    return vector.astype(_WIRE_DTYPE, copy=False).tobytes()


def decode_vector(data: bytes) -> Float32Array:
    """Read a vector, (n,) float32, without copying: the result is read-only.

    Raises:
        MalformedArray: the bytes are not a whole number of values.
    """
    if len(data) % 4:
        raise MalformedArray(f"{len(data)} bytes are no whole number of float32 values")
    return np.frombuffer(data, dtype=_WIRE_DTYPE)


def encode_matrix(matrix: Float32Array) -> audio_pb2.FloatMatrix:
    """Write a matrix, (rows, columns) float32."""
    row_count, column_count = matrix.shape
    return audio_pb2.FloatMatrix(
        values=encode_vector(matrix), row_count=row_count, column_count=column_count
    )


def decode_matrix(message: audio_pb2.FloatMatrix) -> Float32Array:
    """Read a matrix, (rows, columns) float32, without copying: the result is read-only.

    Raises:
        MalformedArray: the bytes do not hold rows times columns values.
    """
    # Read once each: every access to a message's bytes copies them.
    values, row_count, column_count = message.values, message.row_count, message.column_count
    expected = 4 * row_count * column_count
    if len(values) != expected:
        raise MalformedArray(
            f"{row_count} x {column_count} float32 values take {expected} bytes, got {len(values)}"
        )
    return decode_vector(values).reshape(row_count, column_count)
