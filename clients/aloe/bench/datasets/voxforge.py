"""VoxForge: text read aloud in six languages, the classes; one archive for each submission."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from aloe.bench.datasets.archives import list_members
from aloe.bench.datasets.copies import check_rate, list_names
from aloe.bench.datasets.dataset import Dataset
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.recording import Recording, clip_id_of
from aloe.client.types import Split

NAME, TASK = "voxforge", "language"
CLASSES = ("de", "en", "es", "fr", "it", "ru")
OFFICIAL_RATE_HZ = 16_000

_LANGUAGE_OF = {**{name: name for name in CLASSES}, "SpeechCorpus": "en", "Russian": "ru"}
_TREE = "Trunk/Audio/Main/16kHz_16bit"
_LIST = "voxforge_urls.txt"
_ARCHIVE = ".tgz"
_DATE = re.compile(r"-(\d{8})-")
_END_DATE = "20200101"
_NOT_A_SPEAKER = "anonymous"
_LABELS = {name: {TASK: name} for name in CLASSES}
_SOURCE = (
    "fetch http://www.repository.voxforge1.org/downloads with `wget -x`, which keeps its folders"
    f" <language>/{_TREE}"
)


@dataclass(frozen=True, slots=True)
class _Submission:
    """The recordings that one speaker sent in together."""

    language: str
    name: str
    place: Path
    """The archive, or the folder that it was extracted to."""

    @property
    def speaker(self) -> str:
        return self.name.partition("-")[0]

    @property
    def is_archive(self) -> bool:
        return self.place.name != self.name


def load_voxforge(root: Path) -> Dataset:
    """Read `.../<language>/Trunk/Audio/Main/16kHz_16bit/<speaker>-<date>-<code>.tgz`.

    As in TensorFlow Datasets, speakers, not recordings, are split into 70, 10 and 20 %. If `root`
    has `voxforge_urls.txt`, the archives that it lists are used, else all from before 2020. An
    archive is read without extracting it, which takes a pass over all of it; if it was extracted
    beside itself, the folder is read instead. Other languages are left out. An archive without WAV
    files adds a speaker to the split but no recording.

    Raises:
        DatasetError: a language or a listed archive is missing, or an archive is damaged.
    """
    found = {(s.language, s.name): s for s in _submissions(root)}
    undated: list[str] = []
    if (root / _LIST).is_file():
        submissions = _listed(root / _LIST, found)
    else:
        submissions = [s for s in found.values() if _date(s) < _END_DATE]
        undated = sorted(s.name for s in submissions if not _date(s))
    absent = set(CLASSES) - {s.language for s in submissions}
    if absent:
        raise DatasetError(f"{root} holds no archives of {', '.join(sorted(absent))}: {_SOURCE}")
    recordings = tuple(_recordings(submissions))
    warnings = check_rate(NAME, TASK, recordings, OFFICIAL_RATE_HZ)
    if undated:
        line = f"{NAME}: {len(undated):,} archives bear no date, {undated[0]} for one; they count"
        warnings += (f"{line} as from before 2020",)
    return Dataset(NAME, recordings, {TASK: CLASSES}, warnings=warnings)


def split_speakers(speakers: Iterable[str]) -> Mapping[str, Split]:
    """Split speakers as version 1.0.0 of the data set in TensorFlow Datasets does.

    Sorted, shuffled by NumPy's legacy generator with seed 0, and cut at 0.7 and 0.7 + 0.1 of their
    number. That sum is kept in floating point as it is there: it is just below 0.8.
    """
    shuffled = sorted(set(speakers))
    np.random.RandomState(0).shuffle(shuffled)
    train_end, validation_end = (int(share * len(shuffled)) for share in (0.7, 0.7 + 0.1))
    split_of = dict.fromkeys(shuffled, Split.TEST)
    split_of |= dict.fromkeys(shuffled[:validation_end], Split.VALIDATION)
    return split_of | dict.fromkeys(shuffled[:train_end], Split.TRAIN)


def _submissions(root: Path) -> Iterator[_Submission]:
    """Yield all that are found; one that was extracted comes as archive first, then as folder."""
    # `root` may be the folder of the languages, or one or two above, as wget makes them.
    trees = [tree for depth in ("", "*/", "*/*/") for tree in root.glob(f"{depth}*/{_TREE}")]
    for tree in sorted(trees):
        language = _LANGUAGE_OF.get(tree.relative_to(root).parts[-5])
        if language is None:
            continue
        names = list_names(tree)
        archives = [name for name in names if name.lower().endswith(_ARCHIVE)]
        for name in archives:
            yield _Submission(language, name[: -len(_ARCHIVE)], tree / name)
        for name in set(names).difference(archives):
            if (tree / name / "wav").is_dir():
                yield _Submission(language, name, tree / name)


def _listed(file: Path, found: Mapping[tuple[str, str], _Submission]) -> list[_Submission]:
    """Return the submissions that the official list names by URL."""
    listed, missing = [], []
    for line in file.read_text(encoding="utf-8-sig", errors="replace").split("\n"):
        parts = PurePosixPath(line.strip(" \r\"'")).parts
        if not parts:
            continue
        language = _LANGUAGE_OF.get(parts[-6]) if len(parts) > 5 else None
        submission = found.get((language or "", parts[-1].removesuffix(_ARCHIVE)))
        if submission is None:
            missing.append(line.strip())
        else:
            listed.append(submission)
    if missing:
        count = len(missing) + len(listed)
        raise DatasetError(
            f"{file.parent} lacks {len(missing):,} of the {count:,} archives of {_LIST},"
            f" {missing[0]} for one: {_SOURCE}"
        )
    return listed


def _date(submission: _Submission) -> str:
    """Return the date as YYYYMMDD, empty where the name has none."""
    date = _DATE.search(submission.name)
    return date[1] if date else ""


def _recordings(submissions: list[_Submission]) -> Iterator[Recording]:
    ordered = sorted(submissions, key=lambda s: (s.language, s.name))
    split_of = split_speakers(s.speaker for s in ordered)
    # Threads help: decompression releases the GIL.
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        for submission, files in zip(ordered, executor.map(_wav_files, ordered), strict=True):
            for file in files:
                yield _recording(submission, file, split_of[submission.speaker])


def _wav_files(submission: _Submission) -> list[str]:
    """Return members of an archive, or paths within a folder."""
    if submission.is_archive:
        return list_members(submission.place, ".wav")
    return [f"wav/{name}" for name in list_names(submission.place / "wav", ".wav")]


def _recording(submission: _Submission, file: str, split: Split) -> Recording:
    speaker, is_archive = submission.speaker, submission.is_archive
    return Recording(
        # The same id whether the archive was extracted or not.
        clip_id_of(f"{submission.language}/{submission.name}/{PurePosixPath(file).name}"),
        submission.place if is_archive else submission.place / file,
        split,
        _LABELS[submission.language],
        speaker="" if speaker.lower() == _NOT_A_SPEAKER else speaker,
        member=file if is_archive else "",
    )
