"""The RecordingFiles: files of recordings that come, that are kept, or that lie elsewhere."""

import hashlib
import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from aloe.learner.adapters.audio.blobs import Blobs, FolderBlobs, blobs_at
from aloe.learner.adapters.audio.places import Places
from aloe.learner.adapters.audio.reading import reason_of
from aloe.learner.adapters.audio.recognizing import is_recording
from aloe.learner.bulkheads import TAKEN_AUDIO, Threads
from aloe.learner.domain.errors import AudioNotFound, AudioNotKept, InvalidInput
from aloe.learner.ports.recordings import RecordingFile
from aloe.values.urls import shown

T = TypeVar("T")
_HASHED_BYTES = 1 << 20
_HEAD_BYTES = 1 << 18
"""By which it is told whether a file is a recording at all."""
_SPARE_BYTES = 1 << 30
"""Of a disk, which stay free."""
_KNOWN_COUNT = 1_000
_PREFIX = b"encoded\0"
"""As in the content hash of a clip of a whole file."""
_HASH_LENGTH = 32
DEFAULT_MAX_BYTES = 64 * 1024**3


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file, for one thread at a time."""

    file: BinaryIO
    is_kept: bool = False
    """Whether it is what is kept under its content hash."""

    async def close(self) -> None:
        self.file.close()


class FilesOfRecordings:
    """RecordingFiles beside the recordings of clips, in the same root."""

    def __init__(
        self,
        root: str,
        identity: Callable[[], Awaitable[str]],
        places: Places,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        """Take the root and the places of an AudioFiles, and how long a file may be that comes."""
        self._root, self._identity = root.rstrip("/"), identity
        self._places, self._max_bytes = places, max_bytes
        self._threads = Threads(TAKEN_AUDIO)
        self._known: OrderedDict[tuple[int, ...], str] = OrderedDict()
        """Hashes of files that were read, by what tells that they are as they were then."""

    async def take(
        self, chunks: AsyncIterator[bytes], byte_count: int, content_hash: str
    ) -> RecordingFile:
        if byte_count > self._max_bytes:
            raise InvalidInput.of(
                "header.byte_count", f"{byte_count:,}; up to {self._max_bytes:,} are taken"
            )
        file = await self._writing(partial(self._made, byte_count))
        try:
            digest, size = hashlib.sha256(_PREFIX), 0
            async for chunk in chunks:
                size += len(chunk)
                if size > byte_count:
                    break
                await self._writing(partial(_add, file, digest, chunk))
            if size != byte_count:
                said = "more" if size > byte_count else f"{size:,} bytes"
                raise InvalidInput.of("chunk", f"{said} came, and {byte_count:,} were announced")
            if digest.hexdigest()[:_HASH_LENGTH] != content_hash:
                raise InvalidInput.of("header.content_hash", "is not that of the file that came")
        except BaseException:
            file.close()
            raise
        return OpenFile(file)

    async def find_kept(self, content_hash: str) -> RecordingFile:
        home = await self._home()
        return await self._run(lambda: self._kept(blobs_at(home), content_hash))

    async def find_at(self, uri: str, content_hash: str) -> RecordingFile:
        return await self._run(partial(self._found, uri, content_hash))

    async def keep(self, file: RecordingFile, content_hash: str) -> None:
        assert isinstance(file, OpenFile)  # noqa: S101 - made here
        home = await self._home()
        await self._threads.run(partial(_keep, home, file, content_hash))

    def close(self) -> None:
        """Let go of threads."""
        self._threads.close()

    async def _home(self) -> str:
        return f"{self._root}/{await self._identity()}"

    def _made(self, byte_count: int) -> BinaryIO:
        """Make a file without a name, which is gone when it is closed."""
        folder = self._folder()
        free = shutil.disk_usage(folder).free
        if free < byte_count + _SPARE_BYTES:
            raise AudioNotKept(
                f"the recording has {byte_count:,} bytes, and the disk of this server {free:,} free"
            )
        return tempfile.TemporaryFile(dir=folder)

    def _folder(self) -> str:
        """Return where what comes is written: in the root if that is a folder."""
        filesystem, path = url_to_fs(self._root)
        if not isinstance(filesystem, LocalFileSystem):
            return tempfile.gettempdir()
        Path(path).mkdir(parents=True, exist_ok=True)
        return str(path)

    def _kept(self, blobs: Blobs, content_hash: str) -> OpenFile:
        file = blobs.open(content_hash)
        try:
            # An object of a bucket has its own checks, and would be fetched whole for this one.
            if isinstance(blobs, FolderBlobs) and self._hash_of(file) != content_hash:
                raise AudioNotFound(f"what was kept as {content_hash} is damaged")
        except BaseException:
            file.close()
            raise
        return OpenFile(file, is_kept=True)

    def _found(self, uri: str, content_hash: str) -> OpenFile:
        file = self._places.open(uri)
        try:
            if self._hash_of(file) != content_hash:
                raise AudioNotFound(f"{shown(uri)!r} is another file than the recording")
            file.seek(0)
            if not is_recording(file.read(_HEAD_BYTES)):
                raise AudioNotFound(f"{shown(uri)!r} is no recording: its bytes are of no audio")
        except BaseException:
            file.close()
            raise
        return OpenFile(file)

    def _hash_of(self, file: BinaryIO) -> str:
        """Return the hash of a file, which is read only if it may have changed since."""
        status = os.fstat(file.fileno())
        key = (
            *(status.st_dev, status.st_ino, status.st_size),
            *(status.st_mtime_ns, status.st_ctime_ns),
        )
        known = self._known.get(key)
        if known is None:
            digest = hashlib.sha256(_PREFIX)
            while block := file.read(_HASHED_BYTES):
                digest.update(block)
            known = self._known[key] = digest.hexdigest()[:_HASH_LENGTH]
            while len(self._known) > _KNOWN_COUNT:
                self._known.popitem(last=False)
        return known

    async def _writing(self, work: Callable[[], T]) -> T:
        try:
            return await self._threads.run(work)
        except OSError as error:
            raise AudioNotKept(f"the recording could not be taken: {reason_of(error)}") from error

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await self._threads.run(work)
        except OSError as error:
            raise AudioNotFound(f"it cannot be read: {reason_of(error)}") from error


def _keep(home: str, file: OpenFile, content_hash: str) -> None:
    blobs = blobs_at(home)
    # In a folder what is kept is made young again; an object would be written over itself.
    if isinstance(blobs, FolderBlobs) or not file.is_kept:
        blobs.write_file(content_hash, file.file)


def _add(file: BinaryIO, digest: "hashlib._Hash", chunk: bytes) -> None:
    file.write(chunk)
    digest.update(chunk)
