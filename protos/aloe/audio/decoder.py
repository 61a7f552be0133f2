"""Any recording into the mono samples that an encoder hears: one policy for every container."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aloe.audio.arrays import INT16_FULL_SCALE, Float32Array, SampleArray
from aloe.audio.channels import Mixer, chosen_channel
from aloe.audio.content import Content
from aloe.audio.errors import BadAudio, BrokenOff
from aloe.audio.sources import JoinedSource
from aloe.values.audio import AudioProblem, AudioReport, AudioWarning, Decoding

MIN_SAMPLE_RATE_HZ = 1_000
MAX_SAMPLE_RATE_HZ = 1_000_000
_MIX_CHECK_S = 60
"""Who waits for hours of a recording is not to learn only then that its channels cancel out."""
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


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a recording that is read, in frames."""

    first: int = 0
    end: int | None = None
    """The first one behind it; None for all that follows. What lies there is not looked at."""
    is_sought: bool = field(default=False, kw_only=True)
    """Whether to go there without decoding what comes before, where that makes no difference to
    what follows: in whole WAV and FLAC files, for instance. Damage before it goes unseen, and with
    it that the rest lies at other places than when all was decoded."""


ALL = Stretch()


def _freely(sample_count: int) -> None:
    """Spend what it takes."""


