"""Every container but plain WAV, through PyAV: FFmpeg's demuxers and decoders."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from aloe.audio import ffmpeg, mp3
from aloe.audio.arrays import SampleArray
from aloe.audio.content import Beginning, Content
from aloe.audio.errors import BadAudio
from aloe.audio.findings import Findings
from aloe.audio.flac import FlacDigest
from aloe.audio.promises import Promise

_BACK_TO_BACK = ("aac", "ac3", "amr", "amrnb", "amrwb", "eac3", "flac", "mp3")
"""Containers whose packets follow each other without a gap."""
_TIMED = ("flac", "flv", "matroska", "mpegts")
"""Containers that give the time of each packet, so that a missing one shows."""
_SOUGHT = ("aiff", "au", "caf", "flac", "w64", "wav")
"""Containers in which each frame has its place; their codecs look at no other frame."""
_JITTER_S = 0.005
"""Times are rounded, to a millisecond for instance."""
_SLACK_PACKETS = 3
"""A codec's delay at either end, which is cut or not, is no loss."""
_BLOCK_SAMPLES = 1 << 16
"""Packets are small: those that follow each other are handed on together."""
_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN", b"3DI")


class ContainerReader:
    """Decodes the first audio stream of a file."""

    def __init__(self, content: Content) -> None:
        """Open a file.

        Raises:
            BadAudio: it is no audio file, or of a kind that nobody records.
        """
        end = mp3.end_of_sound(content)
        self._content = Beginning(content, end) if end < len(content) else content
        self._begin()

    def _begin(self) -> None:
        self.findings = Findings()
        self._open()
        context = self._stream.codec_context
        self.sample_rate_hz: int = context.sample_rate
        self.channel_count: int = context.channels
        self._frame_count = 0
        self._packet_frames = 0
        self._next_s: float | None = None
        """When the next frame should begin, by the time that the container gives each."""
        self._promise = Promise(self._content, self._container, self._stream, self.findings)
        self._digest = FlacDigest.of(self._content) if "flac" in self._kinds else None
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
        self._container, streams = ffmpeg.opened(self._content)
        self.stream_count = len(streams)
        self._stream: Any = streams[0]
        context = self._stream.codec_context
        context.thread_count = 1
        if context.name == "flac":  # each of whose frames has a checksum
            context.options = {"err_detect": "crccheck+explode"}
        self._kinds = self._container.format.name.split(",")

    def close(self) -> None:
        self._container.close()

    @property
    def promised_frame_count(self) -> int | None:
        """About how many frames the file says it holds; None if it does not."""
        return self._promise.early_frame_count(self.sample_rate_hz, self._packet_frames)

    def seek(self, frame: int) -> int:
        """Let `blocks` begin at a frame or shortly before it; return at which one.

        That is 0 where what comes before decides on how the frame is decoded, or where it begins.
        """
        promised = self.promised_frame_count or 0
        if not (set(self._kinds) & set(_SOUGHT) and self._promise.is_exact and frame < promised):
            return 0
        frames_per_tick = self._stream.time_base * self.sample_rate_hz
        begin: int | None = None
        try:
            self._container.seek(int(frame / frames_per_tick), stream=self._stream)
            self._frames = self._decoded()
            self._first = next(self._frames, None)
            if self._first is not None and self._first.pts is not None:
                begin = round(self._first.pts * frames_per_tick)
        except ffmpeg.failures():
            pass
        if begin is None or not 0 <= begin <= frame:
            self.close()
            self._begin()
            return 0
        self._digest, self._frame_count = None, begin
        return begin

    def blocks(self) -> Iterator[SampleArray]:
        """Yield the frames, (n_frames, n_channels), as int16 or float32 with full scale 1.

        What cannot be decoded is noted in `findings`, which are complete at the end; what is noted
        when a block comes lies at its end or after it.
        """
        noted, kept_count = self.findings.damage_count, 0
        kept: list[SampleArray] = []
        for block in self._alike():
            is_full = kept_count * self.channel_count >= _BLOCK_SAMPLES
            if kept and (is_full or self.findings.damage_count > noted):
                yield self._handed_on(kept)
                noted, kept, kept_count = self.findings.damage_count, [], 0
            kept.append(block)
            kept_count += len(block)
            self._frame_count += len(block)
            self._packet_frames = max(self._packet_frames, len(block))
        if self._promise.pages:
            self._promise.pages.end()
        if kept:
            yield self._handed_on([*kept[:-1], self._without_padding(kept[-1])])
        self._check_end()

    def _handed_on(self, kept: list[SampleArray]) -> SampleArray:
        block = kept[0] if len(kept) == 1 else np.concatenate(kept)
        if self._digest:
            self._digest.take(block)
        return block

    def _alike(self) -> Iterator[SampleArray]:
        """Yield frames until they change their rate or number of channels."""
        for frame in () if self._first is None else chain([self._first], self._frames):
            block = ffmpeg.samples_of(frame)
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
            self.findings.damaged(f"{frame.time - self._next_s:,.3f} s are missing", self._at_s)
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
            except ffmpeg.failures() as error:
                self.findings.damaged(
                    f"the file cannot be read on ({ffmpeg.reason(error)})", self._at_s
                )
                packet, is_open = None, False
            if packet is None:
                return
            if packet.size and packet.pos is not None:
                if self._promise.pages:
                    self._promise.pages.go_on_to(packet.pos + 1)
                self._check_place(packet, expected)
                expected = packet.pos + packet.size
            try:
                yield from packet.decode()
            except ffmpeg.failures() as error:
                what = f"{packet.size:,} bytes cannot be decoded ({ffmpeg.reason(error)})"
                self.findings.damaged(what, self._at_s)

    def _check_place(self, packet: Any, expected: int | None) -> None:
        """Note what lies between two packets that should follow each other."""
        if expected is None:
            self._promise.first_packet_at = packet.pos
        if expected is None or not set(self._kinds) & set(_BACK_TO_BACK):
            return
        between = packet.pos - expected
        if between > 0 and not self._content[expected : min(packet.pos, expected + 16)].startswith(
            _TAGS
        ):
            self.findings.damaged(f"{between:,} bytes are no sound", self._at_s)

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
                f"holds {self._at_s:,.3f} s of {promised / self.sample_rate_hz:,.3f} s"
            )
        elif missing:
            self.findings.cut_off = f"{missing:,} bytes are missing at its end, {self._at_s:,.3f} s"
