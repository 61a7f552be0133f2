"""A data set of embeddings, without audio: an .npz or Parquet file of vectors and classes."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aloe.bench.arrays import Float32Array
from aloe.bench.datasets.dataset import SINGLE_TASK, Dataset, Embeddings
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.npz import read_npz
from aloe.bench.datasets.parquet import CLASSES, read_parquet
from aloe.bench.datasets.recording import Recording, clip_id_of, truth_of
from aloe.bench.datasets.several import check_names, classes_of, sets_of, told_as_one
from aloe.bench.datasets.splits import SPLIT_NAMES, draw_once
from aloe.client.types import Label, LabelSet, Split

SUFFIXES = (".npz", ".parquet")
_VECTORS, _LABELS, _GROUPS, _SPLITS, _IDS = "X", "y", "group", "split", "clip_id"
_TEXTS = (_GROUPS, _SPLITS, _IDS)
_FORM = (
    "X (n, d) of floats and y (n,) of text, or y (n, k) of 0 and 1 and classes (k,) of text where a"
    " clip may have several, and if it likes group, split and clip_id (n,)"
)
_AS_SEVERAL = {
    ".npz": "give y of shape (n, k), of 0 and 1, and the array classes",
    ".parquet": "give lists of texts in y",
}
_MAX_CLIP_COUNT, _MAX_DIM = 10_000_000, 65_536
_FINGERPRINT_LENGTH = 32

Arrays = Mapping[str, NDArray[Any]]


def load_embeddings(file: Path, *, seed: int) -> Dataset:
    """Read a file of embeddings, which no encoder is needed for.

    Arrays of an .npz file, or columns of a Parquet file: `X`, (n, d) of any float type; `y`, (n,)
    the classes; or, where a clip may have several, `y`, (n, k) of 0 and 1, and `classes`, (k,)
    text, or in Parquet lists of texts in `y`; and optionally, (n,) text: `split`, train, validation
    or test; `group`, what must not be in two splits where they are drawn, as a speaker's clips,
    empty for a clip by itself; `clip_id`, by default the file's name and the row. Nothing is
    unpickled. The one task is called "label". The encoder goes by the end of the file's name,
    behind the last '-': "yamnet" for animals-yamnet.npz. Its fingerprint is a hash of the vectors
    as float32.

    Raises:
        DatasetError: the file cannot be used; the message names the place.
    """
    if file.suffix.lower() == ".npz":
        arrays, others = read_npz(file, (_VECTORS, _LABELS, CLASSES, *_TEXTS))
    else:
        arrays, others = read_parquet(file, _VECTORS, _TEXTS, _LABELS)
    vectors = _vectors(file, arrays)
    texts = {name: _texts(file, arrays, name, len(vectors)) for name in _TEXTS if name in arrays}
    labels, classes = _labels(file, arrays, len(vectors))
    is_several = any(isinstance(label, LabelSet) for label in labels)
    groups = tuple(texts.get(_GROUPS, ()))
    if CLASSES in arrays and not is_several:
        others = sorted([*others, CLASSES])
    warnings = [f"{file}: not read: {', '.join(map(repr, others))}"] if others else []
    if not is_several:
        warnings += told_as_one(str(file), classes, _AS_SEVERAL[file.suffix.lower()])
    has_splits = any(texts.get(_SPLITS, ()))
    splits = (
        _splits(file, texts[_SPLITS]) if has_splits else draw_once(str(file), labels, groups, seed)
    )
    clip_ids = _clip_ids(file, texts.get(_IDS), len(labels))
    recordings = tuple(
        Recording(clip_id, file, split, *truth_of(SINGLE_TASK, label), row=row)
        for row, (clip_id, split, label) in enumerate(zip(clip_ids, splits, labels, strict=True))
    )
    dataset = Dataset(
        str(file),
        recordings,
        {} if is_several else {SINGLE_TASK: classes},
        {SINGLE_TASK: classes} if is_several else {},
        warnings=tuple(warnings),
        groups=groups,
        is_drawn=not has_splits,
        embeddings=Embeddings(_encoder_name(file), _fingerprint(vectors), vectors),
    )
    dataset.check_every_class()
    return dataset


def _labels(file: Path, arrays: Arrays, count: int) -> tuple[Sequence[Label], tuple[str, ...]]:
    """Return the class of each clip, or the classes, and the classes that there are."""
    if arrays[_LABELS].ndim != 2:
        labels = _texts(file, arrays, _LABELS, count)
        return labels, classes_of(labels)
    if CLASSES not in arrays:
        raise DatasetError(
            f"{file}: y is {arrays[_LABELS].shape}, of several labels a clip, and there is no"
            f" {CLASSES!r}: give the names of its columns, (k,) of text"
        )
    shape = (count, *arrays[CLASSES].shape[:1])
    if arrays[_LABELS].shape != shape:
        raise DatasetError(
            f"{file}: y is {arrays[_LABELS].shape}; with X and {CLASSES} it must be {shape}, a row"
            " for each clip and a column for each class"
        )
    classes = tuple(_texts(file, arrays, CLASSES, shape[1]))
    check_names(f"{file}: {CLASSES}", classes)
    return sets_of(file, arrays[_LABELS], classes, _LABELS), classes


def _vectors(file: Path, arrays: Arrays) -> Float32Array:
    """Return X as float32, checked."""
    for name in (_VECTORS, _LABELS):
        if name not in arrays:
            raise DatasetError(f"{file} has no {name!r}; it takes {_FORM}")
    given = arrays[_VECTORS]
    if given.ndim != 2 or given.dtype.kind != "f":
        raise DatasetError(
            f"{file}: X is {given.shape} of {given.dtype}; it must be (n, d) of floats, a row for"
            " each clip"
        )
    if not given.size:
        raise DatasetError(f"{file}: X is {given.shape}: it holds no embedding; add some")
    if len(given) > _MAX_CLIP_COUNT or given.shape[1] > _MAX_DIM:
        raise DatasetError(
            f"{file}: X is {given.shape}; at most {_MAX_CLIP_COUNT:,} clips of {_MAX_DIM:,} numbers"
            " are read: split the data set"
        )
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(given, dtype="<f4")
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise DatasetError(
            f"{file}: X[{row}] holds NaN, infinity or what float32 cannot hold, as"
            f" {np.count_nonzero(~finite):,} of {len(vectors):,} rows do: embed these clips again,"
            " or drop them"
        )
    return vectors


def _texts(file: Path, arrays: Arrays, name: str, count: int) -> list[str]:
    array = arrays[name]
    if array.dtype.kind != "U":
        raise DatasetError(
            f"{file}: {name} is of {array.dtype}; it must be text: write {name}.astype(str)"
        )
    if array.shape != (count,):
        raise DatasetError(
            f"{file}: {name} is {array.shape}, but X has {count:,} rows; give one text for each"
        )
    try:
        texts: list[str] = array.tolist()
        for text in set(texts):
            text.encode()
    except (ValueError, SystemError) as error:  # Python's own, of numbers that are no character.
        raise DatasetError(
            f"{file}: {name} holds what is no Unicode text ({error}): write it again"
        ) from error
    if name in (_LABELS, _IDS) and "" in texts:
        raise DatasetError(f"{file}: {name}[{texts.index('')}] is empty; fill it in")
    return texts


def _splits(file: Path, names: Sequence[str]) -> list[Split]:
    for row, name in enumerate(names):
        if name.lower() not in SPLIT_NAMES:
            raise DatasetError(f"{file}: split[{row}] is {name!r}; write train, validation or test")
    return [SPLIT_NAMES[name.lower()] for name in names]


def _clip_ids(file: Path, given: Sequence[str] | None, count: int) -> list[str]:
    if given is None:
        digits = len(str(count - 1))
        return [clip_id_of(f"{file.stem}/{row:0{digits}}") for row in range(count)]
    (name, times), *_ = Counter(given).most_common(1)
    if times > 1:
        first = given.index(name)
        second = given.index(name, first + 1)
        raise DatasetError(
            f"{file}: clip_id[{second}] is {name!r}, as clip_id[{first}] is: give each clip an id"
            " of its own"
        )
    return [clip_id_of(each) for each in given]


def _encoder_name(file: Path) -> str:
    return file.stem.rpartition("-")[2] or file.stem


def _fingerprint(vectors: Float32Array) -> str:
    digest = hashlib.sha256(str(vectors.shape).encode())
    digest.update(vectors.data)
    return digest.hexdigest()[:_FINGERPRINT_LENGTH]
