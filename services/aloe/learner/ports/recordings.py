"""Recordings of any length: where their files are, and what is cut out of them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from aloe.audio.cutting.spans import Plan
from aloe.audio.cutting.spans import Window as CutWindow
from aloe.learner.domain.windows import Window
from aloe.values.audio import AudioReport, Decoding


@dataclass(frozen=True, slots=True)
class Context:
    """How much of a recording is wanted around a window."""

    before_s: float = 0.0
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class WindowSound:
    """A window to be heard."""

    content: bytes
    """A WAV file of one channel."""
    start_s: float
    """Where the window begins in it."""
    end_s: float


class RecordingFile(Protocol):
    """A file of a recording that is open."""

    async def close(self) -> None:
        """Let go of it."""


class RecordingFiles(Protocol):
    """Finds, takes and keeps the files of recordings. Methods raise StoreUnavailable."""

    async def take(
        self, chunks: AsyncIterator[bytes], byte_count: int, content_hash: str
    ) -> RecordingFile:
        """Write down what comes; it is gone when the file is closed, or this process ends.

        Raises:
            InvalidInput: it is longer than is taken, or not what it was said to be.
            AudioNotKept: there is no room for it.
        """

    async def find_kept(self, content_hash: str) -> RecordingFile:
        """Open what is kept under a content hash. Raises AudioNotFound."""

    async def find_at(self, uri: str, content_hash: str) -> RecordingFile:
        """Open what lies at a URI of a file, if this server may read it and it has the hash.

        Raises:
            AudioNotFound: it is not there, is another, or reading it is forbidden.
        """

    async def keep(self, file: RecordingFile, content_hash: str) -> None:
        """Keep a file under its content hash. Raises AudioNotKept."""


class RecordingStream(Protocol):
    """A recording that is decoded as its windows are asked for."""

    @property
    def sample_rate_hz(self) -> int: ...
    @property
    def channel_count(self) -> int: ...
    @property
    def decoded_s(self) -> float:
        """How far it was decoded."""

    @property
    def promised_s(self) -> float | None:
        """About how long it says it is; None if it does not."""

    @property
    def report(self) -> AudioReport:
        """What was found in it; complete at its end."""

    @property
    def problem(self) -> str:
        """Why it broke off; empty where it did not."""

    def windows(self, plan: Plan) -> AsyncIterator[Sequence[CutWindow]]:
        """Yield what a plan cuts out of it, some at a time, or none where it takes long.

        Where it breaks off, that is the end, and `problem` says why.

        Raises:
            PastEnd: what was to be cut out lies behind its end; all else was yielded.
        """

    async def close(self) -> None:
        """Stop decoding."""


class RecordingDecoder(Protocol):
    """Decodes recordings."""

    async def open(
        self, file: RecordingFile, decoding: Decoding, first_frame: int = 0
    ) -> RecordingStream:
        """Begin to decode at a frame; wait while too many others are being decoded.

        Raises:
            InvalidInput: it is no recording that can be decoded.
        """

    async def excerpt(
        self,
        file: RecordingFile,
        decoding: Decoding,
        window: Window,
        sample_rate_hz: int,
        context: Context,
    ) -> WindowSound:
        """Cut a window out again, with what is around it, where there is so much.

        Args:
            file: of its recording.
            decoding: how that is read.
            window: the window.
            sample_rate_hz: the recording's.
            context: how much around it is wanted.

        Raises:
            AudioNotFound: it cannot be decoded there.
        """
