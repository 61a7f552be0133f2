"""VocalSound: laughter, sighs, coughs, throat clearing, sneezes and sniffs of 3,365 speakers."""

import json
from collections.abc import Iterator, Mapping
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

NAME, TASK = "vocalsound", "sound"
MIDS = ("/m/01j3sz", "/m/07plz5l", "/m/01b_21", "/m/0dl9sf8", "/m/01hsr_", "/m/07ppn3j")
"""AudioSet's ids of laughter, sigh, cough, throat clearing, sneeze and sniff."""
OFFICIAL_COUNTS = {"train": 15_570, "validation": 1_860, "test": 3_594}
OFFICIAL_RATE_HZ = 16_000

_CLASSES = "class_labels_indices_vs.csv"
_FILES = {
    Split.TRAIN: "datafiles/tr.json",
    Split.VALIDATION: "datafiles/val.json",
    Split.TEST: "datafiles/te.json",
}
_AUDIO = "audio_16k"
_SOURCE = "extract vs_release_16k.zip, linked at https://github.com/YuanGongND/vocalsound"


def load_vocalsound(root: Path) -> Dataset:
    """Read `root/datafiles/{tr,val,te}.json` and `root/audio_16k`.

    The classes and their order are those of `class_labels_indices_vs.csv`. The JSON files hold
    paths on the author's machine; only the file names are used.

    Raises:
        DatasetError, TableError: a file is missing or malformed, or a label is not a class.
    """
    folder = find_folder(root, _CLASSES, "vs_release_16k", "data", source=_SOURCE)
    check_files(folder, list(_FILES.values()), source=_SOURCE)
    classes = _read_classes(folder / _CLASSES)
    labels = {mid: {TASK: name} for mid, name in classes.items()}
    recordings = tuple(
        Recording(
            clip_id_of(name),
            folder / _AUDIO / name,
            split,
            labels[mid],
            speaker=name.partition("_")[0],
        )
        for split, file in _FILES.items()
        for name, mid in _entries(folder / file, classes)
    )
    check_files(folder / _AUDIO, [r.path.name for r in recordings], source=_SOURCE)
    warnings = (
        *compare_counts(NAME, count_splits(recordings), OFFICIAL_COUNTS),
        *check_rate(NAME, TASK, recordings, OFFICIAL_RATE_HZ),
    )
    return Dataset(NAME, recordings, {TASK: tuple(classes.values())}, warnings=warnings)


def _read_classes(file: Path) -> Mapping[str, str]:
    """Return AudioSet's id (mid) to class, in the file's order."""
    classes = {
        row.require("mid"): row.require("display_name")
        for row in read_table(file, ("index", "mid", "display_name"))
    }
    if set(classes) != set(MIDS):
        raise DatasetError(f"{file} lists the mids {', '.join(classes)}, not {', '.join(MIDS)}")
    return classes


def _entries(file: Path, classes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield file name and mid of each entry."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8-sig"))["data"]
        pairs = [(str(entry["wav"]), str(entry["labels"])) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f'{file} is not {{"data": [{{"wav": ..., "labels": ...}}]}}: {_SOURCE}'
        ) from error
    for wav, mid in pairs:
        name = wav.replace("\\", "/").rpartition("/")[2]
        if mid not in classes:
            raise DatasetError(
                f"{file}: {name} has the label {mid!r}, which is none of {', '.join(classes)}"
            )
        yield name, mid
