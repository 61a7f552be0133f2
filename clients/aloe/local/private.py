"""Folders and files that only their user can read: labels, recordings of people, logs."""

import contextlib
import os
import shutil
import stat
from pathlib import Path
from typing import BinaryIO

PRIVATE_UMASK = 0o077
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
DATA_FOLDERS = ("redis", "audio", "logs")
"""What lies in a data folder, beside the file "lock"."""
MAX_LOG_BYTES = 16 * 1024**2


def make_private_folder(folder: Path) -> None:
    """Make a folder, with those it is in, for this user alone; one that is there stays as it is."""
    for each in [*reversed(folder.parents), folder]:
        if not each.is_dir():
            with contextlib.suppress(FileExistsError):
                each.mkdir(mode=_FOLDER_MODE)
    folder.mkdir(exist_ok=True)  # Says what is wrong where it is no folder.


def open_private(file: Path) -> BinaryIO:
    """Open a file for this user alone to append to."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _FILE_MODE)
    return os.fdopen(descriptor, "ab")


def open_folders(data_dir: Path) -> list[Path]:
    """Return which folders of a data folder others than its user may look into."""
    if not (data_dir / "lock").exists():
        return []  # No data folder.
    return [each for each in map(data_dir.joinpath, DATA_FOLDERS) if is_open(each)]


def tighten(data_dir: Path) -> None:
    """Close to others what earlier versions left open to them, where it is this user's.

    The data folder itself may be shared with something else; what ALOE made in it is not.
    """
    for folder in open_folders(data_dir):
        with contextlib.suppress(OSError):
            folder.chmod(_FOLDER_MODE)


def is_open(folder: Path) -> bool:
    """Whether others than its user may look into a folder."""
    with contextlib.suppress(OSError):
        status = folder.lstat()  # Where a link leads is not ALOE's.
        return stat.S_ISDIR(status.st_mode) and bool(status.st_mode & PRIVATE_UMASK)
    return False


def bound_log(file: Path) -> None:
    """Begin a log anew that has grown too large, and keep the one before beside it.

    Whoever writes to it appends, and goes on. What comes while it is copied is lost.
    """
    try:
        if file.stat().st_size <= MAX_LOG_BYTES:
            return
    except OSError:
        return
    before = file.with_name(f"{file.name}.1")
    try:
        before.unlink(missing_ok=True)
        with file.open("rb") as source, open_private(before) as target:
            shutil.copyfileobj(source, target)
    except OSError:  # A full disk needs the room all the more.
        before.unlink(missing_ok=True)
    os.truncate(file, 0)
