"""Sounds between silences, by their energy.

Level of a step of 10 ms: L = 10 log10(mean of x^2), dBFS. Floor of a half second: the lowest level
of any half second within 30 s on either side (the idea of minimum statistics: R. Martin, "Noise
power spectral density estimation based on optimal smoothing and minimum statistics", 2001). A sound
begins with the first step of L >= max(floor + on_db, least_dbfs) and ends with its last step of
L >= max(floor + off_db, least_dbfs) before a silence of min_silence_s: two thresholds, as in
L. Rabiner and M. Sambur, "An algorithm for determining the endpoints of isolated utterances", 1975.
Sounds shorter than min_sound_s are dropped; pad_s is left on either side; what is then longer than
max_sound_s is cut into parts of that length.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from aloe.audio.arrays import Float32Array
from aloe.audio.cutting.spans import BadCut, Span
from aloe.values.cuts import SoundCut

Powers = NDArray[np.float64]
_STEPS_PER_S, _HALF_STEPS = 100, 50
_AROUND = 60
"""Half seconds on either side."""


def check_sounds(rule: SoundCut) -> None:
    """Raise BadCut if a sound would never begin, end or fit."""
    for field in fields(rule):
        value = getattr(rule, field.name)
        if not -1_000 < value < 1_000:
            raise BadCut(field.name, f"{value:g} is out of all proportion")
    if not rule.on_db >= rule.off_db >= 0:
        raise BadCut("off_db", f"{rule.off_db:g}; give 0 to on_db, which is {rule.on_db:g}")
    if not 0 <= 2 * rule.pad_s <= rule.min_silence_s:
        raise BadCut(
            "pad_s",
            f"{rule.pad_s:g}; give at most half of min_silence_s, which is"
            f" {rule.min_silence_s:g}, so that no sound is cut out twice",
        )
    if not 0 <= rule.min_sound_s <= rule.max_sound_s or rule.max_sound_s < 0.1:
        raise BadCut("max_sound_s", f"{rule.max_sound_s:g}; give at least 0.1 and min_sound_s")


class SoundPlan:
    """Cuts out the sounds of a recording that is heard from its begin.

    Each half second is decided upon when the 30 s behind it were heard, and is kept until then.
    """

    def __init__(self, sample_rate_hz: int, rule: SoundCut) -> None:
        """Begin. Raises BadCut."""
        check_sounds(rule)
        self._step = max(1, round(sample_rate_hz / _STEPS_PER_S))
        self._levels = _Levels(rule)
        self._finder = _Finder(rule, self._step, sample_rate_hz)
        self._unheard = np.empty(0, np.float32)
        """What makes no half second yet."""

    @property
    def needed_from(self) -> int:
        return self._finder.needed_from

    def hear(self, _begin: int, samples: Float32Array) -> Iterator[Span]:
        """Yield the sounds that have ended and are decided upon."""
        self._unheard = np.concatenate([self._unheard, samples])
        half = _HALF_STEPS * self._step
        count = len(self._unheard) // half
        for number in range(count):
            self._levels.add(
                _powers(self._unheard[number * half : (number + 1) * half], self._step)
            )
            for powers, on, off in self._levels.decided(_AROUND):
                yield from self._finder.take(powers, on, off)
        self._unheard = self._unheard[count * half :]

    def rest(self, end: int, _open_spans: Sequence[Span]) -> Iterator[Span]:
        """Yield the sounds of the last half minute."""
        if len(self._unheard):
            self._levels.add(_powers(self._unheard, self._step))
        for powers, on, off in self._levels.decided(0):
            for span in self._finder.take(powers, on, off):
                yield replace(span, end=min(end, span.end))
        yield from self._finder.rest(end)


def _powers(samples: Float32Array, step: int) -> Powers:
    """Return the mean square of each step, (n_steps,); the last one may be shorter."""
    squares = np.square(samples, dtype=np.float64)
    begins = np.arange(0, len(squares), step)
    counts = np.diff([*begins, len(squares)])
    powers: Powers = np.add.reduceat(squares, begins) / counts
    return powers


class _Levels:
    """The steps of each half second, until it is known how quiet it is around them."""

    def __init__(self, rule: SoundCut) -> None:
        self._on, self._off = (10 ** (db / 10) for db in (rule.on_db, rule.off_db))
        self._least = 10 ** (rule.least_dbfs / 10)
        self._undecided: deque[Powers] = deque()
        self._means: deque[float] = deque(maxlen=2 * _AROUND + 1)
        """Of half seconds, from the earliest that counts to the latest that was heard."""

    def add(self, powers: Powers) -> None:
        """Take the next half second; what is left at the end is shorter."""
        # A recorder's zeros are no floor, nor is a moment at the end.
        counts = powers.any() and (len(powers) == _HALF_STEPS or not self._means)
        self._undecided.append(powers)
        self._means.append(float(powers.mean()) if counts else inf)

    def decided(self, after_count: int) -> Iterator[tuple[list[float], float, float]]:
        """Yield half seconds behind which so many were heard, with the thresholds that hold."""
        while len(self._undecided) > after_count:
            powers = self._undecided.popleft()
            place = len(self._means) - 1 - len(self._undecided)
            around = list(self._means)[max(0, place - _AROUND) : place + _AROUND + 1]
            floor = min(around) if min(around) < inf else 0.0
            on, off = (max(self._least, floor * factor) for factor in (self._on, self._off))
            yield powers.tolist(), on, off


class _Finder:
    """Goes through steps, in a sound or not."""

    def __init__(self, rule: SoundCut, step: int, sample_rate_hz: int) -> None:
        self._step = step
        self._silence_steps = max(1, round(rule.min_silence_s * _STEPS_PER_S))
        self._sound_steps = round(rule.min_sound_s * _STEPS_PER_S)
        self._pad = round(rule.pad_s * sample_rate_hz)
        self._most = round(rule.max_sound_s * sample_rate_hz)
        self._number = self._at = 0
        """Of the next span; of the next step."""
        self._first: int | None = None
        """The first step of the sound that has not ended."""
        self._last_end = 0
        """Behind its last step that was loud enough."""
        self._begin = 0
        """The frame where what is cut out of it next begins."""

    @property
    def needed_from(self) -> int:
        """The first frame that a later span may begin with."""
        return max(0, self._at * self._step - self._pad) if self._first is None else self._begin

    def take(self, powers: list[float], on: float, off: float) -> Iterator[Span]:
        """Yield what ends in some steps."""
        for power in powers:
            if self._first is None:
                if power >= on:
                    self._first, self._last_end = self._at, self._at + 1
                    self._begin = max(0, self._at * self._step - self._pad)
            elif power >= off:
                self._last_end = self._at + 1
            elif self._at + 1 - self._last_end >= self._silence_steps:
                yield from self._ended(self._first, self._last_end * self._step + self._pad)
            self._at += 1
            if self._first is not None and self._at * self._step - self._begin >= self._most:
                yield self._span(self._begin + self._most)

    def rest(self, end: int) -> Iterator[Span]:
        """Yield the sound that goes on to the end."""
        if self._first is not None:
            last_end = self._last_end * self._step + self._pad
            yield from self._ended(self._first, min(end, last_end))

    def _ended(self, first: int, end: int) -> Iterator[Span]:
        self._first = None
        if self._last_end - first < self._sound_steps:
            return
        if end - self._begin > self._most:  # by the silence behind it
            yield self._span(self._begin + self._most)
        if self._last_end * self._step > self._begin:
            yield self._span(end)

    def _span(self, end: int) -> Span:
        span = Span(self._number, self._begin, end)
        self._number, self._begin = self._number + 1, end
        return span
