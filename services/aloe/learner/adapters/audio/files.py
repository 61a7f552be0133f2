"""The AudioStore: recordings kept by content hash, or read again where they were imported from."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from aloe.learner.adapters.audio.blobs import Blobs, blobs_at, check_root
from aloe.learner.adapters.audio.media_types import media_type_of
from aloe.learner.adapters.audio.places import Places
from aloe.learner.adapters.audio.reading import MAX_FILE_BYTES
from aloe.learner.bulkheads import COLLECTED_AUDIO, FOREIGN_AUDIO, KEPT_AUDIO, Bulkhead, Threads
from aloe.learner.domain.errors import AudioNotFound, AudioNotKept, LearnerError
from aloe.learner.domain.pool import Audio, Clip, EncodedAudio
from aloe.learner.domain.recordings import file_of, is_recording_of
from aloe.learner.ports.audio import AudioFile
from aloe.values.urls import shown

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
        foreign: Bulkhead = FOREIGN_AUDIO,
    ) -> None:
        """Take the root; nothing is written before the first recording is kept.

        Raises WrongPlace where the root or an allowed place cannot be one.

        Args:
            root: a folder or URL.
            identity: tells the identity of the store of pools.
            allowed_uri_prefixes: places whose audio callers may name.
            hears_files: whether the recording of a clip may be read from any file of this machine
                that has its hash.
            foreign: the threads that read from allowed places.
        """
        self._root, self._identity = root.rstrip("/"), identity
        check_root(self._root)
        self.places = Places(allowed_uri_prefixes, hears_files=hears_files)
        # A mount of others that hangs must not keep recordings from being kept.
        self._kept, self._foreign = Threads(KEPT_AUDIO), Threads(foreign)
        self._collected = Threads(COLLECTED_AUDIO)

    async def keep(self, audio: Audio, content_hash: str) -> None:
        content = file_of(audio)
        if len(content) > MAX_FILE_BYTES:
            raise AudioNotKept(
                f"the recording has {len(content):,} bytes; up to {MAX_FILE_BYTES:,} are kept"
            )
        home = await self._home()
        await self._on_kept(lambda: blobs_at(home).write(content_hash, content), AudioNotKept)

    async def read(self, clip: Clip) -> AudioFile:
        # Before there were folders of stores, all was kept in the root itself.
        roots = await self._home(), self._root
        return await self._on_kept(lambda: _read_kept(clip, map(blobs_at, roots)), AudioNotFound)

    async def read_uri(self, uri: str) -> AudioFile:
        return await self._on_foreign(lambda: _file(self.places.read(uri)), uri)

    async def read_recording(self, clip: Clip) -> AudioFile:
        return await self._on_foreign(
            lambda: _file(self.places.read_recording(clip.uri, clip)), clip.uri
        )

    async def keys(self) -> set[str]:
        home = await self._home()
        return await self._collected.run(lambda: blobs_at(home).keys())

    async def discard(self, keys: set[str], older_than_s: float) -> int:
        home = await self._home()
        return await self._collected.run(lambda: blobs_at(home).discard(keys, older_than_s))

    async def _home(self) -> str:
        # Asked every time: a store that was emptied has another identity, and nothing that another
        # one's pools need may be deleted for its sake.
        return f"{self._root}/{await self._identity()}"

    async def _on_kept(self, work: Callable[[], T], failure: type[LearnerError]) -> T:
        try:
            return await self._kept.run(work)
        except OSError as error:  # TimeoutError is one
            raise failure(
                f"the disk or bucket where audio is kept does not answer: {error}; see whether it"
                " hangs"
            ) from error

    async def _on_foreign(self, work: Callable[[], T], uri: str) -> T:
        try:
            return await self._foreign.run(work)
        except TimeoutError as error:
            raise AudioNotFound(
                f"{shown(uri)!r} cannot be read: {error}; see whether its disk or server hangs, or"
                " send the audio"
            ) from error


def _read_kept(clip: Clip, places: Iterable[Blobs]) -> AudioFile:
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
