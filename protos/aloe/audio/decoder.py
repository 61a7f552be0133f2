"""Any recording into the mono samples that an encoder hears: one policy for every container."""

from collections.abc import Sequence
from dataclasses import dataclass

from aloe.audio.arrays import INT16_FULL_SCALE, Float32Array
from aloe.audio.channels import Mixer, chosen_channel
from aloe.audio.errors import BadAudio
from aloe.audio.joined import parts_of
from aloe.audio.sources import JoinedSource, Source
from aloe.values.audio import AudioProblem, AudioReport, AudioWarning, Decoding

MIN_SAMPLE_RATE_HZ = 1_000
MAX_SAMPLE_RATE_HZ = 1_000_000
FORMATS = "WAV, FLAC, MP3, OGG, Opus, M4A, AAC, WebM, WMA, AMR or AIFF"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken, and how it is scaled."""

    max_clip_s: float
    """By what was decoded, never by what a header says."""
    int16_divisor: float = INT16_FULL_SCALE


@dataclass(frozen=True, slots=True)
class Decoded:
    """A recording as one channel, at its own rate."""

    samples: Float32Array
    """(n_samples,)"""
    report: AudioReport

    @property
    def duration_s(self) -> float:
        return self.samples.size / self.report.sample_rate_hz


def decode(
    content: bytes, decoding: Decoding, limits: Limits, parts: Sequence[bytes] | None = None
) -> Decoded:
    """Decode a recording to the end of its data; `parts` are those of `parts_of`, where known.

    Raises:
        BadAudio: it is empty, cannot be decoded, is not finite or too long, its rate or channel
            count is absurd, or it is damaged, cut off or lost in the mix and nobody said that it
            is to be taken so.
    """
    if not content:
        raise BadAudio(f"holds no audio; send a {FORMATS} file, or samples")
    parts = parts or list(parts_of(content))
    source = JoinedSource(parts)
    channel = chosen_channel(
        decoding, source.channel_count, lambda: _mix(JoinedSource(parts), 0, limits)
    )
    mixer = _mix(source, channel, limits)
    warnings = _judge(mixer, source, decoding)
    samples = mixer.samples()
    if not samples.size:
        raise BadAudio("the file holds no samples; send at least one")
    return Decoded(
        samples,
        AudioReport(source.sample_rate_hz, source.channel_count, channel, tuple(warnings)),
    )


def _mix(source: JoinedSource, channel: int, limits: Limits) -> Mixer:
    """Read a source to its end, and close it."""
    try:
        check_rate(source.sample_rate_hz)
        mixer = Mixer(source.channel_count, channel, limits.int16_divisor)
        frame_count = 0
        for block in source.blocks():
            # The header may lie, and a small file decode to hours: count while decoding.
            frame_count += len(block)
            check_duration(frame_count, source.sample_rate_hz, limits)
            mixer.take(block)
    finally:
        source.close()
    return mixer


def _judge(mixer: Mixer, source: Source, decoding: Decoding) -> list[AudioWarning]:
    """Say what was found. Raises BadAudio where nobody said to take it all the same."""
    warnings = []
    found = source.findings
    if found.cut_off:
        warnings.append(AudioWarning(AudioProblem.CUT_OFF, found.cut_off))
    if found.damage:
        warnings.append(AudioWarning(AudioProblem.DAMAGED, found.damage))
    if warnings and not decoding.accept_damaged:
        what = "; ".join(f"{each.problem.words}: {each.message}" for each in warnings)
        raise BadAudio(f"{what}. Get it again, or take it so with accept_damaged")
    warnings += judge_mix(mixer, decoding)
    if source.stream_count > 1:
        message = f"the file holds {source.stream_count} audio tracks; the first one is heard"
        warnings.append(AudioWarning(AudioProblem.PARTLY_HEARD, message))
    return warnings


def judge_mix(mixer: Mixer, decoding: Decoding) -> list[AudioWarning]:
    """Say whether mixing lost the sound. Raises BadAudio unless the mix was asked for."""
    lost = mixer.lost_part
    if not lost:
        return []
    what = f"mixing the {len(mixer.energies)} channels loses {lost:.1%} of their energy"
    if decoding.channel_rule is None:
        raise BadAudio(
            f"{what}, since they cancel each other out: choose a channel (left, right, loudest or"
            " a number), or mix to take it so"
        )
    return [AudioWarning(AudioProblem.LOST_IN_MIX, what)]


def check_duration(frame_count: int, rate_hz: int, limits: Limits) -> None:
    """Raise BadAudio if a recording is longer than is taken."""
    if frame_count > limits.max_clip_s * rate_hz:
        raise BadAudio(
            f"the clip lasts at least {frame_count / rate_hz:.3f} s; at most"
            f" {limits.max_clip_s:g} s are taken: cut it"
        )


def check_rate(rate_hz: int) -> None:
    """Raise BadAudio if a sampling rate is none that people record at."""
    if not MIN_SAMPLE_RATE_HZ <= rate_hz <= MAX_SAMPLE_RATE_HZ:
        raise BadAudio(
            f"the sampling rate is {rate_hz:,} Hz; it must be {MIN_SAMPLE_RATE_HZ:,} to"
            f" {MAX_SAMPLE_RATE_HZ:,} Hz"
        )
