"""The innermost loop: the products of a tile of clips and a tile of classes.

Written as LLVM instructions, so that it can prefetch the next clips a few cache lines at a time:
prefetching many at once stalls, and a loop in Python that prefetches in between does not keep its
sums in registers. Processors by themselves do not prefetch past a page, which 1,024 float32 fill.
"""

import itertools
from typing import Any

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.extending import intrinsic


def _has_wide_registers() -> bool:
    if _SETTINGS.CPU_NAME:  # numba is told to compile for another processor than this one
        return False
    try:
        return bool(llvm.get_host_cpu_features().get("avx512f"))
    except RuntimeError:  # a processor that LLVM does not know
        return False


_SETTINGS: Any = numba.config
CLASS_TILE = 3
LANES, CLIP_TILE = (16, 8) if _has_wide_registers() else (8, 4)
"""float32 in a register, and clips in a tile: as many as keep all sums in registers."""
_LINES_PER_STEP = 2

_CGUTILS: Any = cgutils
_FLOAT_BYTES, _LINE_BYTES = 4, 64
PREFETCHED_CLIPS = _LINES_PER_STEP * _LINE_BYTES // (LANES * _FLOAT_BYTES)
"""Clips that are prefetched while one tile is multiplied."""
_INT64, _INT32, _FLOAT = ir.IntType(64), ir.IntType(32), ir.FloatType()
_VECTOR, _BYTES = ir.VectorType(_FLOAT, LANES), ir.IntType(8).as_pointer()
_ZEROS = ir.Constant(_VECTOR, [0.0] * LANES)
_READ, _KEEP, _DATA = _INT32(0), _INT32(3), _INT32(1)
_VECTORS, _PACKED, _OUT, _ROWS = range(4)


class _Writer:
    """Writes the instructions of one tile."""

    def __init__(self, context: Any, builder: Any, kinds: Any, values: Any) -> None:
        self._context, self._builder = context, builder
        self._arrays = [
            (kind, context.make_array(kind)(context, builder, value))
            for kind, value in zip(kinds, values, strict=False)
            if isinstance(kind, types.Array)
        ]

    def write(self, first: Any, last: Any, c: Any, column: Any, whole: Any, prefetch: Any) -> None:
        """Write them; see the arguments of multiply_tile."""
        builder = self._builder
        soon = builder.bitcast(self._place(_VECTORS, prefetch, _INT64(0)), _BYTES)
        clips = [self._clip(first, last, r) for r in range(CLIP_TILE)]
        classes = [
            self._place(_PACKED, builder.add(c, _INT64(k)), _INT64(0)) for k in range(CLASS_TILE)
        ]
        sums = [[_CGUTILS.alloca_once(builder, _VECTOR) for _ in classes] for _ in clips]
        for total in itertools.chain(*sums):
            builder.store(_ZEROS, total)
        with _CGUTILS.for_range_slice(builder, _INT64(0), whole, _INT64(LANES)) as (d, _):
            self._prefetch(soon, d)
            weights = [self._load(begin, d) for begin in classes]
            for begin, totals in zip(clips, sums, strict=True):
                x = self._load(begin, d)
                for total, w in zip(totals, weights, strict=True):
                    self._add_product(total, x, w)
        for r, k in itertools.product(range(CLIP_TILE), range(CLASS_TILE)):
            place = builder.add(c, _INT64(k)), builder.add(column, _INT64(r))
            builder.store(self._sum_of_lanes(sums[r][k]), self._place(_OUT, *place))

    def _place(self, array: int, *index: Any) -> Any:
        """Return a pointer to an item of an array."""
        kind, value = self._arrays[array]
        return _CGUTILS.get_item_pointer(
            self._context, self._builder, kind, value, list(index), wraparound=False
        )

    def _clip(self, first: Any, last: Any, r: int) -> Any:
        """Return a pointer to the vector of the clip in rows[first + r], at most rows[last]."""
        index = self._builder.add(first, _INT64(r))
        is_there = self._builder.icmp_signed("<", index, last)
        index = self._builder.select(is_there, index, last)
        return self._place(_VECTORS, self._builder.load(self._place(_ROWS, index)), _INT64(0))

    def _load(self, begin: Any, d: Any) -> Any:
        place = self._builder.bitcast(self._builder.gep(begin, [d]), _VECTOR.as_pointer())
        return self._builder.load(place, align=_FLOAT_BYTES)

    def _add_product(self, total: Any, x: Any, w: Any) -> None:
        """Add x * w to a sum, rounded once where the processor can."""
        product = self._builder.fmul(x, w, flags=("contract",))
        added = self._builder.fadd(self._builder.load(total), product, flags=("contract",))
        self._builder.store(added, total)

    def _sum_of_lanes(self, total: Any) -> Any:
        values = [_FLOAT(0.0), self._builder.load(total)]
        return self._call(f"llvm.vector.reduce.fadd.v{LANES}f32", _FLOAT, values, ("reassoc",))

    def _prefetch(self, begin: Any, d: Any) -> None:
        """Prefetch some cache lines, evenly spread over the loop."""
        offset = self._builder.mul(d, _INT64(PREFETCHED_CLIPS * _FLOAT_BYTES))
        for line in range(_LINES_PER_STEP):
            at = self._builder.add(offset, _INT64(line * _LINE_BYTES))
            values = [self._builder.gep(begin, [at]), _READ, _KEEP, _DATA]
            self._call("llvm.prefetch.p0", ir.VoidType(), values)

    def _call(self, name: str, returned: Any, values: Any, fastmath: Any = ()) -> Any:
        kind = ir.FunctionType(returned, [value.type for value in values])
        function = _CGUTILS.get_or_insert_function(self._builder.module, kind, name)
        return self._builder.call(function, values, fastmath=fastmath)


def _multiply_tile(
    typing_context: Any,
    vectors: Any,
    packed: Any,
    out: Any,
    rows: Any,
    first: Any,
    last: Any,
    c: Any,
    column: Any,
    whole: Any,
    prefetch: Any,
) -> Any:
    """Set out[c + k, column + r] to the product of class c + k and the clip in rows[first + r].

    Args:
        typing_context: numba's.
        vectors: (n_clips, embedding_dim) float32.
        packed: (n_padded_classes, embedding_dim) float32, see Head.
        out: (n_padded_classes, n) float32, n at least column + CLIP_TILE.
        rows: (n,) int64, into vectors.
        first: into rows.
        last: into rows; this clip is used in place of any beyond it.
        c: the first class.
        column: of `out`, for the first clip.
        whole: how many dimensions to multiply, a multiple of LANES.
        prefetch: into vectors, the first of PREFETCHED_CLIPS that will be needed soon.
    """
    del typing_context, first, last, c, column, whole, prefetch
    for kind in (vectors, packed, out):
        if kind.dtype != types.float32 or kind.layout != "C":
            raise TypingError(f"a tile takes row-major float32, not {kind}")

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        _Writer(context, builder, signature.args, values).write(*values[4:])
        return context.get_dummy_value()

    return types.void(vectors, packed, out, rows, *[types.intp] * 6), generate


multiply_tile: Any = intrinsic(_multiply_tile)
