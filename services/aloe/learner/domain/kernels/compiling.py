"""How a kernel is compiled: without the GIL, once, and kept on disk where that is possible."""

from collections.abc import Callable
from typing import TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., object])

# Sums may be reordered, so that they vectorise, and a * b + c rounded once. NaN and infinity keep
# their meaning, and a division stays a division.
_FLAGS = {"reassoc", "contract", "nsz"}


def kernel(function: Function) -> Function:
    """Compile a function on its first call, or load what an earlier process compiled.

    Where no cache folder can be written to, it is compiled in every process.
    """
    try:
        return _compiled(function, on_disk=True)
    except (RuntimeError, OSError):  # numba found no folder that it may write to
        return _compiled(function, on_disk=False)


def _compiled(function: Function, *, on_disk: bool) -> Function:
    compiled: Function = numba.njit(
        function, fastmath=_FLAGS, error_model="numpy", nogil=True, cache=on_disk
    )
    return compiled


def frozen(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a read-only view, row-major: kernels are compiled for one kind of input only."""
    view = np.ascontiguousarray(array, dtype=np.float32).view()
    view.flags.writeable = False
    return view
