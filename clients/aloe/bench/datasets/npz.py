"""Arrays of an .npz file, read without pickle and within bounds."""

import lzma
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from aloe.bench.datasets.errors import DatasetError

MAX_BYTES = 8 << 30
"""Of an array: two million embeddings of 1,024 float32 numbers."""
_SUFFIX = ".npy"
_MOST_TOLD = 200
"""Characters of what NumPy says, which may be all of a header."""
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(ValueError, TypeError, RuntimeError, OverflowError, tokenize.TokenError),
)
"""What zipfile and NumPy raise for files that are damaged, cut off, locked or no such files."""


def read_npz(file: Path, names: Sequence[str]) -> tuple[Mapping[str, NDArray[Any]], list[str]]:
    """Read the arrays of an .npz file that have one of some names.

    The size that an array claims is checked before any of it is read.

    Returns:
        Name to array for those that are there, and the names of the others, which are not read.

    Raises:
        DatasetError: the file cannot be read, or an array holds Python objects or is too large.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.namelist()
            arrays = {
                name: _read(file, archive, name) for name in names if f"{name}{_SUFFIX}" in entries
            }
    except _DAMAGED as error:
        reason = str(error).partition("\n")[0][:_MOST_TOLD]
        raise DatasetError(
            f"{file} cannot be read ({reason}): write it again, with numpy.savez_compressed"
        ) from error
    return arrays, sorted({each.removesuffix(_SUFFIX) for each in entries}.difference(arrays))


def _read(file: Path, archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with closing(archive.open(f"{name}{_SUFFIX}")) as content:
        _check_header(f"{file}: {name}", content)
    with closing(archive.open(f"{name}{_SUFFIX}")) as content:
        array: NDArray[Any] = np.lib.format.read_array(content, allow_pickle=False)
        # At its end the checksum is looked at.
        content.read(1)
    return array


def _check_header(what: str, content: IO[bytes]) -> None:
    """Check what an array says that it is."""
    version = np.lib.format.read_magic(content)
    if version != (1, 0):
        # Later ones are for records with long names; their header can be of any length.
        raise DatasetError(f"{what} is no plain array: write it with numpy.savez_compressed")
    shape, _, dtype = np.lib.format.read_array_header_1_0(content)
    if dtype.hasobject:
        raise DatasetError(
            f"{what} holds Python objects, which could run code and are not read: write numbers as"
            " they are and text with .astype(str)"
        )
    byte_count = prod(shape) * dtype.itemsize
    if byte_count > MAX_BYTES:
        raise DatasetError(
            f"{what} takes {byte_count:,} bytes; at most {MAX_BYTES:,} are read: split the data set"
        )
