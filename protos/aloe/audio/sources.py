"""Files as frames, block by block, by whatever reads them to the end of their data."""

import re
from collections.abc import Generator, Iterator
from itertools import islice
from typing import Any, Protocol

from aloe.audio import ffmpeg, ogg
from aloe.audio.arrays import SampleArray
from aloe.audio.containers import ContainerReader
from aloe.audio.content import Content, ContentFile
from aloe.audio.errors import BadAudio
from aloe.audio.findings import Findings
from aloe.audio.joined import parts_of
from aloe.audio.wav import PlainWav, find_wav_data

_BLOCK_SAMPLES = 1 << 18
_CHECKED_FORMATS = ("FLAC", "OGG", "WAV", "WAVEX")
"""Formats whose end is checked, here or by libsndfile."""
_MOST_PARTS = 100
_MOST_SEARCHED_BYTES = 1 << 26
_NIST_HEADER_BYTES = 1_024


class Source(Protocol):
    """A file, or one of several that were joined."""

    findings: Findings
    sample_rate_hz: int
    channel_count: int
    stream_count: int

    @property
    def promised_frame_count(self) -> int | None:
        """About how many frames the file says it holds; None if it does not."""

    def seek(self, frame: int, /) -> int:
        """Let `blocks` begin at a frame or shortly before it; return at which one.

        That is 0 where what comes before decides on how the frame is decoded, or where it begins.
        """

    def blocks(self) -> Iterator[SampleArray]:
        """Yield the frames, (n_frames, n_channels), as int16 or float32 with full scale 1.

        What is noted in `findings` when a block comes lies at its end or after it.
        """

    def close(self) -> None: ...


class JoinedSource:
    """The parts of a file one after the other; usually there is one."""

    def __init__(self, content: Content) -> None:
        """Open the first part of a file. Raises BadAudio."""
        self.findings = Findings()
        self._parts = parts_of(content)
        self._part = open_part(next(self._parts))
        self.sample_rate_hz = self._part.sample_rate_hz
        self.channel_count = self._part.channel_count
        self.stream_count = self._part.stream_count
        self._begin = self._first_frame = 0
        """Where the part begins that is being read, and where it is read from."""

    @property
    def promised_frame_count(self) -> int | None:
        """About how many frames the file says it holds, up to the part that is being read."""
        promised = self._part.promised_frame_count
        return promised and self._begin + promised

    @property
    def is_faulty(self) -> bool:
        """Whether something wrong was found so far."""
        return self.findings.is_any or self._part.findings.is_any

    def seek(self, frame: int) -> int:
        """Do what `Source.seek` does, within the first part."""
        self._first_frame = self._part.seek(frame)
        return self._first_frame

    def blocks(self) -> Generator[SampleArray]:
        end = self._first_frame
        while True:
            try:
                for block in self._part.blocks():
                    end += len(block)
                    yield block
            finally:  # also where nobody wants the rest
                self.findings.add(self._part.findings, self._begin / self.sample_rate_hz)
            content = next(self._parts, None)
            if content is None or not self._opens(content, end):
                return
            self._begin = end

    def close(self) -> None:
        self._part.close()

    def _opens(self, content: Content, at_frame: int) -> bool:
        """Open the next part, if it is like the first one."""
        at_s = at_frame / self.sample_rate_hz
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


def open_part(content: Content) -> Source:
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


def is_plain(content: Content) -> bool:
    """Whether a file needs no decoder: plain samples, which cannot do any harm.

    A long one that is not whole, and very many small files in one, are no plain file: going through
    them takes time.
    """
    first = find_wav_data(content)
    if first is None or first.is_complete or len(content) > _MOST_SEARCHED_BYTES:
        return first is not None and first.is_complete
    few = list(islice(parts_of(content), _MOST_PARTS + 1))
    return len(few) <= _MOST_PARTS and all(map(find_wav_data, few))


class LibsndfileReader:
    """Some files that PyAV refuses, as where a chunk of odd length is not padded."""

    stream_count = 1

    def __init__(self, file: Any, content: Content) -> None:
        self._file, self._content = file, content
        self.findings = Findings()
        self.sample_rate_hz: int = file.samplerate
        self.channel_count: int = file.channels

    @classmethod
    def open(cls, content: Content) -> "LibsndfileReader | None":
        """Open a file; None if libsndfile cannot either."""
        import soundfile

        try:
            return cls(soundfile.SoundFile(ContentFile(content)), content)
        except (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError, OSError):
            return None

    promised_frame_count = None

    def seek(self, _frame: int, /) -> int:
        """Return 0: what such files hold may be anything."""
        return 0

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
            self.findings.damaged(f"the file cannot be read on ({ffmpeg.reason(error)})", at_s)
        self._check_end(frame_count)
        if self._content[:4] == b"OggS":
            ogg.PageCheck(self._content, self.sample_rate_hz, self.findings).end()

    def _check_end(self, frame_count: int) -> None:
        """Look whether the file ends too early; libsndfile does not say so."""
        if self._file.format == "NIST":
            stated = re.search(rb"sample_count -i (\d+)", self._content[:_NIST_HEADER_BYTES])
            promised = int(stated[1]) if stated else 0
            if frame_count < promised:
                rate_hz = self.sample_rate_hz
                self.findings.cut_off = (
                    f"holds {frame_count / rate_hz:,.3f} s of {promised / rate_hz:,.3f} s"
                )
        elif self._file.format not in _CHECKED_FORMATS:
            self.findings.cut_off = (
                f"nobody can tell whether this {self._file.format} file is whole: it holds"
                f" {frame_count / self.sample_rate_hz:,.3f} s"
            )

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
