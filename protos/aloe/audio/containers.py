"""Every container but plain WAV, through PyAV: FFmpeg's demuxers and decoders."""

import io
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from aloe.audio import mp3
from aloe.audio.arrays import SampleArray
from aloe.audio.errors import BadAudio
from aloe.audio.findings import Findings
from aloe.audio.flac import FlacDigest
from aloe.audio.promises import Promise

_DEMUXERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,eac3,flac,flv,gsm,matroska,mov,mp3,"
    "mpegts,oga,ogg,rm,tta,w64,wav,wv"
)
"""What people record and keep. None that opens other files or places, as playlists do."""
_BACK_TO_BACK = ("aac", "ac3", "amr", "amrnb", "amrwb", "eac3", "flac", "mp3")
"""Containers whose packets follow each other without a gap."""
_TIMED = ("flac", "flv", "matroska", "mpegts")
"""Containers that give the time of each packet, so that a missing one shows."""
_JITTER_S = 0.005
"""Times are rounded, to a millisecond for instance."""
_LEFT_JUSTIFIED = {"u8": 128.0, "s16": 32_768.0, "s32": 2.0**31, "s64": 2.0**63}
_SLACK_PACKETS = 3
"""A codec's delay at either end, which is cut or not, is no loss."""
_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN", b"3DI")


class ContainerReader:
    """Decodes the first audio stream of a file."""

    def __init__(self, content: bytes) -> None:
        """Open a file.

        Raises:
            BadAudio: it is no audio file, or of a kind that nobody records.
        """
        self._content = content = mp3.without_tail(content)
        self.findings = Findings()
        self._open()
        context = self._stream.codec_context
        self.sample_rate_hz: int = context.sample_rate
        self.channel_count: int = context.channels
        self._frame_count = 0
        self._packet_frames = 0
        self._next_s: float | None = None
        """When the next frame should begin, by the time that the container gives each."""
        self._promise = Promise(content, self._container, self._stream)
        self._digest = FlacDigest.of(content) if "flac" in self._kinds else None
        self._frames = self._decoded()
        self._first = next(self._frames, None)
        # What is decoded counts: a header may not know it, or say half the rate of it (HE-AAC).
        if self._first is not None:
            self.sample_rate_hz = self._first.sample_rate
            self.channel_count = len(self._first.layout.channels)
        if not self.sample_rate_hz or not self.channel_count:
            self.close()
            raise BadAudio("nothing in the file can be decoded")

    def _open(self) -> None:
        import av

        av.logging.set_level(av.logging.PANIC)
        self._av = av
        try:
            self._container = av.open(
                io.BytesIO(self._content),
                metadata_errors="ignore",
                options={"format_whitelist": _DEMUXERS, "protocol_whitelist": ""},
            )
            streams = self._container.streams.audio
        except (av.FFmpegError, ValueError, OSError, IndexError) as error:
            raise BadAudio(_why_not(self._content, error)) from error
        if not streams or streams[0].codec_context is None:
            self.close()
            raise BadAudio(
                "the file holds no sound" if not streams else "its sound is of an unknown kind"
            )
        self.stream_count = len(streams)
        self._stream: Any = streams[0]
        self._stream.codec_context.thread_count = 1
        self._kinds = self._container.format.name.split(",")

    def close(self) -> None:
        self._container.close()

    def blocks(self) -> Iterator[SampleArray]:
        """Yield the frames, (n_frames, n_channels), as int16 or float32 with full scale 1.

        What cannot be decoded is noted in `findings`, which are complete at the end.
        """
        last: SampleArray | None = None
        for block in self._alike():
            if self._digest:
                self._digest.take(block)
            self._frame_count += len(block)
            self._packet_frames = max(self._packet_frames, len(block))
            if last is not None:
                yield last
            last = block
        if last is not None:
            yield self._without_padding(last)
        self._check_end()

    def _alike(self) -> Iterator[SampleArray]:
        """Yield frames until they change their rate or number of channels."""
        for frame in () if self._first is None else chain([self._first], self._frames):
            block = _samples_of(frame)
            if (frame.sample_rate, block.shape[1]) != (self.sample_rate_hz, self.channel_count):
                self.findings.damaged(
                    f"the rest has {frame.sample_rate:,} Hz and {block.shape[1]} channels, not"
                    f" {self.sample_rate_hz:,} Hz and {self.channel_count}",
                    self._at_s,
                )
                return
            self._check_time(frame, len(block))
            yield block

    def _check_time(self, frame: Any, frame_count: int) -> None:
        """Note where frames are missing, by the times of those around them."""
        if not set(self._kinds) & set(_TIMED) or frame.time is None:
            return
        lasts_s = frame_count / self.sample_rate_hz
        if self._next_s is not None and frame.time - self._next_s > max(_JITTER_S, 0.75 * lasts_s):
            self.findings.damaged(f"{frame.time - self._next_s:.3f} s are missing", self._at_s)
        self._next_s = frame.time + lasts_s

    @property
    def _at_s(self) -> float:
        return self._frame_count / self.sample_rate_hz if self.sample_rate_hz else 0.0

    def _decoded(self) -> Iterator[Any]:
        expected: int | None = None
        is_open = True
        packets = self._container.demux(self._stream)
        while is_open:
            try:
                packet = next(packets, None)
            except (self._av.FFmpegError, ValueError, OSError, IndexError) as error:
                self.findings.damaged(f"the file cannot be read on ({reason(error)})", self._at_s)
                packet, is_open = None, False
            if packet is None:
                return
            if packet.size and packet.pos is not None:
                self._check_place(packet, expected)
                expected = packet.pos + packet.size
            try:
                yield from packet.decode()
            except (self._av.FFmpegError, ValueError) as error:
                what = f"{packet.size:,} bytes cannot be decoded ({reason(error)})"
                self.findings.damaged(what, self._at_s)

    def _check_place(self, packet: Any, expected: int | None) -> None:
        """Note what lies between two packets that should follow each other."""
        if expected is None:
            self._promise.first_packet_at = packet.pos
        if expected is None or not set(self._kinds) & set(_BACK_TO_BACK):
            return
        between = self._content[expected : packet.pos]
        if between and not between.startswith(_TAGS):
            self.findings.damaged(f"{len(between):,} bytes are no sound", self._at_s)

    def _without_padding(self, block: SampleArray) -> SampleArray:
        """Cut from the last block what the encoder added, by the length that the container says."""
        promised = self._promise.frame_count(self.sample_rate_hz, self._packet_frames)
        if promised is None or self._promise.is_exact or self._promise.counts_padding:
            return block
        excess = self._frame_count - promised
        if not 0 < excess < len(block):
            return block
        self._frame_count -= excess
        return block[:-excess]

    def _check_end(self) -> None:
        if self._promise.pages:
            self.findings.add(self._promise.pages.findings, 0.0)
        if contradiction := self._promise.contradiction():
            self.findings.damaged(contradiction, 0.0)
        if self._digest and not self._digest.agrees():
            self.findings.damaged("the sound is not what was encoded, by its MD5 checksum", 0.0)
        promised = self._promise.frame_count(self.sample_rate_hz, self._packet_frames) or 0
        slack = _SLACK_PACKETS * self._packet_frames
        if self._promise.is_exact:
            slack = round(_JITTER_S * self.sample_rate_hz) if self._promise.is_rounded else 0
        missing = self._promise.missing_bytes()
        if self.findings.cut_off:
            return
        if self._frame_count + slack < promised:
            self.findings.cut_off = (
                f"holds {self._at_s:.3f} s of {promised / self.sample_rate_hz:.3f} s"
            )
        elif missing:
            self.findings.cut_off = f"{missing:,} bytes are missing at its end, {self._at_s:.3f} s"


