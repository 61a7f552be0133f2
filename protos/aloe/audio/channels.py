"""Several channels into the one that an encoder hears."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aloe.audio.arrays import INT16_FULL_SCALE, Float32Array, SampleArray
from aloe.audio.errors import BadAudio
from aloe.values.audio import ChannelRule, Decoding

MAX_CHANNEL_COUNT = 64
MAX_AMPLITUDE = 100.0
"""Full scale is 1. Samples far beyond it were most likely integers that nobody scaled."""
_LEFT_OF_UNRELATED = 0.1
"""Unrelated channels keep 1 / n of their mean energy in the mean of n. Those that keep less than a
tenth of that cancel each other out."""
_SILENCE = 1e-12
"""Mean square of what only rounding makes."""
_INT16_SCALE = np.float32(1 / INT16_FULL_SCALE)


class Mixer:
    """Makes one channel of several, block by block: their mean, or one of them."""

    def __init__(self, channel_count: int, channel: int, int16_divisor: float) -> None:
        """Take the number of the channel to keep, from 1; 0 keeps their mean.

        16-bit samples are divided by `int16_divisor`.

        Raises:
            BadAudio: there is no such channel, or far too many.
        """
        if channel_count > MAX_CHANNEL_COUNT:
            raise BadAudio(f"{channel_count} channels; at most {MAX_CHANNEL_COUNT} are taken")
        if channel > channel_count:
            raise BadAudio(
                f"there is no channel {channel}: the recording has {channel_count}; choose another"
            )
        self._channel, self._rescale = channel, np.float32(INT16_FULL_SCALE / int16_divisor)
        self._mix_energy = 0.0
        self._sums: NDArray[np.float64] = np.zeros(channel_count)
        self._frame_count = 0
        self.energies: NDArray[np.float64] = np.zeros(channel_count)
        """(n_channels,) sum of squares"""

    def mixed(self, frames: SampleArray) -> Float32Array:
        """Return the next frames, (n_frames, n_channels), as one channel, (n_frames,).

        Raises:
            BadAudio: samples are not finite, or so large that nobody scaled them.
        """
        if frames.dtype == np.int16:
            frames = frames * _INT16_SCALE
            if self._rescale != 1:
                frames *= self._rescale
        else:
            _check_range(frames)
        return self._mono(frames)

    @property
    def lost_part(self) -> float:
        """The part of the energy that is lost, 0 to 1, if the channels cancel out; 0 otherwise."""
        if self._channel or len(self.energies) == 1 or not self._frame_count:
            return 0.0
        # Without what is constant, which is no sound and does not cancel out.
        constant = self._sums**2 / self._frame_count
        mean = float((self.energies - constant).mean())
        if mean <= _SILENCE * self._frame_count:
            return 0.0
        mixed = self._mix_energy - float(self._sums.mean()) ** 2 / self._frame_count
        kept = max(0.0, mixed) / mean
        return 1 - kept if kept * len(self.energies) < _LEFT_OF_UNRELATED else 0.0

    def _mono(self, frames: Float32Array) -> Float32Array:
        if frames.shape[1] == 1:
            return frames[:, 0]
        self.energies += np.einsum("ij,ij->j", frames, frames, dtype=np.float64)
        self._sums += frames.sum(axis=0, dtype=np.float64)
        self._frame_count += len(frames)
        if self._channel:
            return np.ascontiguousarray(frames[:, self._channel - 1])
        mono: Float32Array = frames.mean(axis=1, dtype=np.float32)
        self._mix_energy += float(np.einsum("i,i->", mono, mono, dtype=np.float64))
        return mono


def chosen_channel(
    decoding: Decoding, channel_count: int, energies: Callable[[], NDArray[np.float64]]
) -> int:
    """Return the channel to hear, from 1; 0 for the mean of all.

    `energies` goes through the recording for the energy of each of its channels.
    """
    if decoding.channel_rule is ChannelRule.LOUDEST:
        return int(energies().argmax()) + 1 if channel_count > 1 else 1
    return decoding.channel if decoding.channel_rule is ChannelRule.NUMBERED else 0


def _check_range(samples: Float32Array) -> None:
    peak = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(peak):
        raise BadAudio("holds NaN or infinite samples; send finite ones in [-1, 1]")
    if peak > MAX_AMPLITUDE:
        integers = f"divide them by {INT16_FULL_SCALE:g}" if peak > 1_000 else "divide them"
        raise BadAudio(f"samples reach {peak:g}; {integers} so that full scale is 1")
