"""How audio becomes mono float32 at the encoder's rate."""

import io
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr  # type: ignore[import-untyped]

from aloe.embedding.audio.clip import Audio, DecodedClip, PcmAudio, SampleFormat
from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.errors import InvalidAudio

MIN_SAMPLE_RATE_HZ = 4_000
MAX_SAMPLE_RATE_HZ = 192_000
MAX_CHANNEL_COUNT = 64
# Full scale is 1. Samples far beyond it were most likely integers that nobody scaled.
MAX_AMPLITUDE = 100.0

_BLOCK_SAMPLES = 1 << 18
_INT16_FULL_SCALE = 32_768.0
# Where a stream does not tell its length, libsndfile gives at least this many frames.
_UNKNOWN_FRAME_COUNT = 1 << 62


@dataclass(frozen=True, slots=True)
class AudioDecoder:
    """Decodes, mixes down and resamples. Immutable: any number of threads may use it."""

    sample_rate_hz: int
    max_clip_s: float
    int16_divisor: float = _INT16_FULL_SCALE
    """What 16-bit samples are divided by; the paper's code has 32767."""

    def is_quick(self, audio: Audio) -> bool:
        """Whether decoding takes microseconds, so that a thread would cost more than it saves."""
        return (
            isinstance(audio, PcmAudio)
            and audio.sample_rate_hz == self.sample_rate_hz
            and audio.channel_count == 1
            and audio.byte_count <= _BLOCK_SAMPLES
        )

    def decode(self, audio: Audio) -> DecodedClip:
        """Turn audio into what the encoder hears.

        Raises:
            InvalidAudio: it is empty, cannot be decoded, is not finite or too long, or its rate or
                channel count is absurd.
        """
        if isinstance(audio, PcmAudio):
            field = "pcm.samples"
            mono = self._read_pcm(audio)
            rate_hz = audio.sample_rate_hz
        else:
            field = "encoded"
            mono, rate_hz = self._read_encoded(audio.content)
        duration_s = mono.size / rate_hz
        if rate_hz != self.sample_rate_hz:
            mono = soxr.resample(mono, rate_hz, self.sample_rate_hz)
        if mono.size == 0:
            raise InvalidAudio(
                field,
                f"{duration_s * 1e6:.0f} us of audio hold no sample at {self.sample_rate_hz} Hz;"
                " send a longer clip",
            )
        return DecodedClip(mono, duration_s)

    def _read_pcm(self, audio: PcmAudio) -> Float32Array:
        _check_rate(audio.sample_rate_hz, "pcm.sample_rate_hz")
        _check_channel_count(audio.channel_count, "pcm.channel_count")
        if audio.sample_format is None:
            raise InvalidAudio("pcm.sample_format", "not set; give INT16 or FLOAT32")
        if not audio.samples:
            raise InvalidAudio("pcm.samples", "holds no samples; send at least one")
        frame_bytes = np.dtype(audio.sample_format.value).itemsize * audio.channel_count
        if audio.byte_count % frame_bytes:
            raise InvalidAudio(
                "pcm.samples",
                f"{audio.byte_count} bytes are no whole number of {audio.channel_count}-channel"
                f" {audio.sample_format.name} frames of {frame_bytes} bytes",
            )
        self._check_duration(
            audio.byte_count // frame_bytes, audio.sample_rate_hz, field="pcm.samples"
        )
        samples = np.frombuffer(audio.samples, dtype=audio.sample_format.value)
        if audio.sample_format is SampleFormat.INT16:
            scaled = samples * np.float32(1 / self.int16_divisor)
        else:
            _check_samples(samples, "pcm.samples")
            scaled = samples.astype(np.float32, copy=False)
        return _mix_down(scaled.reshape(-1, audio.channel_count))

    def _read_encoded(self, content: bytes) -> tuple[Float32Array, int]:
        if not content:
            raise InvalidAudio(
                "encoded", "holds no audio; send a WAV, FLAC, OGG, Opus or MP3 file, or samples"
            )
        try:
            with soundfile.SoundFile(_Bytes(content)) as file:
                _check_rate(file.samplerate, "encoded")
                _check_channel_count(file.channels, "encoded")
                # The header's word, checked before anything is decoded.
                if file.frames < _UNKNOWN_FRAME_COUNT:
                    self._check_duration(file.frames, file.samplerate, field="encoded")
                mono = self._read_blocks(file)
                if file.subtype == "PCM_16" and self.int16_divisor != _INT16_FULL_SCALE:
                    mono *= np.float32(_INT16_FULL_SCALE / self.int16_divisor)
                return mono, file.samplerate
        except (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError, OSError) as error:
            raise InvalidAudio(
                "encoded",
                f"{len(content)} bytes cannot be decoded ({_one_line(error)});"
                " send a WAV, FLAC, OGG, Opus or MP3 file",
            ) from error

    def _read_blocks(self, file: soundfile.SoundFile) -> Float32Array:
        # The header may lie, and a small file decode to hours: count while decoding.
        block_frames = max(1, _BLOCK_SAMPLES // file.channels)
        blocks: list[Float32Array] = []
        frame_count = 0
        while len(block := file.read(block_frames, dtype="float32", always_2d=True)):
            frame_count += len(block)
            self._check_duration(frame_count, file.samplerate, field="encoded")
            _check_samples(block, "encoded")
            blocks.append(_mix_down(block))
        if not blocks:
            raise InvalidAudio("encoded", "the file holds no samples; send at least one")
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def _check_duration(self, frame_count: int, rate_hz: int, *, field: str) -> None:
        if frame_count > self.max_clip_s * rate_hz:
            raise InvalidAudio(
                field,
                f"the clip lasts at least {frame_count / rate_hz:.3f} s; at most"
                f" {self.max_clip_s:g} s are taken: cut it",
            )


class _Bytes(io.BytesIO):
    """A file in memory. Damaged audio may make libsndfile seek to before its start: no error."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_SET:
            offset = max(0, offset)
        return super().seek(offset, whence)


def _check_rate(rate_hz: int, field: str) -> None:
    if not MIN_SAMPLE_RATE_HZ <= rate_hz <= MAX_SAMPLE_RATE_HZ:
        raise InvalidAudio(
            field,
            f"the sampling rate is {rate_hz} Hz; it must be {MIN_SAMPLE_RATE_HZ}"
            f" to {MAX_SAMPLE_RATE_HZ} Hz",
        )


def _check_channel_count(channel_count: int, field: str) -> None:
    if channel_count > MAX_CHANNEL_COUNT:
        raise InvalidAudio(
            field, f"{channel_count} channels; at most {MAX_CHANNEL_COUNT} are taken"
        )


def _check_samples(samples: Float32Array, field: str) -> None:
    peak = float(np.abs(samples).max())
    if not np.isfinite(peak):
        raise InvalidAudio(field, "holds NaN or infinite samples; send finite ones in [-1, 1]")
    if peak > MAX_AMPLITUDE:
        raise InvalidAudio(field, f"samples reach {peak:g}; divide them so that full scale is 1")


def _mix_down(frames: Float32Array) -> Float32Array:
    if frames.shape[1] == 1:
        return frames[:, 0]
    mono: Float32Array = frames.mean(axis=1, dtype=np.float32)
    return mono


def _one_line(error: Exception) -> str:
    # str(error) names the file too, which here would be the address of an object.
    reason = error.error_string if isinstance(error, soundfile.LibsndfileError) else str(error)
    return " ".join(reason.split()).rstrip(".") or type(error).__name__
