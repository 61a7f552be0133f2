"""A timeline: the predictions of one recording's windows, merged into events of each class.

Windows may overlap, and leave gaps. With W(t) the windows that cover the time t, a class has the
probability

    p(t) = 1 / |W(t)| * sum of p_i over i in W(t)

which is constant between neighbouring starts and ends of windows. An event of the class begins
where p(t) >= on and ends where p(t) < off, or where no window covers t (hysteresis, as Schmitt's
trigger has it: O. H. Schmitt, "A thermionic trigger", Journal of Scientific Instruments 15, 1938).
Then events with at most `max_gap_s` between them become one, and after that those go which are
shorter than `min_duration_s`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aloe.windows.window import Window

_TICKS_PER_S = 1_000_000
"""Times closer than a microsecond are one: k * hop + length is often not quite (k + n) * hop."""
_ROUNDING = 1e-9
"""The mean of equal probabilities may be less than they are by so much."""

_PAIRS_AT_ONCE = 1_000_000

_Floats = NDArray[np.float64]
_Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class EventRule:
    """What makes an event."""

    on: float | Sequence[float]
    """The probability from which on an event begins; one for all classes, or one of each."""
    off: float | Sequence[float]
    """The probability below which it ends; at most `on`."""
    min_duration_s: float = 0.0
    """Shorter events are none."""
    max_gap_s: float = 0.0
    """Events of a class so near to each other are one."""


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """A class, heard from a start to an end."""

    class_index: int
    start_s: float
    end_s: float
    mean_probability: float
    """p(t), averaged over the parts of it that windows cover."""
    peak_probability: float

    def window(self, recording: str, classes: Sequence[str]) -> Window:
        """Return it as a row of a table, with its mean probability."""
        return Window(
            recording,
            self.start_s,
            self.end_s,
            classes[self.class_index],
            probability=self.mean_probability,
        )


def timeline(
    starts_s: ArrayLike,
    ends_s: ArrayLike,
    probabilities: ArrayLike,
    rule: EventRule,
    *,
    length_s: float | None = None,
) -> list[SoundEvent]:
    """Merge predictions into events, by start and then by class; those of a class are disjoint.

    Args:
        starts_s: (n_windows,) float, seconds; in any order.
        ends_s: (n_windows,) float, seconds.
        probabilities: (n_windows, n_classes) float, 0 to 1.
        rule: what makes an event.
        length_s: of the recording: no event ends later, though a window may.

    Raises:
        ValueError: the shapes differ, a number is not finite, a window ends before it begins or
            begins outside of the recording, a probability is none, or `off` is above `on`.
    """
    starts, ends = np.asarray(starts_s, np.float64), np.asarray(ends_s, np.float64)
    scores = np.asarray(probabilities, np.float64)
    _check_windows(starts, ends, scores, length_s)
    ons, offs = _thresholds(rule, scores.shape[1])
    parts = _parts(starts, ends if length_s is None else np.minimum(ends, length_s))
    events: list[SoundEvent] = []
    for index, (on, off) in enumerate(zip(ons, offs, strict=True)):
        means = parts.mean(scores[:, index])
        runs = _runs(_active(means, on, off))
        events += _events(index, means, parts.edges_s, runs, rule)
    return sorted(events, key=lambda event: (event.start_s, event.class_index))


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of the time axis between neighbouring starts and ends of windows."""

    edges_s: _Floats
    """(n_parts + 1,)"""
    begins: _Places
    """(n_windows,) the first part that each covers"""
    stops: _Places
    """(n_windows,) the first one behind those"""
    cover_counts: _Places
    """(n_parts,) how many windows cover each"""

    def mean(self, scores: _Floats) -> _Floats:
        """Return p(t) of each part, (n_parts,); NaN where no window covers it."""
        # Sums of their own, and no differences of running ones, which round.
        sums = np.zeros(len(self.cover_counts))
        for windows, covered in self._pairs():
            first = int(covered.min(initial=len(sums)))
            some = np.bincount(covered - first, scores[windows])
            sums[first : first + len(some)] += some
        with np.errstate(invalid="ignore"):
            return sums / np.where(self.cover_counts, self.cover_counts, np.nan)

    def _pairs(self) -> Iterator[tuple[_Places, _Places]]:
        """Yield windows, and for each the parts that it covers, some at a time.

        Where windows overlap much, all of them take more memory than there is.
        """
        counts = self.stops - self.begins
        ends = np.cumsum(counts)
        first = 0
        while first < len(counts):
            done = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, done + _PAIRS_AT_ONCE, "right")))
            some = counts[first:last]
            windows = np.repeat(np.arange(first, last), some)
            within = np.arange(len(windows)) - np.repeat(ends[first:last] - some - done, some)
            yield windows, self.begins[windows] + within
            first = last


