"""A map as bytes: fixed fields, then its arrays, sealed by a hash. No code is in them."""

import hashlib
import struct
from collections.abc import Sequence

import numpy as np

from aloe.learner.domain.arrays import Float32Array

_MAGIC = b"aloe map"
_FORMAT = 1
_FIELDS = struct.Struct("<8sIIQQIId")
"""Magic, format, kind, version, clip count, embedding_dim, landmark count, steepness."""
_SEAL = hashlib.sha256().digest_size
_FLOAT = np.dtype("<f4")

Fields = tuple[int, int, int, int, int, float]
"""Kind, version, clip count, embedding_dim, landmark count, steepness."""


def sealed(fields: Fields, arrays: Sequence[Float32Array]) -> bytes:
    """Write fields and arrays, one after the other as little-endian float32."""
    head = _FIELDS.pack(_MAGIC, _FORMAT, *fields)
    body = b"".join([head, *(array.astype(_FLOAT).tobytes() for array in arrays)])
    return body + hashlib.sha256(body).digest()


def opened(data: bytes) -> tuple[Fields, Float32Array]:
    """Read what `sealed` wrote.

    Returns:
        The fields, and the values of all arrays, one after the other, (n,) float32.

    Raises:
        ValueError: it is something else, or damaged.
    """
    if len(data) < _FIELDS.size + _SEAL or not data.startswith(_MAGIC):
        raise ValueError(f"{len(data)} bytes are no map")
    body, seal = data[:-_SEAL], data[-_SEAL:]
    if hashlib.sha256(body).digest() != seal:
        raise ValueError(f"a map of {len(data)} bytes is damaged: its hash is of other bytes")
    _, written, *fields = _FIELDS.unpack_from(body)
    if written != _FORMAT:
        raise ValueError(f"a map is of format {written}; this version reads {_FORMAT}")
    if (len(body) - _FIELDS.size) % _FLOAT.itemsize:
        raise ValueError(f"a map of {len(data)} bytes ends within a value")
    values = np.frombuffer(body, _FLOAT, offset=_FIELDS.size).astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("a map holds NaN or infinity")
    kind, version, clip_count, embedding_dim, landmark_count, steepness = fields
    return (kind, version, clip_count, embedding_dim, landmark_count, steepness), values
