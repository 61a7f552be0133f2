"""How much sound a container says that it holds."""

import re
from fractions import Fraction
from typing import Any

from aloe.audio import flac, mp3, ogg, structure
from aloe.audio.content import Content
from aloe.audio.findings import Findings

_SILENT = ("aac", "ac3", "amr", "amrnb", "amrwb", "avi", "eac3", "mpegts", "rm")
"""Containers without a word on their length, of which FFmpeg makes a guess."""
_OPUS_RATE_HZ = 48_000
_AV_TIME_BASE = Fraction(1, 1_000_000)
_LATE_S = 0.1
"""A stream that begins later than any codec's delay began before."""
_UNKNOWN_LENGTH = 1 << 40


class Promise:
    """What a file that PyAV has opened says of its own length."""

    def __init__(self, content: Content, container: Any, stream: Any, findings: Findings) -> None:
        """Take what is known of it, and where to note what its pages lack, if it has pages."""
        self._content, self._container, self._stream = content, container, stream
        self._kinds = set(container.format.name.split(","))
        self._codec: str = stream.codec_context.name
        self.first_packet_at = 0
        """Where the sound begins in the file."""
        self.pages: ogg.PageCheck | None = None
        if "ogg" in self._kinds:
            rate_hz = stream.codec_context.sample_rate or _OPUS_RATE_HZ
            is_opus = self._codec == "opus"
            rate_hz = _OPUS_RATE_HZ if is_opus else rate_hz
            self.pages = ogg.PageCheck(content, rate_hz, findings)

    @property
    def is_exact(self) -> bool:
        """Whether it is true to the sample: no codec adds a delay that is cut or not."""
        return self._codec == "flac" or self._codec.startswith("pcm_")

    @property
    def is_rounded(self) -> bool:
        """Whether the length is given in milliseconds or so."""
        return bool(self._kinds & {"matroska", "flv", "asf"})

    @property
    def counts_padding(self) -> bool:
        """Whether it counts what the encoder added at the ends, which FFmpeg cuts itself."""
        return "mp3" in self._kinds or self._codec == "opus"

    def frame_count(self, sample_rate_hz: int, packet_frames: int) -> int | None:
        """Return how many frames it says it holds; None if it does not.

        Args:
            sample_rate_hz: of the decoded sound.
            packet_frames: the frames that a packet holds.
        """
        is_plain = self._codec.startswith("pcm_")
        if self._kinds & set(_SILENT) or ("aiff" in self._kinds and not is_plain):
            return None
        if "mp3" in self._kinds:
            count = mp3.promised_frame_count(self._content[: self.first_packet_at])
            return count * packet_frames if count else None
        if self.pages:
            return None if self._codec == "opus" else self._pages_frame_count(self.pages.granule)
        if "flac" in self._kinds:
            return flac.header_bits(self._content) & flac.TOTAL_SAMPLES or None
        if self._kinds & {"w64", "caf"} and is_plain:
            return self._plain_frame_count()
        return self._duration(sample_rate_hz)

    def early_frame_count(self, sample_rate_hz: int, packet_frames: int) -> int | None:
        """Return about how many frames it will hold, before all of it was read."""
        if self.pages:
            found = ogg.layout(self._content)
            return found and self._pages_frame_count(found.frame_count)
        return self.frame_count(sample_rate_hz, packet_frames)

    def contradiction(self) -> str:
        """Return what a header says otherwise than the sound does; empty for nothing."""
        if "mp3" in self._kinds:
            return mp3.implausible_cut(self._content[: self.first_packet_at])
        if "flac" not in self._kinds:
            return ""
        says = flac.header_bits(self._content) >> flac.RATE_SHIFT
        is_hz = self._stream.codec_context.sample_rate
        return "" if says == is_hz else f"its header says {says:,} Hz, its frames {is_hz:,} Hz"

    def missing_bytes(self) -> int:
        """Return how many bytes of its last element are not there."""
        kind = next((each for each in structure.ENDING if each in self._kinds), "")
        return structure.missing_bytes(self._content, kind) if kind else 0

    def _plain_frame_count(self) -> int | None:
        (kind,) = self._kinds & {"w64", "caf"}
        size = structure.promised_data_bytes(self._content, kind)
        bits = re.search(r"\d+", self._codec)  # none in pcm_mulaw and pcm_alaw, which have 8
        sample_bytes = int(bits[0]) // 8 if bits else 1
        return size and size // (sample_bytes * self._stream.codec_context.channels)

    def _pages_frame_count(self, granule: int | None) -> int | None:
        # A stream that was cut out of a longer one does not begin at 0.
        begin = self._stream.start_time or 0
        return None if granule is None else max(0, granule - max(0, begin))

    def _duration(self, sample_rate_hz: int) -> int | None:
        length, base = self._stream.duration, self._stream.time_base
        if length is None or base is None:
            if len(self._container.streams) > 1:  # That of a film is the length of its pictures.
                return None
            length, base = self._container.duration, _AV_TIME_BASE
        if not length or length < 0:
            return None
        begin_s = (self._container.start_time or 0) * _AV_TIME_BASE
        if "matroska" in self._kinds and begin_s > _LATE_S:  # recorded in the middle of a stream
            length -= begin_s / base
        count = round(length * base * sample_rate_hz)
        return count if count < _UNKNOWN_LENGTH else None