def _samples_of(frame: Any) -> SampleArray:
    """Return a frame's samples, (n_frames, n_channels), as int16 or float32 with full scale 1."""
    samples: SampleArray = frame.to_ndarray()
    channel_count = len(frame.layout.channels)
    samples = samples.T if frame.format.is_planar else samples.reshape(-1, channel_count)
    kind = frame.format.name.removesuffix("p")
    if kind == "s16":
        return np.ascontiguousarray(samples)
    if kind in ("flt", "dbl"):
        return np.ascontiguousarray(samples, dtype=np.float32)
    if kind == "u8":
        samples = samples.astype(np.int16) - 128
    scaled: SampleArray = samples.astype(np.float32) * np.float32(1 / _LEFT_JUSTIFIED[kind])
    return scaled


def reason(error: Exception) -> str:
    """Return what an error says, without the place of a file that only we know."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()).rstrip(".").lower() or type(error).__name__


def _why_not(content: bytes, error: Exception) -> str:
    """Say why a file cannot be opened."""
    if content[4:8] == b"ftyp" and b"moov" not in content:
        return (
            "cut off: its index (moov), which stands at the end, is missing. Copy it again, or end"
            " the recording properly"
        )
    return (
        f"{len(content):,} bytes are no audio file ({reason(error)}): get it again, or leave it out"
    )
