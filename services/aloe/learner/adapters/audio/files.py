"""The AudioStore: recordings kept by content hash, or read again where they were imported from."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from aloe.learner.adapters.audio.blobs import Blobs, BucketBlobs, FolderBlobs
from aloe.learner.adapters.audio.media_types import media_type_of
from aloe.learner.adapters.audio.places import Places
from aloe.learner.adapters.audio.reading import MAX_FILE_BYTES
from aloe.learner.domain.errors import AudioNotFound, AudioNotKept
from aloe.learner.domain.pool import Audio, Clip, EncodedAudio
from aloe.learner.domain.recordings import file_of, is_recording_of
from aloe.learner.ports.audio import AudioFile

_THREAD_COUNT = 8
T = TypeVar("T")


class AudioFiles:
    """An AudioStore in a folder, or at any URL that fsspec knows.

    Below its root each store of pools has a folder of its own, named by the store's identity: what
    another store's pools need must never seem unneeded.
    """

    def __init__(
        self,
        root: str,
        identity: Callable[[], Awaitable[str]],
        allowed_uri_prefixes: Sequence[str] = (),
        *,
        hears_files: bool = False,
    ) -> None:
        """Take the root; nothing is written before the first recording is kept.

        Args:
            root: a folder or URL.
            identity: tells the identity of the store of pools.
            allowed_uri_prefixes: places whose audio callers may name.
            hears_files: whether the recording of a clip may be read from any file of this machine
                that has its hash.
        """
        self._root, self._identity = root.rstrip("/"), identity
        self._places = Places(allowed_uri_prefixes, hears_files=hears_files)
        # Of its own: a disk or a mount that hangs must not hold up what else uses threads.
        self._threads = ThreadPoolExecutor(_THREAD_COUNT, "aloe-audio")

    async def keep(self, audio: Audio, content_hash: str) -> None:
        content = file_of(audio)
        if len(content) > MAX_FILE_BYTES:
            raise AudioNotKept(
                f"the recording has {len(content):,} bytes; up to {MAX_FILE_BYTES:,} are kept"
            )
        home = await self._home()
        await self._on_thread(lambda: home.write(content_hash, content))

    async def read(self, clip: Clip) -> AudioFile:
        home = await self._home()
        # Before there were folders of stores, all was kept in the root itself.
        return await self._on_thread(lambda: _read_kept(clip, [home, _blobs_at(self._root)]))

    async def read_uri(self, uri: str) -> AudioFile:
        return await self._on_thread(lambda: _file(self._places.read(uri)))

    async def read_recording(self, clip: Clip) -> AudioFile:
        return await self._on_thread(lambda: _file(self._places.read_recording(clip.uri, clip)))

    async def keys(self) -> set[str]:
        home = await self._home()
        return await self._on_thread(home.keys)

    async def discard(self, keys: set[str], older_than_s: float) -> int:
        home = await self._home()
        return await self._on_thread(lambda: home.discard(keys, older_than_s))

    async def _home(self) -> Blobs:
        # Asked every time: a store that was emptied has another identity, and nothing that another
        # one's pools need may be deleted for its sake.
        return _blobs_at(f"{self._root}/{await self._identity()}")

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _blobs_at(root: str) -> Blobs:
    filesystem, path = url_to_fs(root)
    is_local = isinstance(filesystem, LocalFileSystem)
    return FolderBlobs(path) if is_local else BucketBlobs(filesystem, path)


def _read_kept(clip: Clip, places: Sequence[Blobs]) -> AudioFile:
    """Read from the first place that holds a clip's recording. Raises AudioNotFound."""
    missing, damaged = "", ""
    for blobs in places:
        try:
            content = blobs.read(clip.content_hash)
        except AudioNotFound as error:
            missing = missing or str(error)
            continue
        if is_recording_of(clip, EncodedAudio(content)):
            return _file(content)
        damaged = f"what was kept as {clip.content_hash} is damaged: it has another hash by now"
    raise AudioNotFound(damaged or missing)


def _file(content: bytes) -> AudioFile:
    return AudioFile(content, media_type_of(content))