class Stream:
    """A recording as one channel, block by block, to the end of its data."""

    def __init__(
        self,
        content: Content,
        decoding: Decoding,
        limits: Limits,
        stretch: Stretch = ALL,
        *,
        breaks_off: bool = False,
        spend: Callable[[int], None] = _freely,
    ) -> None:
        """Open a recording; where the loudest of its channels is wanted, go through all of it.

        Args:
            content: the recording.
            decoding: how it is read.
            limits: what is taken.
            stretch: what is read of it.
            breaks_off: whether to end at the first thing that is wrong and is not to be taken so,
                instead of going on to tell all that is.
            spend: is told how many samples, of all channels, were gone through since the last time.

        Raises:
            BadAudio: it is empty or cannot be decoded, or its rate or channel count is absurd.
        """
        if not len(content):
            raise BadAudio(f"holds no audio; send a {FORMATS} file, or samples")
        self._decoding, self._limits, self._stretch = decoding, limits, stretch
        self._breaks_off, self._spend = breaks_off, spend
        self._source = JoinedSource(content)
        self.sample_rate_hz = self._source.sample_rate_hz
        self.channel_count = self._source.channel_count
        self._warnings: list[AudioWarning] = []
        try:
            check_rate(self.sample_rate_hz)
            self.channel = chosen_channel(
                decoding, self.channel_count, lambda: self._energies(JoinedSource(content))
            )
            self._mixer = Mixer(self.channel_count, self.channel, limits.int16_divisor)
            self.decoded_from = self._source.seek(stretch.first) if stretch.is_sought else 0
        except BaseException:
            self._source.close()
            raise
        self.frame_count = stretch.first
        """How far it was read."""

    @property
    def promised_frame_count(self) -> int | None:
        """About how many frames the recording says it holds; None if it does not."""
        return self._source.promised_frame_count

    @property
    def report(self) -> AudioReport:
        """What was found; complete at the end."""
        return AudioReport(
            self.sample_rate_hz, self.channel_count, self.channel, tuple(self._warnings)
        )

    def blocks(self) -> Iterator[Float32Array]:
        """Yield the samples, (n_samples,) with full scale 1; then close.

        Raises:
            BadAudio: it is not finite, too long, lost in the mix, or damaged or cut off and nobody
                said that it is to be taken so: BrokenOff where that is wanted.
        """
        try:
            yield from self._wanted_blocks()
            if self.frame_count != self._stretch.end:
                self._judge()
        except BadAudio as error:
            if not self._breaks_off:
                raise
            raise BrokenOff(
                str(error), self.frame_count, self.sample_rate_hz, self.promised_frame_count
            ) from error
        finally:
            self._source.close()

    def close(self) -> None:
        """Let go of the recording."""
        self._source.close()

    def _wanted_blocks(self) -> Iterator[Float32Array]:
        is_patient = self._decoding.accept_damaged or not self._breaks_off
        first, last = self._stretch.first, self._stretch.end
        end = self.decoded_from
        for frames in self._frames(self._source, end):
            mono = self._mixer.mixed(frames)
            begin, end = end, end + len(mono)
            if end > first:
                self.frame_count = end if last is None else min(end, last)
                yield mono[max(0, first - begin) : self.frame_count - begin]
            if last is not None and end >= last:
                return
            self._check_mix_early(begin, end)
            if self._source.is_faulty and not is_patient:
                return
        if end < first:
            raise BadAudio(
                f"it lasts {end / self.sample_rate_hz:,.3f} s, and is to be read from"
                f" {first / self.sample_rate_hz:,.3f} s on"
            )

    def _frames(self, source: JoinedSource, frame_count: int) -> Iterator[SampleArray]:
        for frames in source.blocks():
            # The header may lie, and a small file decode to hours: count while decoding.
            frame_count += len(frames)
            check_duration(frame_count, self.sample_rate_hz, self._limits)
            self._spend(frames.size)
            yield frames

    def _energies(self, source: JoinedSource) -> NDArray[np.float64]:
        """Go through all of it for the energy of each channel."""
        try:
            mixer = Mixer(source.channel_count, 0, self._limits.int16_divisor)
            for frames in self._frames(source, 0):
                mixer.mixed(frames)
        finally:
            source.close()
        return mixer.energies

    def _check_mix_early(self, begin: int, end: int) -> None:
        """Raise BadAudio where a minute says that all will be lost in the mix."""
        if begin < _MIX_CHECK_S * self.sample_rate_hz <= end:
            judge_mix(self._mixer, self._decoding)

    def _judge(self) -> None:
        """Note what was found. Raises BadAudio where nobody said to take it all the same."""
        found, warnings = self._source.findings, self._warnings
        if found.cut_off:
            warnings.append(AudioWarning(AudioProblem.CUT_OFF, found.cut_off))
        if found.damage:
            warnings.append(AudioWarning(AudioProblem.DAMAGED, found.damage))
        if warnings and not self._decoding.accept_damaged:
            what = "; ".join(f"{each.problem.words}: {each.message}" for each in warnings)
            raise BadAudio(f"{what}. Get it again, or take it so with accept_damaged")
        warnings += judge_mix(self._mixer, self._decoding)
        if self._source.stream_count > 1:
            message = f"the file holds {self._source.stream_count} audio tracks; the first is heard"
            warnings.append(AudioWarning(AudioProblem.PARTLY_HEARD, message))
        if not self.frame_count:
            raise BadAudio("the file holds no samples; send at least one")


def decode(content: Content, decoding: Decoding, limits: Limits) -> Decoded:
    """Decode a recording to the end of its data.

    Raises:
        BadAudio: it is empty, cannot be decoded, is not finite or too long, its rate or channel
            count is absurd, or it is damaged, cut off or lost in the mix and nobody said that it
            is to be taken so.
    """
    stream = Stream(content, decoding, limits)
    blocks = list(stream.blocks())
    samples = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    return Decoded(samples, stream.report)


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
            f"the clip lasts at least {frame_count / rate_hz:,.3f} s; at most"
            f" {limits.max_clip_s:g} s are taken: cut it, as `aloe import --window 5s` does"
        )


def check_rate(rate_hz: int) -> None:
    """Raise BadAudio if a sampling rate is none that people record at."""
    if not MIN_SAMPLE_RATE_HZ <= rate_hz <= MAX_SAMPLE_RATE_HZ:
        raise BadAudio(
            f"the sampling rate is {rate_hz:,} Hz; it must be {MIN_SAMPLE_RATE_HZ:,} to"
            f" {MAX_SAMPLE_RATE_HZ:,} Hz"
        )
