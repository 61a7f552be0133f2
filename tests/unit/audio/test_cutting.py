import math
import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import count, takewhile

import numpy as np
import pytest
from numpy.typing import NDArray

from aloe.audio.cutting.cutter import cut
from aloe.audio.cutting.grid import Grid, GridPlan
from aloe.audio.cutting.segments import SegmentPlan
from aloe.audio.cutting.spans import BadCut, PastEnd, Seconds, Span, exact
from aloe.values.cuts import LastWindow

Samples = NDArray[np.float32]
RNG = np.random.default_rng(0)


def in_blocks(samples: Samples, seed: int = 0, most: int = 5_000) -> Iterator[Samples]:
    rng, place = random.Random(seed), 0
    while place < len(samples):
        size = rng.randint(1, most)
        yield samples[place : place + size]
        place += size


def starts(grid: Grid, count: int) -> list[int]:
    return [grid.span(number).first for number in range(count)]


def test_windows_begin_at_the_nearest_frame_of_two_the_even_one() -> None:
    assert starts(Grid.of(10, 1.0, 0.25), 6) == [0, 2, 5, 8, 10, 12]
    assert starts(Grid.of(48_000, 5, 2.5), 3) == [0, 120_000, 240_000]
    assert starts(Grid.of(44_100, "0.1", "0.1"), 3) == [0, 4_410, 8_820]
    assert starts(Grid.of(8_000, 1, Fraction(1, 3)), 4) == [0, 2_667, 5_333, 8_000]


@pytest.mark.parametrize(
    ("rate_hz", "hop_s", "number", "first"),
    [
        (48_000, 0.1, 864_000, 48_000 * 86_400),
        (44_100, 0.123, 700_000, 44_100 * 86_100),
        (44_100, Fraction(1, 3), 259_200, 44_100 * 86_400),
        (192_000, 0.3, 288_000, 192_000 * 86_400),
    ],
)
def test_nothing_drifts_over_a_day(rate_hz: int, hop_s: Seconds, number: int, first: int) -> None:
    grid = Grid.of(rate_hz, 1.0, hop_s)
    assert grid.span(number) == Span(number, first, first + rate_hz)
    assert grid.whole_count(first + rate_hz) == number + 1
    assert grid.whole_count(first + rate_hz - 1) == number


def test_the_count_of_windows_is_that_of_those_that_fit() -> None:
    rng = random.Random(3)
    for _ in range(300):
        rate_hz = rng.choice((7, 10, 100, 441))
        window_s, hop_s = (Fraction(rng.randint(1, 300), rng.choice((7, 10, 64))) for _ in "wh")
        if min(window_s, hop_s) * rate_hz < 1:
            continue
        grid, frame_count = Grid.of(rate_hz, window_s, hop_s), rng.randint(0, 900)
        ends = (grid.span(number).end for number in count())
        assert grid.whole_count(frame_count) == len(list(takewhile(frame_count.__ge__, ends)))


@pytest.mark.parametrize("hop_s", [5, 2.5, "1.7", 7, Fraction(1, 3)])
@pytest.mark.parametrize("last_window", LastWindow)
def test_windows_of_a_10_minute_recording_are_its_slices(
    hop_s: Seconds, last_window: LastWindow
) -> None:
    rate_hz = 1_000
    samples = RNG.standard_normal(600 * rate_hz + 3_210).astype(np.float32)
    grid = Grid.of(rate_hz, 5, hop_s, last_window)
    windows = list(cut(in_blocks(samples), GridPlan(grid)))
    assert len(windows) == grid.count(len(samples))
    for number, window in enumerate(windows):
        first = round(number * exact(hop_s, "") * rate_hz)
        expected = samples[first : first + 5_000]
        assert (window.span.number, window.span.first) == (number, first)
        assert window.span.end == first + len(expected)
        np.testing.assert_array_equal(window.samples[: len(expected)], expected)
        assert not window.samples[len(expected) :].any()
        assert number == len(windows) - 1 or len(window.samples) == 5_000


@pytest.mark.parametrize(
    ("window_s", "hop_s", "frame_count", "kept"),
    [
        (5, 5, 125, Span(2, 100, 125)),  # half a window
        (5, 5, 124, None),  # less
        (5, 5, 100, None),  # nothing is left
        (5, 2.5, 110, Span(3, 75, 110)),
        (5, 2.5, 100, None),  # all is covered
        (5, 1, 101, Span(6, 60, 101)),
        (5, 8, 150, None),  # within the gap
        (5, 8, 200, Span(2, 160, 200)),
    ],
)
def test_what_is_left_behind_the_last_whole_window(
    window_s: int, hop_s: float, frame_count: int, kept: Span | None
) -> None:
    samples = np.ones(frame_count, np.float32)
    for last_window in LastWindow:
        grid = Grid.of(10, window_s, hop_s, last_window)
        last = list(cut([samples], GridPlan(grid)))[-1]
        whole = grid.span(grid.whole_count(frame_count) - 1)
        if kept is None or last_window is LastWindow.DROP:
            assert last.span == whole
        else:
            padding = 50 - len(kept) if last_window is LastWindow.PAD else 0
            assert last.span == Span(kept.number, kept.first, kept.end, padding)
            assert last.samples.tolist() == [1] * len(kept) + [0] * padding


