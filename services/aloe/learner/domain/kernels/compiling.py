"""How a kernel is compiled: once, and kept on disk where that is possible."""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
import platformdirs
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., object])

_SETTINGS: Any = numba.config
# Sums may be reordered, so that they vectorise, and a * b + c rounded once. NaN and infinity keep
# their meaning, and a division stays a division.
_FLAGS = {"reassoc", "contract", "nsz"}


def kernel(function: Function, *, nogil: bool = True) -> Function:
    """Compile a function on its first call, or load what an earlier process compiled.

    Where no cache folder can be written to, it is compiled in every process.

    Args:
        function: to be compiled.
        nogil: whether it lets other threads run. What takes a few microseconds should not: getting
            the GIL back may take longer.
    """
    folder = _cache_folder()
    if folder is not None:
        before, _SETTINGS.CACHE_DIR = _SETTINGS.CACHE_DIR, str(folder)
        try:
            return _compiled(function, nogil=nogil, on_disk=True)
        except (RuntimeError, OSError):  # numba cannot write there either
            pass
        finally:
            _SETTINGS.CACHE_DIR = before
    return _compiled(function, nogil=nogil, on_disk=False)


def part_of_kernel(function: Function) -> Function:
    """Compile a function that kernels call; it is cached on disk as part of them."""
    return _compiled(function, nogil=True, on_disk=False)


def frozen(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a read-only view, row-major: kernels are compiled for one kind of input only."""
    flags = array.flags
    if flags.c_contiguous and not flags.writeable and array.dtype == np.float32:
        return array
    view = np.ascontiguousarray(array, dtype=np.float32).view()
    view.flags.writeable = False
    return view


def _compiled(function: Function, *, nogil: bool, on_disk: bool) -> Function:
    compiled: Function = numba.njit(
        function, fastmath=_FLAGS, error_model="numpy", nogil=nogil, cache=on_disk
    )
    return compiled


@cache
def _cache_folder() -> Path | None:
    """Return a cache folder for these very sources, or None if none can be written to.

    numba itself checks only the file of a function, and would go on using code that it compiled
    with older versions of the functions that it calls.
    """
    domain = Path(__file__).parents[1]
    sources = sorted([*domain.glob("kernels/*.py"), domain / "acquisition.py"])
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    places = [Path(__file__).parent / "__pycache__", platformdirs.user_cache_path("aloe")]
    if _SETTINGS.CACHE_DIR:
        places = [Path(_SETTINGS.CACHE_DIR)]
    for place in places:
        folder = place / f"kernels-{digest[:16]}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None
