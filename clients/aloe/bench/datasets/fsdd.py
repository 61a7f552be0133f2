"""The Free Spoken Digit Dataset: ten digits, six speakers, fifty takes of each."""

from itertools import product
from pathlib import Path

from aloe.bench.datasets.copies import check_files, find_folder, list_names
from aloe.bench.datasets.dataset import Dataset
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.recording import Recording
from aloe.client.types import Split

NAME = "fsdd"
DIGITS = tuple("0123456789")
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")

_TAKES = range(50)
_TEST_TAKES = range(5)
_VALIDATION_TAKES = range(5, 10)
_FOLDER = "recordings"
_SOURCE = "get the whole of it from the repository Jakobovski/free-spoken-digit-dataset on GitHub"


def load_fsdd(root: Path) -> Dataset:
    """Read `root/recordings/{digit}_{speaker}_{take}.wav` with the tasks "digit" and "speaker".

    The official split has takes 0 to 4 for test and 5 to 49 for train; takes 5 to 9 of train
    serve as validation here.

    Raises:
        DatasetError: the folder is missing or is not the complete data set.
    """
    folder = find_folder(root, _FOLDER, source=_SOURCE) / _FOLDER
    recordings = tuple(
        Recording(
            clip_id=f"{digit}_{speaker}_{take}",
            path=folder / f"{digit}_{speaker}_{take}.wav",
            split=_split_of(take),
            labels={"digit": digit, "speaker": speaker},
            speaker=speaker,
        )
        for digit, speaker, take in product(DIGITS, SPEAKERS, _TAKES)
    )
    names = {recording.path.name for recording in recordings}
    check_files(folder, names, source=_SOURCE)
    _check_foreign(folder, names)
    return Dataset(NAME, recordings, {"digit": DIGITS, "speaker": SPEAKERS})


def _split_of(take: int) -> Split:
    if take in _TEST_TAKES:
        return Split.TEST
    return Split.VALIDATION if take in _VALIDATION_TAKES else Split.TRAIN


def _check_foreign(folder: Path, names: set[str]) -> None:
    foreign = sorted(set(list_names(folder, ".wav")) - names)
    if foreign:
        raise DatasetError(
            f"{folder} holds {foreign[0]}, which is none of the data set's {len(names):,}"
            " recordings: move it elsewhere"
        )
