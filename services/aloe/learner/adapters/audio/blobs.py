"""Files by key that are there whole or not at all: in a folder, or in a bucket through fsspec."""

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import fsspec
from fsspec.core import split_protocol, url_to_fs
from fsspec.implementations.local import LocalFileSystem

from aloe.learner.adapters.audio.reading import (
    MAX_FILE_BYTES,
    WrongRoot,
    checked_size,
    open_file,
    read_file,
    reason_of,
)
from aloe.learner.domain.errors import AudioNotFound, AudioNotKept
from aloe.values.urls import shown

KEY_LENGTH = 32
_COPIED_BYTES = 1 << 20
_UNQUOTED = "what is no letter or digit in its login has to be written as in %2F"


class Blobs(Protocol):
    """Keeps files by key. Methods wait for the disk or the network: call them on a thread."""

    def read(self, key: str) -> bytes:
        """Return a file. Raises AudioNotFound."""

    def write(self, key: str, content: bytes) -> None:
        """Keep a file, instead of what lies there unless it is the same, and make it young again.

        Raises:
            AudioNotKept: it could not be written whole; nothing of it is left.
        """

    def open(self, key: str) -> BinaryIO:
        """Open a file of any length. Raises AudioNotFound."""

    def write_file(self, key: str, file: BinaryIO) -> None:
        """Do what `write` does with a file of any length, from its begin on."""

    def keys(self) -> set[str]:
        """Return the keys of all files."""

    def discard(self, keys: Iterable[str], older_than_s: float) -> int:
        """Delete the files that nobody wrote for so long, and leftovers; return how many files."""


def check_root(root: str) -> None:
    """Refuse what is no folder and no URL of fsspec's; connects to nothing.

    Raises:
        WrongRoot: it is none, or needs a library that lacks.
    """
    for part in root.split("::"):
        try:
            fsspec.get_filesystem_class(split_protocol(part)[0])
        except (ImportError, ValueError) as error:
            raise WrongRoot(f"{shown(root)!r}: {reason_of(error)}") from error


def blobs_at(root: str) -> Blobs:
    """Return the blobs in a folder, or at a URL that fsspec knows; some connect to it at once.

    Raises:
        ConnectionError: there is none, or it wants another login. The message holds no login.
    """
    try:
        filesystem, path = url_to_fs(root)
    except Exception as error:  # noqa: BLE001 - each file system has its own
        # A password that is not quoted is taken apart, and one part or another of it is told.
        told = _UNQUOTED if shown(root).endswith("...") else reason_of(error)
        raise ConnectionError(f"{shown(root)!r}: {told}") from None
    is_local = isinstance(filesystem, LocalFileSystem)
    return FolderBlobs(path) if is_local else BucketBlobs(filesystem, path)


class FolderBlobs:
    """Blobs in a folder that any number of processes share.

    Files are written beside and then renamed. A lock keeps a file from being deleted by one process
    while another makes it young again.
    """

    def __init__(self, root: str) -> None:
        self._root = Path(root)
        self._unfinished = self._root / "unfinished"

    def read(self, key: str) -> bytes:
        return read_file(self._place(key))

    def open(self, key: str) -> BinaryIO:
        return open_file(self._place(key))

    def write(self, key: str, content: bytes) -> None:
        self._write(key, lambda file: file.write(content), lambda place: _holds(place, content))

    def write_file(self, key: str, file: BinaryIO) -> None:
        def copy(target: BinaryIO) -> None:
            file.seek(0)
            shutil.copyfileobj(file, target, _COPIED_BYTES)

        self._write(key, copy, lambda place: _holds_all_of(place, file))

    def _write(
        self, key: str, fill: Callable[[BinaryIO], object], is_there: Callable[[Path], bool]
    ) -> None:
        place, unfinished = self._place(key), self._unfinished / uuid.uuid4().hex
        try:
            if not place.parent.is_dir():
                place.parent.mkdir(parents=True, exist_ok=True)
                _sync(self._root)
            self._unfinished.mkdir(exist_ok=True)
            with self._locked(fcntl.LOCK_SH):
                if is_there(place):
                    os.utime(place)
                    return
            _write_to_disk(unfinished, fill)
            # Opened before the name is there: what fails after that would leave a file of no clip.
            with _opened(place.parent) as folder:
                with self._locked(fcntl.LOCK_SH):
                    unfinished.rename(place)
                os.fsync(folder)
        except OSError as error:
            raise _not_kept(place, error) from error
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def keys(self) -> set[str]:
        return {place.name for place in self._root.glob("??/*") if len(place.name) == KEY_LENGTH}

    def discard(self, keys: Iterable[str], older_than_s: float) -> int:
        places = [self._place(key) for key in keys]
        count = sum(self._discard(place, older_than_s) for place in places)
        for leftover in self._unfinished.glob("*"):
            self._discard(leftover, older_than_s)
        return count

    def _discard(self, place: Path, older_than_s: float) -> bool:
        with suppress(FileNotFoundError), self._locked(fcntl.LOCK_EX):
            if time.time() - place.stat().st_mtime >= older_than_s:
                place.unlink()
                return True
        return False

    def _place(self, key: str) -> Path:
        return self._root / key[:2] / key

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        with (self._root / "lock").open("ab") as lock:
            try:
                fcntl.flock(lock, kind)
            except OSError:
                # A file system without locks: there nothing can be deleted, so all may write.
                if kind == fcntl.LOCK_EX:
                    raise
            yield


