"""Columns of a Parquet file as arrays, read within bounds."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.npz import MAX_BYTES

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_MAX_TEXT_LENGTH = 1024
_NUMBER_BYTES = 8
"""Of the largest number that a column can hold."""
_CHARACTER_BYTES = 4


def read_parquet(
    file: Path, matrix: str, texts: Sequence[str]
) -> tuple[Mapping[str, NDArray[Any]], list[str]]:
    """Read a column of lists of numbers, all of one length, and some of text.

    Args:
        file: the Parquet file.
        matrix: the column of lists.
        texts: the columns of text.

    Returns:
        Name to array for those that are there: of the lists (n, d), of the texts (n,); and the
        names of the other columns, which are not read.

    Raises:
        DatasetError: the file cannot be read, or a column is too large or of another type.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise DatasetError(
            f"no {error.name}, which reads Parquet: pip install 'aloe-speech[bench]'"
        ) from error
    try:
        names = pq.read_schema(file).names
        for name in (matrix, *texts):
            if names.count(name) > 1:
                raise DatasetError(f"{file} has {names.count(name)} columns {name!r}; leave one")
        # Texts that repeat are kept once.
        repeated = [name for name in texts if name in names]
        with pq.ParquetFile(file, read_dictionary=repeated) as content:
            arrays = {
                name: read(f"{file}: {name}", content, name)
                for name, read in _readers(matrix, texts).items()
                if name in names
            }
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0]
        raise DatasetError(f"{file} cannot be read ({reason}): write it again") from error
    return arrays, sorted(set(names).difference([matrix, *texts]))


Reader = Callable[[str, "pq.ParquetFile", str], NDArray[Any]]


def _readers(matrix: str, texts: Sequence[str]) -> Mapping[str, Reader]:
    return {matrix: _read_matrix, **dict.fromkeys(texts, _read_texts)}


def _read_matrix(what: str, content: "pq.ParquetFile", name: str) -> NDArray[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = content.schema_arrow.field(name).type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if not (is_list or pa.types.is_fixed_size_list(kind)) or not pa.types.is_floating(
        kind.value_type
    ):
        raise DatasetError(f"{what} is a column of {kind}; write a list of floats a row")
    number_count = _value_count(content, name)
    if number_count * _NUMBER_BYTES > MAX_BYTES:
        raise DatasetError(
            f"{what} has {number_count:,} numbers; at most {MAX_BYTES // _NUMBER_BYTES:,} are read:"
            " split the data set"
        )
    column = content.read([name])[name]
    if column.null_count:
        raise DatasetError(f"{what}[{_first_null(column)}] is null: drop the clip, or embed it")
    lengths = pc.list_value_length(column).to_numpy()
    if len(lengths) and (lengths != lengths[0]).any():
        row = int(np.flatnonzero(lengths != lengths[0])[0])
        raise DatasetError(
            f"{what}[{row}] has {lengths[row]:,} numbers, and {name}[0] {lengths[0]:,}: embed all"
            " clips with one encoder"
        )
    parts = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    numbers = np.concatenate(parts) if parts else np.empty(0, np.float32)
    return numbers.reshape(len(lengths), -1) if len(lengths) else numbers.reshape(0, 0)


def _read_texts(what: str, content: "pq.ParquetFile", name: str) -> NDArray[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = content.schema_arrow.field(name).type
    words = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(words) or pa.types.is_large_string(words)):
        raise DatasetError(f"{what} is a column of {kind}; write text")
    column = content.read([name])[name]
    for chunk in column.chunks:
        longest = pc.max(pc.utf8_length(chunk.dictionary)).as_py() or 0
        if longest > _MAX_TEXT_LENGTH:
            raise DatasetError(
                f"{what} has a text of {longest:,} characters; at most {_MAX_TEXT_LENGTH:,} are"
                " read: shorten it"
            )
        byte_count = longest * len(column) * _CHARACTER_BYTES
        if byte_count > MAX_BYTES:
            raise DatasetError(
                f"{what} takes {byte_count:,} bytes, {longest:,} characters a row; at most"
                f" {MAX_BYTES:,} are read: shorten its texts, or split the data set"
            )
    if column.null_count:
        raise DatasetError(f"{what}[{_first_null(column)}] is null: fill it in")
    return np.array(column.to_pylist(), dtype=np.str_)


def _value_count(content: "pq.ParquetFile", name: str) -> int:
    """Return how many numbers the lists of a column hold."""
    about = content.metadata
    return sum(
        part.num_values
        for group in range(about.num_row_groups)
        for place in range(about.num_columns)
        if (part := about.row_group(group).column(place)).path_in_schema.partition(".")[0] == name
    )


def _first_null(column: "pa.ChunkedArray") -> int:
    return int(np.flatnonzero(column.is_null().to_numpy())[0])
