"""AudioSet: ten seconds of a video each, labeled with several of 527 sounds."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from aloe.bench.datasets.audio_files import audio_below
from aloe.bench.datasets.copies import check_files
from aloe.bench.datasets.dataset import Dataset
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.recording import Recording, clip_id_of
from aloe.client.types import Split
from aloe.tables import Row, read_table

NAME, TASK = "audioset", "sound"

_CLASSES = "class_labels_indices.csv"
_BALANCED, _UNBALANCED = "balanced_train_segments.csv", "unbalanced_train_segments.csv"
_EVALUATION = "eval_segments.csv"
_COLUMNS = ("YTID", "start", "end", "mids")
_AUDIO = "audio"
# A YouTube id has 11 characters; some collections put a Y before it.
_AUDIO_STEM = re.compile(r"Y?([\w-]{11})(?:_[\d._-]+)?")
_SOURCE = "get the CSV files from https://research.google.com/audioset/download.html"


def load_audioset(root: Path) -> Dataset:
    """Read the segment lists in `root` and the segments' audio anywhere below `root/audio`.

    Audio files hold one segment (AudioSet's word for a window) each, of any format, and are called
    `{ytid}_{start}_{end}`, in any unit, or `{ytid}`. Segments without a file are left out: many
    videos are gone. Train is the balanced list, with the unbalanced one if it is there; test is
    the evaluation list.

    Raises:
        DatasetError, TableError: a list is missing, a label is not a class, or no segment
            has audio.
    """
    check_files(root, [_CLASSES, _BALANCED, _EVALUATION], source=_SOURCE)
    classes = {
        row.require("mid"): row.require("display_name")
        for row in read_table(root / _CLASSES, ("index", "mid", "display_name"))
    }
    files = _audio_files(root / _AUDIO)
    parts = {_BALANCED: Split.TRAIN, _UNBALANCED: Split.TRAIN, _EVALUATION: Split.TEST}
    rows = [
        (row, split)
        for file, split in parts.items()
        if (root / file).exists()
        for row in read_table(root / file, _COLUMNS, columns=_COLUMNS)
    ]
    recordings = tuple(_recordings(rows, classes, files))
    if not recordings:
        raise DatasetError(
            f"{root / _AUDIO} holds the audio of none of {len(rows):,} listed segments: put it"
            " there as {ytid}_{start}_{end}.wav"
        )
    absent_count = len(rows) - len(recordings)
    absent = f"{absent_count:,} of {len(rows):,} listed segments have no audio in {root / _AUDIO}"
    return Dataset(
        NAME,
        recordings,
        tasks={},
        multi_label_tasks={TASK: tuple(classes.values())},
        warnings=(f"{NAME}: {absent}; they are left out",) if absent_count else (),
    )


def _audio_files(folder: Path) -> Mapping[str, Path]:
    """Return video id to audio file."""
    return {
        stem[1]: path
        for path in audio_below(folder).files
        if (stem := _AUDIO_STEM.fullmatch(path.stem))
    }


def _recordings(
    rows: list[tuple[Row, Split]], classes: Mapping[str, str], files: Mapping[str, Path]
) -> Iterator[Recording]:
    for row, split in rows:
        video_id, mids = row.require("YTID"), row.require("mids").split(",")
        unknown = set(mids).difference(classes)
        if unknown:
            raise DatasetError(
                f"{row.where}: the label {min(unknown)!r} is none of {_CLASSES}: {_SOURCE}"
            )
        if path := files.get(video_id):
            labels = {TASK: tuple(classes[mid] for mid in mids)}
            # Some ids begin with '-', which a clip id may not.
            clip_id = clip_id_of(f"{split.value}/{video_id}")
            yield Recording(clip_id, path, split, label_sets=labels)