def _parts(starts: _Floats, ends: _Floats) -> _Parts:
    times = np.concatenate([starts, ends])
    _, first, places = np.unique(
        np.rint(times * _TICKS_PER_S), return_index=True, return_inverse=True
    )
    begins, stops = places[: len(starts)], places[len(starts) :]
    begun, over = (np.bincount(each, minlength=len(first)) for each in (begins, stops))
    return _Parts(times[first], begins, stops, np.cumsum(begun - over)[: max(len(first) - 1, 0)])


def _events(
    index: int, means: _Floats, edges_s: _Floats, runs: Sequence[tuple[int, int]], rule: EventRule
) -> Iterator[SoundEvent]:
    tick_s = 1 / _TICKS_PER_S
    for begin, stop in _joined(runs, edges_s, rule.max_gap_s + tick_s):
        start_s, end_s = float(edges_s[begin]), float(edges_s[stop])
        if end_s - start_s < rule.min_duration_s - tick_s:
            continue
        is_heard = ~np.isnan(means[begin:stop])
        heard = means[begin:stop][is_heard]
        durations_s = np.diff(edges_s[begin : stop + 1])[is_heard]
        # Rounding may lead past 1.
        mean = min(1.0, float(np.average(heard, weights=durations_s)))
        yield SoundEvent(index, start_s, end_s, mean, float(heard.max()))


def _active(means: _Floats, on: float, off: float) -> NDArray[np.bool_]:
    """Return which parts an event covers: each that decides, and those behind it that do not."""
    begins = means >= on - _ROUNDING
    # Not "below off": that no window covers a part, NaN, ends an event as well.
    ends = ~(means >= off - _ROUNDING)
    deciding = np.where(begins | ends, np.arange(len(means)), -1)
    last = np.maximum.accumulate(deciding)
    return (last >= 0) & begins[last]


def _runs(active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    changes = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]])))
    return list(zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True))


def _joined(
    runs: Sequence[tuple[int, int]], edges_s: _Floats, max_gap_s: float
) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin, stop in runs:
        if joined and edges_s[begin] - edges_s[joined[-1][1]] <= max_gap_s:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((begin, stop))
    return joined


def _thresholds(rule: EventRule, class_count: int) -> tuple[_Floats, _Floats]:
    """Return on and off, (n_classes,) each."""
    ons, offs = (
        np.broadcast_to(np.asarray(each, np.float64), class_count) for each in (rule.on, rule.off)
    )
    if not ((offs > 0) & (offs <= ons) & (ons <= 1)).all():
        raise ValueError(f"on is {rule.on} and off {rule.off}; 0 < off <= on <= 1 must hold")
    if not (rule.min_duration_s >= 0 and rule.max_gap_s >= 0):
        raise ValueError(
            f"min_duration_s is {rule.min_duration_s} and max_gap_s {rule.max_gap_s}; they are 0 or"
            " more"
        )
    return ons, offs


def _check_windows(starts: _Floats, ends: _Floats, scores: _Floats, length_s: float | None) -> None:
    if starts.ndim != 1 or starts.shape != ends.shape or scores.shape[:-1] != starts.shape:
        raise ValueError(
            f"starts {starts.shape}, ends {ends.shape}, probabilities {scores.shape}: there must be"
            " one of each a window"
        )
    wrong = ~((starts >= 0) & (starts < ends) & np.isfinite(ends))
    if length_s is not None:
        wrong |= starts >= length_s
    if wrong.any():
        place = int(np.argmax(wrong))
        raise ValueError(
            f"window {place} lasts from {starts[place]} to {ends[place]} s, in a recording"
            f" {'of any length' if length_s is None else f'of {length_s} s'}"
        )
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("probabilities must lie between 0 and 1")