class BucketBlobs:
    """Blobs below a URL that fsspec knows. Buckets show an object once it is there whole.

    Where that is not so, what is read is still compared with its hash.
    """

    def __init__(self, filesystem: Any, root: str) -> None:
        """Take a file system of fsspec and the path in it."""
        self._filesystem, self._root = filesystem, root.rstrip("/")

    def read(self, key: str) -> bytes:
        place = self._place(key)
        try:
            with self._filesystem.open(place, "rb") as file:
                content: bytes = file.read(MAX_FILE_BYTES + 1)
        except Exception as error:  # each file system has its own
            raise AudioNotFound(f"{place!r} cannot be read: {reason_of(error)}") from error
        return checked_size(place, content)

    def open(self, key: str) -> BinaryIO:
        place = self._place(key)
        try:
            file: BinaryIO = self._filesystem.open(place, "rb")
        except Exception as error:  # each file system has its own
            raise AudioNotFound(f"{place!r} cannot be read: {reason_of(error)}") from error
        return file

    def write_file(self, key: str, file: BinaryIO) -> None:
        place = self._place(key)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        try:
            self._filesystem.makedirs(place.rpartition("/")[0], exist_ok=True)
            with self._filesystem.open(place, "wb") as target:
                shutil.copyfileobj(file, target, _COPIED_BYTES)
        except Exception as error:  # each file system has its own
            self._discard_partial(place, size)
            raise _not_kept(place, error) from error

    def write(self, key: str, content: bytes) -> None:
        place = self._place(key)
        try:
            self._filesystem.makedirs(place.rpartition("/")[0], exist_ok=True)
            # Whether it is there or not: only writing makes an object young again.
            self._filesystem.pipe_file(place, content)
        except Exception as error:  # each file system has its own
            self._discard_partial(place, len(content))
            raise _not_kept(place, error) from error

    def keys(self) -> set[str]:
        self._filesystem.invalidate_cache()  # Others write there as well.
        names = {place.rpartition("/")[2] for place in self._filesystem.find(self._root)}
        return {name for name in names if len(name) == KEY_LENGTH}

    def discard(self, keys: Iterable[str], older_than_s: float) -> int:
        return sum(self._discard(self._place(key), older_than_s) for key in keys)

    def _discard_partial(self, place: str, size: int) -> None:
        """Delete what a write that failed left, where that is no bucket but a file system."""
        with suppress(Exception):
            self._filesystem.invalidate_cache(place)
            # Another process may have written all of it meanwhile.
            if self._filesystem.size(place) < size:
                self._filesystem.rm_file(place)

    def _discard(self, place: str, older_than_s: float) -> bool:
        with suppress(FileNotFoundError):
            self._filesystem.invalidate_cache(place)  # It may have been kept again since.
            modified = self._filesystem.modified(place)
            if modified.tzinfo is None:
                modified = modified.replace(tzinfo=UTC)
            if time.time() - modified.timestamp() >= older_than_s:
                self._filesystem.rm_file(place)
                return True
        return False

    def _place(self, key: str) -> str:
        return f"{self._root}/{key[:2]}/{key}"


def _holds(place: Path, content: bytes) -> bool:
    """Whether a file has this content. What is damaged is written anew."""
    try:
        return place.stat().st_size == len(content) and place.read_bytes() == content
    except OSError:
        return False


def _holds_all_of(place: Path, file: BinaryIO) -> bool:
    """Whether a file is another one, or has its content."""
    try:
        with place.open("rb") as there:
            stored, given = (os.fstat(each.fileno()) for each in (there, file))
            if os.path.samestat(stored, given):
                return True
            if stored.st_size != given.st_size:
                return False
            file.seek(0)
            while block := there.read(_COPIED_BYTES):
                if file.read(len(block)) != block:
                    return False
            return True
    except OSError:
        return False


def _write_to_disk(place: Path, fill: Callable[[BinaryIO], object]) -> None:
    with place.open("xb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Have a new name in a folder on disk."""
    with _opened(folder) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _not_kept(place: object, error: Exception) -> AudioNotKept:
    return AudioNotKept(
        f"the recording could not be kept at {str(place)!r}: {reason_of(error)}; mend that"
        " and import it again"
    )
