"""What is checked of a copy of a published data set: that it is whole, and the official one."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from aloe.bench.datasets.audio import read_rate_hz
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.recording import Recording
from aloe.client.types import Split

_DOUBT = "its accuracies may not compare with published ones"


def find_folder(root: Path, marker: str, *layouts: str, source: str) -> Path:
    """Return the folder that holds `marker`: `root`, or the first layout below it that does.

    Raises:
        DatasetError: none does; says where the data set comes from.
    """
    for folder in (root, *(root / layout for layout in layouts)):
        if (folder / marker).exists():
            return folder
    raise DatasetError(f"no {marker} in {root}: give the root of the data set; {source}")


def list_names(folder: Path, suffix: str = "") -> list[str]:
    """Return the sorted names of a folder that end in `suffix`, in any case; none if it is absent.

    Names that begin with a '.' are left out: other systems leave such files behind.
    """
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names of 100,000 files, not paths
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(n for n in names if n.lower().endswith(suffix) and not n.startswith("."))


def check_files(folder: Path, files: Collection[str], *, source: str) -> None:
    """Check that files are there, listing each of their folders once.

    Args:
        folder: What their paths are relative to.
        files: Paths with '/'.
        source: Where to get the data set.

    Raises:
        DatasetError: some are missing; counts them and names one.
    """
    names_of: dict[str, set[str]] = {}
    missing = []
    for file in files:
        parent, _, name = file.rpartition("/")
        if parent not in names_of:
            names_of[parent] = set(list_names(folder / parent))
        if name not in names_of[parent]:
            missing.append(file)
    if missing:
        raise DatasetError(
            f"{folder} lacks {len(missing):,} of {len(files):,} files, {min(missing)} for one;"
            f" {source}"
        )


def count_splits(recordings: Iterable[Recording]) -> dict[str, int]:
    """Return how many recordings each split has, by its name."""
    counts = Counter(recording.split for recording in recordings)
    return {split.value: counts[split] for split in Split}


def compare_counts(
    name: str, found: Mapping[str, int], official: Mapping[str, int]
) -> tuple[str, ...]:
    """Return a line if the counts of a copy, by what is counted, are not the official ones."""
    if found == official:
        return ()
    line = f"{name}: this copy has {_say(found)}, the official one {_say(official)}; {_DOUBT}"
    return (line,)


def check_rate(
    name: str, task: str, recordings: Iterable[Recording], official_rate_hz: int
) -> tuple[str, ...]:
    """Return a line if a copy is not at the official sampling rate, by a recording of each class.

    Not by all of them: 100,000 headers take minutes. What cannot be decoded is left to the
    embedding service, which names it.
    """
    first: dict[str, Recording] = {}
    for recording in recordings:
        first.setdefault(recording.labels[task], recording)
    for recording in first.values():
        try:
            content = recording.audio() if recording.member else recording.path
            rate_hz = read_rate_hz(content)
        except DatasetError:
            continue
        if rate_hz != official_rate_hz:
            file = recording.path / recording.member
            line = (
                f"{name}: {file} is sampled at {rate_hz:,} Hz, not {official_rate_hz:,}; {_DOUBT}"
            )
            return (line,)
    return ()


def _say(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counts.items())
