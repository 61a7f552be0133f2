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

CLASSES = "classes"
"""Of a column of lists of texts: what stands in them."""
_MAX_TEXT_LENGTH = 1024
_NUMBER_BYTES = 8
"""Of the largest number that a column can hold."""
_CHARACTER_BYTES = 4


def read_parquet(
    file: Path, matrix: str, texts: Sequence[str], labels: str
) -> tuple[Mapping[str, NDArray[Any]], list[str]]:
    """Read a column of lists of numbers, all of one length, and some of text.

    Args:
        file: the Parquet file.
        matrix: the column of lists.
        texts: the columns of text.
        labels: the column of text, or of lists of texts.

    Returns:
        Name to array for those that are there: of the lists (n, d), of the texts (n,), of lists of
        texts (n, k) bool, with (k,) CLASSES; and the names of the other columns, which are not
        read.

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
        schema = pq.read_schema(file)
        names, known = schema.names, (matrix, labels, *texts)
        for name in known:
            if names.count(name) > 1:
                raise DatasetError(f"{file} has {names.count(name)} columns {name!r}; leave one")
        # Texts that repeat are kept once.
        repeated = [
            name
            for name in (labels, *texts)
            if name in names and not _is_list(schema.field(name).type)
        ]
        with pq.ParquetFile(file, read_dictionary=repeated) as content:
            arrays = {
                name: read(f"{file}: {name}", content, name)
                for name, read in _readers(matrix, texts).items()
                if name in names
            }
            if labels in names:
                arrays |= _read_labels(f"{file}: {labels}", content, labels)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0]
        raise DatasetError(f"{file} cannot be read ({reason}): write it again") from error
    return arrays, sorted(set(names).difference(known))


Reader = Callable[[str, "pq.ParquetFile", str], NDArray[Any]]


def _readers(matrix: str, texts: Sequence[str]) -> Mapping[str, Reader]:
    return {matrix: _read_matrix, **dict.fromkeys(texts, _read_texts)}


def _is_list(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    words = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(words) or pa.types.is_large_string(words))


def _read_matrix(what: str, content: "pq.ParquetFile", name: str) -> NDArray[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = content.schema_arrow.field(name).type
    if not _is_list(kind) or not pa.types.is_floating(kind.value_type):
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
    import pyarrow.compute as pc

    kind = content.schema_arrow.field(name).type
    if not _is_text(kind):
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


def _read_labels(what: str, content: "pq.ParquetFile", name: str) -> dict[str, NDArray[Any]]:
    """Return the texts of a column, or of one of lists whether each row has each of CLASSES."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = content.schema_arrow.field(name).type
    if not _is_list(kind):
        return {name: _read_texts(what, content, name)}
    if not _is_text(kind.value_type):
        raise DatasetError(f"{what} is a column of {kind}; write text, or a list of texts a row")
    column = content.read([name])[name]
    if column.null_count:
        raise DatasetError(f"{what}[{_first_null(column)}] is null: write an empty list for none")
    rows = np.repeat(np.arange(len(column)), pc.list_value_length(column).to_numpy())
    named = pc.list_flatten(column).cast(pa.large_string())
    if named.null_count:
        raise DatasetError(f"{what}[{rows[_first_null(named)]}] has a null: name a class")
    longest = pc.max(pc.utf8_length(named)).as_py() or 0
    if longest > _MAX_TEXT_LENGTH:
        raise DatasetError(
            f"{what} has a text of {longest:,} characters; at most {_MAX_TEXT_LENGTH:,} are read:"
            " shorten it"
        )
    classes = sorted(pc.unique(named).to_pylist())
    if len(column) * len(classes) > MAX_BYTES:
        raise DatasetError(
            f"{what} has {len(classes):,} classes and {len(column):,} rows; the product may be"
            f" {MAX_BYTES:,}: split the data set"
        )
    places = pc.index_in(named, value_set=pa.array(classes, pa.large_string())).to_numpy()
    truth = np.zeros((len(column), len(classes)), np.bool_)
    for row, place in zip(rows.tolist(), places.tolist(), strict=True):
        if truth[row, place]:
            raise DatasetError(f"{what}[{row}] has {classes[place]!r} twice: name each class once")
        truth[row, place] = True
    return {name: truth, CLASSES: np.array(classes, np.str_)}


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
