"""The innermost loop of mapping: rows times panels of columns, in float32.

Lanes lie across columns, and each sum runs over the dimensions in their order. So a row has the
same bits in a tile of rows and alone, whatever rows are beside it.
"""

import itertools
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.extending import intrinsic

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.kernels.compiling import kernel
from aloe.learner.domain.kernels.tile import LANES

PANEL = 64
"""Columns that lie side by side in memory."""
ROW_TILE = 6
_TILE_REGISTERS = 4 if LANES == 16 else 2
"""For each row of a tile: as many as keep all sums in registers, with the columns beside them."""
_COLUMN_TILE = _TILE_REGISTERS * LANES
DEPTH = 256
"""Dimensions that are multiplied before the next: that much of a panel stays in the cache."""
_AHEAD = 16
"""Dimensions by which a panel is prefetched."""

_CGUTILS: Any = cgutils
_FLOAT_BYTES, _LINE_FLOATS = 4, 16
_INT64, _INT32, _FLOAT = ir.IntType(64), ir.IntType(32), ir.FloatType()
_VECTOR, _BYTES = ir.VectorType(_FLOAT, LANES), ir.IntType(8).as_pointer()
_ZEROS = ir.Constant(_VECTOR, [0.0] * LANES)
_SPLAT = ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES)
_READ, _KEEP, _DATA = _INT32(0), _INT32(3), _INT32(1)
_ROWS, _PANELS, _OUT = range(3)


class _Writer:
    """Writes the instructions of one tile."""

    def __init__(self, context: Any, builder: Any, kinds: Any, values: Any) -> None:
        self._context, self._builder = context, builder
        self._arrays = [
            (kind, context.make_array(kind)(context, builder, value))
            for kind, value in zip(kinds, values, strict=False)
            if isinstance(kind, types.Array)
        ]

    def write(
        self,
        shape: tuple[int, int],
        first: Any,
        panel: Any,
        column: Any,
        begin: Any,
        end: Any,
    ) -> None:
        """Write them, for a tile of so many rows and registers a row."""
        builder = self._builder
        row_count, register_count = shape
        rows = [
            self._place(_ROWS, builder.add(first, _INT64(r)), _INT64(0)) for r in range(row_count)
        ]
        columns = self._place(_PANELS, panel, _INT64(0), column)
        out_column = builder.add(builder.mul(panel, _INT64(PANEL)), column)
        places = [
            [
                builder.gep(
                    self._place(_OUT, builder.add(first, _INT64(r)), out_column),
                    [_INT64(v * LANES)],
                )
                for v in range(register_count)
            ]
            for r in range(row_count)
        ]
        sums = [[_CGUTILS.alloca_once(builder, _VECTOR) for _ in totals] for totals in places]
        for total in itertools.chain(*sums):
            builder.store(_ZEROS, total)
        with _CGUTILS.for_range_slice(builder, begin, end, _INT64(1)) as (d, _):
            side_by_side = builder.gep(columns, [builder.mul(d, _INT64(PANEL))])
            self._prefetch(side_by_side, register_count)
            weights = [
                self._load(builder.gep(side_by_side, [_INT64(v * LANES)]))
                for v in range(register_count)
            ]
            for row, totals in zip(rows, sums, strict=True):
                x = self._splat(builder.load(builder.gep(row, [d])))
                for total, w in zip(totals, weights, strict=True):
                    self._add_product(total, x, w)
        for total, place in self._pairs(sums, places):
            added = builder.fadd(self._load(place), builder.load(total))
            at = builder.bitcast(place, _VECTOR.as_pointer())
            builder.store(added, at, align=_FLOAT_BYTES)

    @staticmethod
    def _pairs(sums: Any, places: Any) -> Any:
        return zip(itertools.chain(*sums), itertools.chain(*places), strict=True)

    def _place(self, array: int, *index: Any) -> Any:
        """Return a pointer to an item of an array."""
        kind, value = self._arrays[array]
        return _CGUTILS.get_item_pointer(
            self._context, self._builder, kind, value, list(index), wraparound=False
        )

    def _load(self, place: Any) -> Any:
        place = self._builder.bitcast(place, _VECTOR.as_pointer())
        return self._builder.load(place, align=_FLOAT_BYTES)

    def _splat(self, x: Any) -> Any:
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        first = self._builder.insert_element(undefined, x, _INT32(0))
        return self._builder.shuffle_vector(first, undefined, _SPLAT)

    def _add_product(self, total: Any, x: Any, w: Any) -> None:
        """Add x * w to a sum, rounded once where the processor can."""
        values = [x, w, self._builder.load(total)]
        added = self._call(f"llvm.fmuladd.v{LANES}f32", _VECTOR, values)
        self._builder.store(added, total)

    def _prefetch(self, side_by_side: Any, register_count: int) -> None:
        for line in range(0, register_count * LANES, _LINE_FLOATS):
            at = self._builder.gep(side_by_side, [_INT64(_AHEAD * PANEL + line)])
            values = [self._builder.bitcast(at, _BYTES), _READ, _KEEP, _DATA]
            self._call("llvm.prefetch.p0", ir.VoidType(), values)

    def _call(self, name: str, returned: Any, values: Any) -> Any:
        kind = ir.FunctionType(returned, [value.type for value in values])
        function = _CGUTILS.get_or_insert_function(self._builder.module, kind, name)
        return self._builder.call(function, values)


def _multiplication(row_count: int, register_count: int) -> Any:
    """Return what multiplies so many rows by so many registers of columns, where it is called."""

    def multiply(
        typing_context: Any,
        rows: Any,
        panels: Any,
        out: Any,
        first: Any,
        panel: Any,
        column: Any,
        begin: Any,
        end: Any,
    ) -> Any:
        """Add to out[first + r, panel * PANEL + column + j] for each row r and column j.

        Args:
            typing_context: numba's.
            rows: (n, at least depth) float32.
            panels: (n_panels, depth, PANEL) float32.
            out: (n, n_panels * PANEL) float32.
            first: of rows and out.
            panel: of panels.
            column: of the panel, the first.
            begin: of the dimensions.
            end: one past the last.
        """
        del typing_context, first, panel, column, begin, end
        for kind in (rows, panels, out):
            if kind.dtype != types.float32 or kind.layout != "C":
                raise TypingError(f"a tile takes row-major float32, not {kind}")

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            writer = _Writer(context, builder, signature.args, values)
            writer.write((row_count, register_count), *values[3:])
            return context.get_dummy_value()

        return types.void(rows, panels, out, *[types.intp] * 5), generate

    return intrinsic(multiply)


_multiply_tile = _multiplication(ROW_TILE, _TILE_REGISTERS)
_multiply_row = _multiplication(1, PANEL // LANES)


@kernel
def multiply_rows(rows: Float32Array, panels: Float32Array, out: Float32Array) -> None:
    """Set out[i, j] to the product of row i and column j.

    Args:
        rows: (at least n, at least depth) float32.
        panels: (n_panels, depth, PANEL) float32, column j in panel j // PANEL.
        out: (n, n_panels * PANEL) float32.
    """
    count = len(out)
    out[:] = np.float32(0)
    depth = panels.shape[1]
    whole = count // ROW_TILE * ROW_TILE
    for begin in range(0, depth, DEPTH):
        end = min(begin + DEPTH, depth)
        for p in range(panels.shape[0]):
            for i in range(0, whole, ROW_TILE):
                for c in range(0, PANEL, _COLUMN_TILE):
                    _multiply_tile(rows, panels, out, i, p, c, begin, end)
            for i in range(whole, count):
                _multiply_row(rows, panels, out, i, p, 0, begin, end)
