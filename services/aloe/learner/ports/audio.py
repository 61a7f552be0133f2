"""Where recordings are kept and read."""

from dataclasses import dataclass
from typing import Protocol

from aloe.learner.domain.pool import Audio, Clip


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A recording to be heard."""

    content: bytes
    media_type: str


class AudioStore(Protocol):
    """Keeps recordings by content hash, their key, and reads others where they lie.

    Methods raise StoreUnavailable while the store of the pools cannot be reached.
    """

    async def keep(self, audio: Audio, content_hash: str) -> None:
        """Keep a recording under its content hash.

        Repeating it mends what was damaged, and lets the recording count as new to `discard`.

        Raises:
            AudioNotKept: it could not be written; nothing of it is kept.
            InvalidInput: it is no recording.
        """

    async def read(self, clip: Clip) -> AudioFile:
        """Return what was kept of a clip. Raises AudioNotFound, also where that is damaged."""

    async def read_uri(self, uri: str) -> AudioFile:
        """Return what lies at a URI. Raises AudioNotFound, also where reading is forbidden."""

    async def read_recording(self, clip: Clip) -> AudioFile:
        """Return the recording that lies at the clip's URI, if it is still the clip's.

        More may be read than by `read_uri`, since what is returned is known by its hash.

        Raises:
            AudioNotFound: it is not there, is another by now, or reading it is forbidden.
        """

    async def keys(self) -> set[str]:
        """Return the keys of all that is kept for the pools of this store."""

    async def discard(self, keys: set[str], older_than_s: float) -> int:
        """Delete what was last kept so long ago, and what crashes left; return how many."""
