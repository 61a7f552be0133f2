"""The English microset of the Multilingual Spoken Words Corpus: 31 words, cut from read text."""

from collections.abc import Iterator
from pathlib import Path

from aloe.bench.datasets.copies import check_files, compare_counts, find_folder
from aloe.bench.datasets.dataset import Dataset
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.recording import Recording, clip_id_of
from aloe.client.types import Split
from aloe.tables import read_table

NAME, TASK = "mswc-micro-en", "word"
OFFICIAL_COUNTS = {"clips": 96_099, "words": 31}

_FILES = {
    Split.TRAIN: "en_train.csv",
    Split.VALIDATION: "en_dev.csv",
    Split.TEST: "en_test.csv",
}
_COLUMNS = ("LINK", "WORD", "VALID", "SPEAKER", "GENDER")
_NO_SPEAKER = "NA"
_SOURCE = "extract mswc_microset.tar.gz of https://mlcommons.org/en/multilingual-spoken-words"


def load_mswc(root: Path) -> Dataset:
    """Read `root/mswc_microset/en`: `en_{train,dev,test}.csv` and `clips/{word}/*.opus`.

    All rows are used, whatever their VALID column says. The classes are the words in train rows.

    Raises:
        DatasetError, TableError: a CSV file or a listed clip is missing, or a word is in no
            train row.
    """
    folder = find_folder(root, "clips", "mswc_microset/en", "en", source=_SOURCE)
    check_files(folder, list(_FILES.values()), source=_SOURCE)
    labels: dict[str, dict[str, str]] = {}
    recordings = tuple(
        recording
        for split, file in _FILES.items()
        for recording in _recordings(folder, file, split, labels)
    )
    classes = tuple(sorted(labels))
    counts = {"clips": len(recordings), "words": len(classes)}
    warnings = compare_counts(NAME, counts, OFFICIAL_COUNTS)
    return Dataset(NAME, recordings, {TASK: classes}, warnings=warnings)


def _recordings(
    folder: Path, file: str, split: Split, labels: dict[str, dict[str, str]]
) -> Iterator[Recording]:
    rows = list(read_table(folder / file, _COLUMNS))
    links = [row.require("LINK") for row in rows]
    check_files(folder / "clips", links, source=_SOURCE)
    for row, link in zip(rows, links, strict=True):
        word = row.require("WORD")
        if split is Split.TRAIN:
            labels.setdefault(word, {TASK: word})
        elif word not in labels:
            raise DatasetError(
                f"{row.where}: the word {word!r} is in no row of {_FILES[Split.TRAIN]}: {_SOURCE}"
            )
        speaker = row.cells["SPEAKER"]
        yield Recording(
            clip_id_of(link),
            folder / "clips" / link,
            split,
            labels[word],
            speaker="" if speaker == _NO_SPEAKER else speaker,
        )
