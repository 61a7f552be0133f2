"""A map of a pool's embeddings to what heads and query strategies read."""

import hashlib
import itertools
import math
from dataclasses import dataclass, field

import numpy as np

from aloe.learner.domain.alignment import aligned_empty
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.kernels.mapping import (
    map_by_kernel,
    map_few_by_kernel,
    map_few_linearly,
    map_linearly,
)
from aloe.learner.domain.representations.encoding import opened, sealed
from aloe.learner.domain.representations.landmarks import DIRECTION_COUNT, Landmarks
from aloe.learner.domain.representations.naming import map_name
from aloe.values.representations import Representation

_DIGEST_LENGTH = 16
_FEW = 4
"""Up to so many rows take less than getting the GIL back may."""
_KINDS = (Representation.LINEAR, Representation.KERNEL)
"""By their number in bytes, from 1 on."""


@dataclass(frozen=True, slots=True, eq=False)
class PoolMap:
    """A map that was fitted on a pool. What becomes of a vector depends on nothing but the two.

    LINEAR: a = unit((s - mean) scale) with s = sign(x) sqrt|x|. KERNEL: `landmarks` of it and of
    unit(unit(x) - unit_mean).
    """

    version: int
    """Of the pool's maps, from 1 on."""
    clip_count: int
    """Clips that the pool had when it was fitted."""
    mean: Float32Array
    """(embedding_dim,) float32, read-only: of s."""
    scale: Float32Array
    """(embedding_dim,) float32, read-only."""
    landmarks: Landmarks | None = None
    """None: linear."""
    name: str = field(init=False)
    """Of two maps that differ in anything it differs."""

    def __post_init__(self) -> None:
        """Make its arrays what the kernels take."""
        for name in ("mean", "scale"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        digest = hashlib.sha256(self.to_bytes()).hexdigest()[:_DIGEST_LENGTH]
        object.__setattr__(self, "name", map_name(self.kind, self.version, digest))

    @property
    def kind(self) -> Representation:
        """LINEAR or KERNEL."""
        return Representation.LINEAR if self.landmarks is None else Representation.KERNEL

    @property
    def is_costly(self) -> bool:
        """Whether it takes longer to map vectors than to read what they become."""
        return self.landmarks is not None

    @property
    def row_products(self) -> int:
        """About how many products of two values it takes to map a vector."""
        if self.landmarks is None:
            return self.embedding_dim
        return self.landmarks.count * (2 * self.embedding_dim + DIRECTION_COUNT)

    @property
    def embedding_dim(self) -> int:
        """Values of a vector before."""
        return len(self.mean)

    @property
    def out_dim(self) -> int:
        """Values of a vector after."""
        return self.embedding_dim if self.landmarks is None else DIRECTION_COUNT

    def map(self, vectors: Float32Array) -> Float32Array:
        """Map vectors, (n, embedding_dim) float32, to (n, out_dim) float32, in one thread."""
        out = aligned_empty((len(vectors), self.out_dim))
        self.map_share(vectors, out, 0, len(vectors))
        return out

    def map_share(self, vectors: Float32Array, out: Float32Array, begin: int, end: int) -> None:
        """Set out[begin:end] to what vectors[begin:end] become, letting other threads run.

        A row gets the same bits in any share, also alone.

        Args:
            vectors: (n, embedding_dim) float32, finite, within MAX_MAGNITUDE.
            out: (n, out_dim) float32, row-major.
            begin: of this call's share of the rows.
            end: one past its end.

        Raises:
            ValueError: the arrays do not fit each other or the map.
        """
        self._check(vectors, out, begin, end)
        given = (frozen(vectors), begin, end, self.mean, self.scale)
        is_few = end - begin <= _FEW
        if self.landmarks is None:
            work = map_few_linearly if is_few else map_linearly
            work(*given, out)
            return
        by_kernel = map_few_by_kernel if is_few else map_by_kernel
        by_kernel(
            *given,
            self.landmarks.unit_mean,
            self.landmarks.packed_views,
            self.landmarks.squares,
            self.landmarks.steepness,
            self.landmarks.packed_mean,
            self.landmarks.packed_directions,
            out,
        )

    def _check(self, vectors: Float32Array, out: Float32Array, begin: int, end: int) -> None:
        """Check what the kernels do not."""
        if vectors.shape[1:] != (self.embedding_dim,):
            raise ValueError(
                f"vectors of {vectors.shape[1:]} do not fit a map of {self.embedding_dim} values"
            )
        if out.shape != (len(vectors), self.out_dim):
            raise ValueError(f"{out.shape} has no room for {(len(vectors), self.out_dim)}")
        if out.dtype != np.float32 or not out.flags.c_contiguous:
            raise ValueError("vectors are mapped to row-major float32")
        if not 0 <= begin <= end <= len(vectors):
            raise ValueError(f"{begin} to {end} is no share of {len(vectors)} vectors")

    def to_bytes(self) -> bytes:
        """Write it down: for a kernel of 1,024 values 4.7 MB, for a linear map of them 8 kB."""
        count, steepness = 0, 0.0
        arrays = [self.mean, self.scale]
        if self.landmarks is not None:
            part = self.landmarks
            count, steepness = part.count, part.steepness
            arrays += [part.unit_mean, part.views, part.similarity_mean, part.directions]
        kind = 1 + _KINDS.index(self.kind)
        fields = (kind, self.version, self.clip_count, self.embedding_dim, count, steepness)
        return sealed(fields, arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> "PoolMap":
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: it is something else, or damaged.
        """
        (kind, version, clip_count, dim, count, steepness), values = opened(data)
        shapes: list[tuple[int, ...]] = [(dim,), (dim,)]
        if kind == 1 + _KINDS.index(Representation.KERNEL):
            shapes += [(dim,), (count, 2 * dim), (count,), (count, DIRECTION_COUNT)]
        if not 1 <= kind <= len(_KINDS) or min(version, clip_count, dim) < 1:
            raise ValueError(f"no map has kind {kind}, version {version}, {clip_count} clips")
        if (count > 0) != (len(shapes) > 2) or not 0 <= steepness < math.inf:
            raise ValueError(f"no map has {count} landmarks and a steepness of {steepness}")
        ends = list(itertools.accumulate(map(math.prod, shapes), initial=0))
        if ends[-1] != len(values):
            raise ValueError(f"a map of {ends[-1]} values has {len(values)}")
        mean, scale, *rest = (
            values[begin:end].reshape(shape)
            for (begin, end), shape in zip(itertools.pairwise(ends), shapes, strict=True)
        )
        landmarks = None
        if rest:
            unit_mean, views, similarity_mean, directions = rest
            landmarks = Landmarks.of(unit_mean, views, steepness, similarity_mean, directions)
        # Copies, or they would keep all the rest.
        return cls(version, clip_count, mean.copy(), scale.copy(), landmarks)


def name_of(pool_map: PoolMap | None) -> str:
    """Return the name of a map; an empty one where embeddings are read as they are."""
    return pool_map.name if pool_map else ""
