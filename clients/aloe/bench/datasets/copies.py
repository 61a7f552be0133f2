"""Checks of a copy of a published data set: is it complete, and the official version?"""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from aloe.bench.datasets.audio import measure
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.recording import Recording
from aloe.client.types import Split

_DOUBT = "its accuracies may not compare with published ones"


def find_folder(root: Path, marker: str, *layouts: str, source: str) -> Path:
    """Return the folder that holds `marker`: `root`, or the first of `layouts` below it that does.

    Raises:
        DatasetError: none does; the message says where to get the data set.
    """
    for folder in (root, *(root / layout for layout in layouts)):
        if (folder / marker).exists():
            return folder
    raise DatasetError(f"no {marker} in {root}: give the root of the data set; {source}")


def list_names(folder: Path, suffix: str = "") -> list[str]:
    """Return the sorted names of a folder that end in `suffix`, in any case; none if it is absent.

    Names that begin with a '.' are left out: some systems leave such files behind.
    """
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names of 100,000 files, not paths
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(n for n in names if n.lower().endswith(suffix) and not n.startswith("."))


def check_files(folder: Path, files: Collection[str], *, source: str) -> None:
    """Check that files exist; each folder is listed only once.

    Args:
        folder: What their paths are relative to.
        files: Paths with '/'.
        source: Where to get the data set.

    Raises:
        DatasetError: some are missing; the message counts them and names one.
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
    """Return split name to the number of its recordings."""
    counts = Counter(recording.split for recording in recordings)
    return {split.value: counts[split] for split in Split}


def compare_counts(
    name: str, found: Mapping[str, int], official: Mapping[str, int]
) -> tuple[str, ...]:
    """Return a warning if a copy's counts (what is counted, to how many) are not the official."""
    if found == official:
        return ()
    line = f"{name}: this copy has {_say(found)}, the official one {_say(official)}; {_DOUBT}"
    return (line,)


def check_rate(
    name: str, task: str, recordings: Iterable[Recording], official_rate_hz: int
) -> tuple[str, ...]:
    """Return a warning if a copy is not at the official sampling rate.

    Looks at one recording of each class: 100,000 headers would take minutes. A file that cannot be
    decoded is skipped; the embedding service will name it.
    """
    first: dict[str, Recording] = {}
    for recording in recordings:
        first.setdefault(recording.labels[task], recording)
    for recording in first.values():
        try:
            content = recording.audio() if recording.member else recording.path
            _, rate_hz = measure(content, name=recording.clip_id)
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
