"""How audio becomes mono float32 at the encoder's rate."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import soxr  # type: ignore[import-untyped]
from numpy.typing import NDArray

from aloe.audio.arrays import INT16_FULL_SCALE, SampleArray
from aloe.audio.channels import MAX_CHANNEL_COUNT, Mixer, chosen_channel
from aloe.audio.cost import Cost, Extent, cost_of, extent_of
from aloe.audio.decoder import Decoded, Limits, check_duration, check_rate, judge_mix
from aloe.audio.errors import BadAudio
from aloe.audio.isolation import IsolatedDecoder, NoDecoder
from aloe.embedding.audio.clip import (
    Audio,
    DecodedClip,
    EncodedAudio,
    MalformedAudio,
    PcmAudio,
    SampleFormat,
)
from aloe.embedding.domain.errors import DecoderNotStarted, InvalidAudio
from aloe.values.audio import AudioProblem, AudioReport, AudioWarning

_QUICK_BYTES = 1 << 18
_NOTHING = Cost(0, 0, 0)


@dataclass(frozen=True, slots=True)
class AudioDecoder:
    """Decodes, makes one channel of several and resamples. Any number of threads may use it."""

    sample_rate_hz: int
    max_clip_s: float
    files: IsolatedDecoder
    int16_divisor: float = INT16_FULL_SCALE
    """What 16-bit samples are divided by; the paper's code has 32767."""

    def is_quick(self, audio: Audio) -> bool:
        """Whether decoding takes microseconds, so that a thread would cost more than it saves."""
        return (
            isinstance(audio, PcmAudio)
            and audio.sample_rate_hz == self.sample_rate_hz
            and audio.channel_count == 1
            and audio.byte_count <= _QUICK_BYTES
        )

    def cost(self, audio: Audio) -> Cost:
        """Return what a clip costs, by what it says of itself; in microseconds."""
        if isinstance(audio, EncodedAudio):
            extent = extent_of(audio.content)
        elif isinstance(audio, PcmAudio) and audio.sample_format and audio.channel_count:
            frame_count = audio.byte_count // _frame_bytes(audio)
            extent = Extent(audio.sample_rate_hz, audio.channel_count, frame_count)
        else:
            return _NOTHING
        return cost_of(extent, rate_hz=self.sample_rate_hz, max_clip_s=self.max_clip_s)

    def decode(self, audio: Audio, is_wanted: Callable[[], bool] = lambda: True) -> DecodedClip:
        """Turn audio into what the encoder hears.

        `is_wanted` is asked now and then; where it says no, the clip is given up.

        Raises:
            NotWanted: it was given up.
            InvalidAudio: it is empty, cannot be decoded, is not finite or too long, its rate or
                channel count is absurd, or it is damaged or lost in the mix and is not to be taken
                so.
            DecoderNotStarted: there is no process to decode it.
        """
        if isinstance(audio, MalformedAudio):
            raise InvalidAudio(audio.field, audio.description)
        if isinstance(audio, PcmAudio):
            decoded = self._read_pcm(audio)
            field = "pcm.samples"
        else:
            field = "encoded"
            with _blamed(field):
                decoded = self.files.decode(audio.content, audio.decoding, self._limits, is_wanted)
        return self._resample(decoded, field)

    @property
    def _limits(self) -> Limits:
        return Limits(self.max_clip_s, self.int16_divisor)

    def _resample(self, decoded: Decoded, field: str) -> DecodedClip:
        samples, report = decoded.samples, decoded.report
        rate_hz = report.sample_rate_hz
        if rate_hz != self.sample_rate_hz:
            samples = soxr.resample(samples, rate_hz, self.sample_rate_hz)
        if samples.size == 0:
            raise InvalidAudio(
                field,
                f"{decoded.duration_s * 1e6:.0f} us of audio hold no sample at"
                f" {self.sample_rate_hz} Hz; send a longer clip",
            )
        if rate_hz > self.sample_rate_hz:
            heard, there = self.sample_rate_hz / 2_000, rate_hz / 2_000
            message = f"the encoder hears it up to {heard:g} kHz; it goes up to {there:g} kHz"
            warning = AudioWarning(AudioProblem.PARTLY_HEARD, message)
            report = replace(report, warnings=(*report.warnings, warning))
        return DecodedClip(samples, decoded.duration_s, report)

    def _read_pcm(self, audio: PcmAudio) -> Decoded:
        frames = self._frames(audio)
        with _blamed("pcm.samples"):
            channel = chosen_channel(
                audio.decoding, audio.channel_count, lambda: self._energies(frames)
            )
            mixer = Mixer(audio.channel_count, channel, self.int16_divisor)
            samples = mixer.mixed(frames)
            warnings = judge_mix(mixer, audio.decoding)
        report = AudioReport(audio.sample_rate_hz, audio.channel_count, channel, tuple(warnings))
        return Decoded(samples, report)

    def _energies(self, frames: SampleArray) -> NDArray[np.float64]:
        mixer = Mixer(frames.shape[1], 0, self.int16_divisor)
        mixer.mixed(frames)
        return mixer.energies

    def _frames(self, audio: PcmAudio) -> SampleArray:
        """Return the frames, (n_frames, n_channels) int16 or float32, if the fields make sense."""
        if audio.sample_format is None:
            raise InvalidAudio("pcm.sample_format", "not set; give INT16 or FLOAT32")
        if audio.channel_count > MAX_CHANNEL_COUNT:
            raise InvalidAudio(
                "pcm.channel_count",
                f"{audio.channel_count} channels; at most {MAX_CHANNEL_COUNT} are taken",
            )
        if not audio.samples:
            raise InvalidAudio("pcm.samples", "holds no samples; send at least one")
        frame_bytes = _frame_bytes(audio)
        if audio.byte_count % frame_bytes:
            raise InvalidAudio(
                "pcm.samples",
                f"{audio.byte_count} bytes are no whole number of {audio.channel_count}-channel"
                f" {audio.sample_format.name} frames of {frame_bytes} bytes",
            )
        with _blamed("pcm.sample_rate_hz"):
            check_rate(audio.sample_rate_hz)
        with _blamed("pcm.samples"):
            check_duration(audio.byte_count // frame_bytes, audio.sample_rate_hz, self._limits)
        samples = np.frombuffer(audio.samples, dtype=audio.sample_format.value)
        return samples.reshape(-1, audio.channel_count)


def _frame_bytes(audio: PcmAudio) -> int:
    """Return the size of a frame of audio that has a format."""
    width = 4 if audio.sample_format is SampleFormat.FLOAT32 else 2
    return width * audio.channel_count


@contextmanager
def _blamed(field: str) -> Iterator[None]:
    """Blame a field for what is wrong with the audio."""
    try:
        yield
    except BadAudio as error:
        raise InvalidAudio(field, str(error)) from error
    except NoDecoder as error:
        raise DecoderNotStarted(str(error)) from error
