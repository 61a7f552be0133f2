"""Fluent Speech Commands: spoken requests to a smart home; the class is the action asked for."""

from collections.abc import Iterator
from pathlib import Path

from aloe.bench.datasets.copies import (
    check_files,
    check_rate,
    compare_counts,
    count_splits,
    find_folder,
)
from aloe.bench.datasets.dataset import Dataset
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.recording import Recording, clip_id_of
from aloe.client.types import Split
from aloe.tables import read_table

NAME, TASK = "fluent-speech-commands", "action"
CLASSES = ("activate", "bring", "change language", "deactivate", "decrease", "increase")
OFFICIAL_COUNTS = {"train": 23_132, "validation": 3_118, "test": 3_793}
OFFICIAL_RATE_HZ = 16_000

_FILES = {
    Split.TRAIN: "data/train_data.csv",
    Split.VALIDATION: "data/valid_data.csv",
    Split.TEST: "data/test_data.csv",
}
_COLUMNS = ("path", "speakerId", "action")
_FORM = ",path,speakerId,transcription,action,object,location"
_FOLDER = "fluent_speech_commands_dataset"
_LABELS = {name: {TASK: name} for name in CLASSES}
_SOURCE = (
    f"get {_FOLDER} from https://fluent.ai/fluent-speech-commands-a-dataset-for-spoken-language-"
    "understanding-research"
)


def load_fluent_speech_commands(root: Path) -> Dataset:
    """Read `root/fluent_speech_commands_dataset/data/{train,valid,test}_data.csv` and the audio.

    Raises:
        DatasetError, TableError: a CSV file or a listed recording is missing, or an action
            is unknown.
    """
    folder = find_folder(root, _FILES[Split.TRAIN], _FOLDER, source=_SOURCE)
    check_files(folder, list(_FILES.values()), source=_SOURCE)
    recordings = tuple(
        recording
        for split, file in _FILES.items()
        for recording in _recordings(folder, file, split)
    )
    warnings = (
        *compare_counts(NAME, count_splits(recordings), OFFICIAL_COUNTS),
        *check_rate(NAME, TASK, recordings, OFFICIAL_RATE_HZ),
    )
    return Dataset(NAME, recordings, {TASK: CLASSES}, warnings=warnings)


def _recordings(folder: Path, file: str, split: Split) -> Iterator[Recording]:
    rows = list(read_table(folder / file, _COLUMNS, form=_FORM))
    paths = [row.require("path") for row in rows]
    check_files(folder, paths, source=_SOURCE)
    for row, path in zip(rows, paths, strict=True):
        action = row.require("action")
        if action not in _LABELS:
            raise DatasetError(
                f"{row.where}: the action {action!r} is none of {', '.join(CLASSES)}: {_SOURCE}"
            )
        yield Recording(
            clip_id_of(path),
            folder / path,
            split,
            _LABELS[action],
            speaker=row.cells["speakerId"],
        )
