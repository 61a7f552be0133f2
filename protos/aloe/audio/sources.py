"""Files as frames, block by block, by whatever reads them to the end of their data."""

import io
import re
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import Any, Protocol

from aloe.audio import ogg
from aloe.audio.arrays import SampleArray
from aloe.audio.containers import ContainerReader, reason
from aloe.audio.errors import BadAudio
from aloe.audio.findings import Findings
from aloe.audio.wav import PlainWav, find_wav_data

_BLOCK_SAMPLES = 1 << 18
_CHECKED_FORMATS = ("FLAC", "OGG", "WAV", "WAVEX")
"""Formats whose end is checked, here or by libsndfile."""
_MOST_PARTS = 100
_NIST_HEADER_BYTES = 1_024


class Source(Protocol):
    """A file, or one of several that were joined."""

    findings: Findings
    sample_rate_hz: int
    channel_count: int
    stream_count: int

    def blocks(self) -> Iterator[SampleArray]:
        """Yield the frames, (n_frames, n_channels), as int16 or float32 with full scale 1."""

    def close(self) -> None: ...


class JoinedSource:
    """The parts of a file one after the other; usually there is one."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        """Open the first part of those that `parts_of` gives. Raises BadAudio."""
        self.findings = Findings()
        self._rest = iter(parts)
        self._part = open_part(next(self._rest))
        self.sample_rate_hz = self._part.sample_rate_hz
        self.channel_count = self._part.channel_count
        self.stream_count = self._part.stream_count

    def blocks(self) -> Generator[SampleArray]:
        frame_count = 0
        while True:
            begins_s = frame_count / self.sample_rate_hz
            try:
                for block in self._part.blocks():
                    frame_count += len(block)
                    yield block
            finally:  # also where nobody wants the rest
                self.findings.add(self._part.findings, begins_s)
            content = next(self._rest, None)
            if content is None or not self._opens(content, frame_count / self.sample_rate_hz):
                return

    def close(self) -> None:
        self._part.close()

    def _opens(self, content: bytes, at_s: float) -> bool:
        """Open the next part, if it is like the first one."""
        self._part.close()
        try:
            self._part = open_part(content)
        except BadAudio as error:
            self.findings.damaged(f"what follows is no audio ({error})", at_s)
            return False
        layout = (self._part.sample_rate_hz, self._part.channel_count)
        if layout != (self.sample_rate_hz, self.channel_count):
            self.findings.damaged(
                f"what follows has {layout[0]:,} Hz and {layout[1]} channels", at_s
            )
            return False
        return True


def open_part(content: bytes) -> Source:
    """Open a file that is not several joined ones. Raises BadAudio."""
    data = find_wav_data(content)
    if data is not None:
        return PlainWav(data)
    try:
        return ContainerReader(content)
    except BadAudio:
        other = LibsndfileReader.open(content)
        if other is None:
            raise
        return other


def is_plain(parts: Iterable[bytes]) -> bool:
    """Whether a file needs no decoder: plain samples, which cannot do any harm.

    Very many small files in one are no plain file: going through them takes time.
    """
    few = list(islice(parts, _MOST_PARTS + 1))
    return len(few) <= _MOST_PARTS and all(map(find_wav_data, few))


class LibsndfileReader:
    """Some files that PyAV refuses, as where a chunk of odd length is not padded."""

    stream_count = 1

    def __init__(self, file: Any, content: bytes) -> None:
        self._file, self._content = file, content
        self.findings = Findings()
        self.sample_rate_hz: int = file.samplerate
        self.channel_count: int = file.channels

    @classmethod
    def open(cls, content: bytes) -> "LibsndfileReader | None":
        """Open a file; None if libsndfile cannot either."""
        import soundfile

        try:
            return cls(soundfile.SoundFile(_Bytes(content)), content)
        except (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError, OSError):
            return None

    def blocks(self) -> Iterator[SampleArray]:
        """Yield the frames, (n_frames, n_channels), as int16 or float32 with full scale 1."""
        import soundfile

        step = max(1, _BLOCK_SAMPLES // self.channel_count)
        dtype = "int16" if self._file.subtype == "PCM_16" else "float32"
        frame_count = 0
        try:
            while len(block := self._file.read(step, dtype=dtype, always_2d=True)):
                frame_count += len(block)
                yield block
        except (soundfile.LibsndfileError, RuntimeError) as error:
            at_s = frame_count / self.sample_rate_hz
            self.findings.damaged(f"the file cannot be read on ({reason(error)})", at_s)
        self._check_end(frame_count)
        if self._content.startswith(b"OggS"):
            self.findings.add(ogg.check_pages(self._content, self.sample_rate_hz).findings, 0.0)

    def _check_end(self, frame_count: int) -> None:
        """Look whether the file ends too early; libsndfile does not say so."""
        if self._file.format == "NIST":
            stated = re.search(rb"sample_count -i (\d+)", self._content[:_NIST_HEADER_BYTES])
            promised = int(stated[1]) if stated else 0
            if frame_count < promised:
                rate_hz = self.sample_rate_hz
                self.findings.cut_off = (
                    f"holds {frame_count / rate_hz:.3f} s of {promised / rate_hz:.3f} s"
                )
        elif self._file.format not in _CHECKED_FORMATS:
            self.findings.cut_off = (
                f"nobody can tell whether this {self._file.format} file is whole: it holds"
                f" {frame_count / self.sample_rate_hz:.3f} s"
            )

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class _Bytes(io.BytesIO):
    """A file in memory. Damaged audio may make libsndfile seek to before its start: no error."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_SET:
            offset = max(0, offset)
        return super().seek(offset, whence)