@pytest.mark.parametrize("hop_s", ["2.5", "0.7", 9])
def test_an_import_goes_on_with_any_window(hop_s: Seconds) -> None:
    samples = RNG.standard_normal(100_000).astype(np.float32)
    grid = Grid.of(1_000, 5, hop_s)
    windows = list(cut(in_blocks(samples), GridPlan(grid)))
    for number in (0, 1, 4, len(windows) - 1, len(windows)):
        first = grid.span(number).first
        rest = list(cut(in_blocks(samples[first:], 1), GridPlan(grid, number), first))
        assert [each.span for each in rest] == [each.span for each in windows[number:]]
        for one, other in zip(rest, windows[number:], strict=True):
            np.testing.assert_array_equal(one.samples, other.samples)


def test_a_window_longer_than_the_recording_is_told() -> None:
    for last_window in LastWindow:
        plan = GridPlan(Grid.of(10, 5, 1, last_window))
        with pytest.raises(PastEnd, match=r"it lasts 4\.900 s, less than a window of 5 s"):
            list(cut([np.zeros(49, np.float32)], plan))


@pytest.mark.parametrize(
    ("window_s", "hop_s", "field"),
    [
        (0, 1, "window_s"),
        (-1, 1, "window_s"),
        (math.nan, 1, "window_s"),
        (61, 1, "window_s"),
        ("5 s", 1, "window_s"),
        ("1e999999999", 1, "window_s"),
        ("1e-999999999", 1, "window_s"),
        ("1/0", 1, "window_s"),
        (1, 0, "hop_s"),
        (1, -0.5, "hop_s"),
        (1, 0.00001, "hop_s"),
        (1, math.inf, "hop_s"),
    ],
)
def test_windows_that_make_no_sense_are_refused(
    window_s: Seconds, hop_s: Seconds, field: str
) -> None:
    with pytest.raises(BadCut) as caught:
        Grid.of(48_000, window_s, hop_s)
    assert caught.value.field == field


def test_segments_are_cut_in_one_pass_whatever_their_order() -> None:
    samples = RNG.standard_normal(60_000).astype(np.float32)
    rng = random.Random(5)
    segments = [
        (start, start + rng.random() * 6) for start in (rng.random() * 54 for _ in "x" * 99)
    ]
    segments += [segments[3], (0, 60), (59.5, 60)]
    windows = list(cut(in_blocks(samples), SegmentPlan(1_000, segments)))
    assert [each.span.end for each in windows] == sorted(each.span.end for each in windows)
    assert sorted(each.span.number for each in windows) == list(range(len(segments)))
    for window in windows:
        start_s, end_s = segments[window.span.number]
        expected = samples[round(start_s * 1_000) : round(end_s * 1_000)]
        np.testing.assert_array_equal(window.samples, expected)


def test_segments_that_end_a_little_behind_the_recording_end_with_it() -> None:
    samples = np.arange(10_000, dtype=np.float32)
    windows = list(cut(in_blocks(samples), SegmentPlan(1_000, [(9, 10.05), (0, 1)])))
    assert [each.span for each in windows] == [Span(1, 0, 1_000), Span(0, 9_000, 10_000)]
    assert windows[1].samples.tolist() == samples[9_000:].tolist()


def test_segments_behind_the_end_are_told_when_the_others_were_cut() -> None:
    reading = cut(
        in_blocks(np.zeros(10_000, np.float32)),
        SegmentPlan(1_000, [(20, 21), (1, 2), (9, 10.2), (9.5, 10)]),
    )
    numbers: list[int] = []
    with pytest.raises(PastEnd) as caught:
        numbers.extend(window.span.number for window in reading)
    assert numbers == [1, 3]
    assert caught.value.numbers == (0, 2)
    assert str(caught.value) == (
        "it lasts 10.000 s; behind that end segments 2 (9.000 to 10.200 s), 0 (20.000 to 21.000 s)"
    )


@pytest.mark.parametrize(
    ("segment", "field"),
    [
        ((-1, 1), "segments[1].start_s"),
        ((2, 1), "segments[1].end_s"),
        ((1, 1), "segments[1].end_s"),
        ((1, 1.0001), "segments[1].end_s"),
        ((0, 61), "segments[1].end_s"),
        ((math.nan, 1), "segments[1].start_s"),
        ((0, math.inf), "segments[1].end_s"),
    ],
)
def test_segments_that_make_no_sense_are_refused(segment: tuple[float, float], field: str) -> None:
    with pytest.raises(BadCut) as caught:
        SegmentPlan(1_000, [(0, 1), segment])
    assert caught.value.field == field


def test_nothing_is_kept_that_no_window_needs() -> None:
    held: list[int] = []

    class Counted(np.ndarray):
        pass

    def blocks() -> Iterator[Samples]:
        import gc
        import weakref

        alive: list[weakref.ref[Counted]] = []
        for _ in range(300):
            block = np.zeros(1_000, np.float32).view(Counted)
            alive.append(weakref.ref(block))
            yield block
            del block
            gc.collect(0)
            held.append(sum(each() is not None for each in alive))

    plans = (
        GridPlan(Grid.of(1_000, 5, 2.5)),
        GridPlan(Grid.of(1_000, 5, 20)),
        SegmentPlan(1_000, [(10, 15), (12, 17), (200, 205)]),
    )
    for plan in plans:
        held.clear()
        for _ in cut(blocks(), plan):
            pass
        assert max(held) <= 9, (plan, max(held))
