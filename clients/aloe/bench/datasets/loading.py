"""Loads a data set by its name, or by the path of a manifest or folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

from aloe.bench.datasets import (
    audioset,
    fluent_speech_commands,
    fsdd,
    mswc,
    speech_commands,
    vocalsound,
    voxforge,
)
from aloe.bench.datasets.dataset import Dataset
from aloe.bench.datasets.embedding_files import SUFFIXES, load_embeddings
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.folders import load_folders
from aloe.bench.datasets.manifest import load_manifest
from aloe.tables import TableError

_NAMED: Mapping[str, Callable[[Path], Dataset]] = {
    speech_commands.NAME: speech_commands.load_speech_commands,
    mswc.NAME: mswc.load_mswc,
    vocalsound.NAME: vocalsound.load_vocalsound,
    voxforge.NAME: voxforge.load_voxforge,
    fluent_speech_commands.NAME: fluent_speech_commands.load_fluent_speech_commands,
    audioset.NAME: audioset.load_audioset,
    fsdd.NAME: fsdd.load_fsdd,
}
NAMES = tuple(_NAMED)
"""Names of the data sets that have a reader of their own."""


def load(name_or_path: str | Path, root: Path | None = None, *, seed: int = 0) -> Dataset:
    """Read a data set from disk.

    Args:
        name_or_path: One of NAMES, or the path of a manifest, CSV or JSON lines, of a folder with
            one folder per class, or of a file of embeddings, .npz or .parquet; relative to `root`
            if that is given.
        root: The folder that a named data set lies in.
        seed: Of the random splits, for a data set that has none of its own.

    Raises:
        DatasetError: there is no such data set, or it cannot be used.
    """
    try:
        return _load(name_or_path, root, seed)
    except TableError as error:
        raise DatasetError(str(error)) from error
    except MemoryError as error:
        raise DatasetError(
            f"{name_or_path} takes more memory than there is: split the data set"
        ) from error


def _load(name_or_path: str | Path, root: Path | None, seed: int) -> Dataset:
    load_named = _NAMED.get(str(name_or_path))
    if load_named is not None:
        if root is None:
            raise DatasetError(f"{name_or_path} is a data set by name: give the root it lies in")
        return load_named(root)
    path = Path(name_or_path) if root is None else root / name_or_path
    if path.is_dir():
        return load_folders(path, seed=seed)
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return load_embeddings(path, seed=seed)
    if path.is_file():
        return load_manifest(path, seed=seed)
    raise DatasetError(
        f"no data set {str(name_or_path)!r}: {path} is neither a CSV or .jsonl file, nor an .npz or"
        f" .parquet file of embeddings, nor a folder; the known names are {', '.join(NAMES)}"
    )
