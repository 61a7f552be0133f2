"""A data set of one folder per class."""

from collections.abc import Iterator
from pathlib import Path

from aloe.bench.datasets.audio_files import AUDIO_SUFFIXES, audio_below
from aloe.bench.datasets.dataset import SINGLE_TASK, Dataset
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.recording import Recording, clip_id_of
from aloe.bench.datasets.splits import SPLIT_NAMES, draw_splits
from aloe.client.types import Split


def load_folders(root: Path, *, seed: int) -> Dataset:
    """Read a folder of class folders, or of train, validation and test folders with class folders.

    A class folder may have subfolders, which are searched too. Without split folders, splits
    are drawn within each class. The one task is called "label".

    Raises:
        DatasetError: the folder cannot be used.
    """
    folders = _subfolders(root)
    if not folders:
        raise DatasetError(f"{root} holds no folders: put each class's audio in one of its own")
    names = {folder.name.lower() for folder in folders}
    has_splits = "train" in names and names <= SPLIT_NAMES.keys()
    if has_splits:
        found = [
            (SPLIT_NAMES[folder.name.lower()], label, path)
            for folder in folders
            for label, path in _labeled_files(folder)
        ]
    else:
        files = list(_labeled_files(root))
        splits = draw_splits([label for label, _ in files], seed)
        found = [(split, *file) for split, file in zip(splits, files, strict=True)]
    recordings = tuple(_recording(root, *entry) for entry in found)
    classes = tuple(sorted({label for _, label, _ in found}))
    return Dataset(str(root), recordings, {SINGLE_TASK: classes}, is_drawn=not has_splits)


def _labeled_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for class_folder in _subfolders(folder):
        files = audio_below(class_folder).files
        if not files:
            raise DatasetError(
                f"{class_folder} holds no audio ({', '.join(AUDIO_SUFFIXES)}): add some, or"
                " remove the folder"
            )
        for path in files:
            yield class_folder.name, path


def _subfolders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _recording(root: Path, split: Split, label: str, path: Path) -> Recording:
    clip_id = clip_id_of(path.relative_to(root).as_posix())
    return Recording(clip_id, path, split, {SINGLE_TASK: label})
