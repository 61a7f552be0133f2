"""Asking for memory before it is needed.

A vector of 1,024 float32 fills a page, and processors do not look ahead over the end of one.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

LINE = 16
"""Values of float32 in a cache line."""
_CGUTILS: Any = cgutils
_READ, _KEEP, _DATA = 0, 3, 1


def _prefetch(typing_context: Any, array: Any, row: Any, column: Any) -> Any:
    """Ask for the cache line of array[row, column]; compiled code goes on without waiting."""
    del typing_context, row, column

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        value = context.make_array(kind)(context, builder, arguments[0])
        place = _CGUTILS.get_item_pointer(
            context, builder, kind, value, list(arguments[1:]), wraparound=False
        )
        number, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        function = _CGUTILS.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte, number, number, number]),
            "llvm.prefetch.p0",
        )
        how = [number(each) for each in (_READ, _KEEP, _DATA)]
        builder.call(function, [builder.bitcast(place, byte), *how])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), generate


prefetch: Any = intrinsic(_prefetch)
