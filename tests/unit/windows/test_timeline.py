"""Timelines: predictions of windows merged into events, by hand and by property."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.windows import EventRule, SoundEvent, Window, timeline


def spans(starts_s, ends_s, probabilities, rule, **options):
    """Return the events of a single class as pairs of times."""
    found = timeline(starts_s, ends_s, np.reshape(probabilities, (-1, 1)), rule, **options)
    return [(event.start_s, event.end_s) for event in found]


def in_a_row(*probabilities, rule, **options):
    """Return the events of windows of 1 s, one behind the other."""
    starts = np.arange(len(probabilities))
    return spans(starts, starts + 1, probabilities, rule, **options)


PLAIN = EventRule(on=0.8, off=0.4)


@pytest.mark.parametrize(
    ("probabilities", "events"),
    [
        ([0.7, 0.9, 0.5, 0.4, 0.3, 0.7, 0.2], [(1, 4)]),  # begins at on, stays to off
        ([0.8, 0.39, 0.8], [(0, 1), (2, 3)]),
        ([0.9, 0.5, 0.9, 0.1], [(0, 3)]),
        ([0.79, 0.79], []),
        ([1.0, 1.0], [(0, 2)]),
        ([0.0, 0.9], [(1, 2)]),
        ([], []),
    ],
)
def test_an_event_begins_at_on_and_ends_below_off(probabilities, events):
    assert in_a_row(*probabilities, rule=PLAIN) == events


def test_one_threshold_is_a_plain_one():
    assert in_a_row(0.5, 0.49, 0.5, 0.6, rule=EventRule(0.5, 0.5)) == [(0, 1), (2, 4)]


def test_where_windows_overlap_their_mean_counts():
    """By hand, windows of 2 s each 1 s: p(t) = 0.2, 0.6, 0.95, 0.5, 0.1 from second to second."""
    starts = np.arange(4)
    probabilities = [0.2, 1.0, 0.9, 0.1]
    found = timeline(starts, starts + 2, np.reshape(probabilities, (-1, 1)), PLAIN)
    assert len(found) == 1
    (event,) = found
    assert (event.class_index, event.start_s, event.end_s) == (0, 2.0, 4.0)
    assert event.mean_probability == pytest.approx((0.95 + 0.5) / 2)
    assert event.peak_probability == pytest.approx(0.95)


def test_parts_of_the_mean_weigh_as_long_as_they_last():
    """By hand: 0.9 for 1 s, then 0.5 for 3 s: (0.9 + 3 * 0.5) / 4."""
    (event,) = timeline([0, 1], [1, 4], [[0.9], [0.5]], PLAIN)
    assert event.mean_probability == pytest.approx(0.6)
    assert event.peak_probability == 0.9


def test_a_stretch_without_windows_ends_an_event():
    assert spans([0, 2], [1, 3], [0.9, 0.5], PLAIN) == [(0, 1)]
    assert spans([0, 2], [1, 3], [0.9, 0.9], PLAIN) == [(0, 1), (2, 3)]


def test_events_near_to_each_other_are_one():
    rule = EventRule(0.8, 0.4, max_gap_s=1.0)
    assert in_a_row(0.9, 0.1, 0.9, 0.1, 0.1, 0.9, rule=rule) == [(0, 3), (5, 6)]
    assert spans([0, 1.5], [1, 3], [0.9, 0.9], rule) == [(0, 3)]


def test_short_events_are_none_but_count_before_that_in_joining():
    rule = EventRule(0.8, 0.4, min_duration_s=2.0)
    assert in_a_row(0.9, 0.1, 0.9, 0.5, 0.1, rule=rule) == [(2, 4)]
    joining = EventRule(0.8, 0.4, min_duration_s=2.0, max_gap_s=1.0)
    assert in_a_row(0.9, 0.1, 0.9, 0.1, 0.1, 0.9, rule=joining) == [(0, 3)]


@pytest.mark.parametrize("overlap", [1, 3])
def test_windows_that_touch_but_for_rounding_leave_no_gap(overlap):
    starts = np.arange(1_000) * 0.1
    ends = starts + overlap * 0.1
    assert not np.array_equal(starts[overlap:], ends[:-overlap])
    (event,) = spans(starts, ends, np.ones(1_000), PLAIN)
    assert event == (0.0, pytest.approx(99.9 + overlap * 0.1))


def test_the_mean_of_equal_probabilities_reaches_a_threshold_that_they_reach():
    assert sum([0.7] * 3) / 3 < 0.7
    assert spans([0] * 3, [1] * 3, [0.7] * 3, EventRule(0.7, 0.7)) == [(0, 1)]


def test_gaps_and_durations_as_long_as_said_but_for_rounding_count():
    assert 0.4 - 0.1 > 0.3 > 0.7 - 0.4
    rule = EventRule(0.8, 0.4, max_gap_s=0.3)
    assert spans([0.0, 0.4], [0.1, 0.7], [0.9, 0.9], rule) == [(0.0, 0.7)]
    rule = EventRule(0.8, 0.4, min_duration_s=0.3)
    assert spans([0.0, 0.4], [0.1, 0.7], [0.9, 0.9], rule) == [(0.4, 0.7)]


def test_windows_that_overlap_much_take_no_memory_for_each_pair():
    count, overlap = 20_000, 200
    starts = np.arange(count) / 100
    probabilities = (np.arange(count) >= count // 2).astype(float).reshape(-1, 1)
    tracemalloc.start()
    (event,) = timeline(starts, starts + overlap / 100, probabilities, EventRule(0.5, 0.5))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The windows that cover it are half of each kind where an event begins.
    assert (event.start_s, event.end_s) == pytest.approx((100.99, 201.99), abs=0.02)
    pair_count = 2 * count * overlap
    assert peak < 8 * pair_count


def test_an_event_ends_with_the_recording():
    assert in_a_row(0.1, 0.9, rule=PLAIN, length_s=1.5) == [(1, 1.5)]


def test_each_class_has_its_thresholds_and_events_come_by_start():
    rule = EventRule(on=[0.5, 0.9], off=[0.5, 0.2])
    found = timeline([0, 1, 2], [1, 2, 3], [[0.1, 0.9], [0.6, 0.3], [0.6, 0.1]], rule)
    assert [(event.class_index, event.start_s, event.end_s) for event in found] == [
        (1, 0.0, 2.0),
        (0, 1.0, 3.0),
    ]
    window = found[1].window("a.wav", ["owl", "fox"])
    assert window == Window("a.wav", 1.0, 3.0, "owl", probability=found[1].mean_probability)
    assert window.probability == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("starts", "ends", "probabilities", "problem"),
    [
        ([0], [1, 2], [[0.5]], "there must be one of each a window"),
        ([0], [1], [0.5], "there must be one of each a window"),
        ([1], [1], [[0.5]], r"window 0 lasts from 1\.0 to 1\.0 s"),
        ([0, -1], [1, 1], [[0.5]] * 2, r"window 1 lasts from -1\.0 to"),
        ([0], [np.inf], [[0.5]], "window 0 lasts from"),
        ([np.nan], [1], [[0.5]], "window 0 lasts from"),
        (
            [0, 10],
            [1, 11],
            [[0.5]] * 2,
            r"window 1 lasts from 10\.0 to 11\.0 s, in a recording of 10",
        ),
        ([0], [1], [[np.nan]], "probabilities must lie between 0 and 1"),
        ([0], [1], [[1.5]], "probabilities must lie between 0 and 1"),
    ],
)
def test_windows_that_cannot_be_are_refused(starts, ends, probabilities, problem):
    with pytest.raises(ValueError, match=problem):
        timeline(starts, ends, probabilities, PLAIN, length_s=10)


@pytest.mark.parametrize(
    "rule",
    [
        EventRule(0.4, 0.5),
        EventRule(1.1, 0.5),
        EventRule(0.5, 0.0),
        EventRule([0.5, 0.4], 0.45),
        EventRule(float("nan"), 0.5),
        EventRule(0.5, 0.5, min_duration_s=-1),
        EventRule(0.5, 0.5, max_gap_s=float("nan")),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule):
    with pytest.raises(ValueError, match=r"must hold|they are 0 or more"):
        timeline([0], [1], [[0.5, 0.5]], rule)


TIMES = st.integers(0, 40).map(lambda eighths: eighths / 8)
WINDOWS = st.tuples(TIMES, TIMES, st.integers(0, 10), st.integers(0, 10)).filter(
    lambda window: window[0] < window[1]
)
RULES = st.builds(
    lambda high, low, duration_s, gap_s: EventRule(
        max(high, low) / 10, min(high, low) / 10, duration_s, gap_s
    ),
    st.integers(1, 10),
    st.integers(1, 10),
    TIMES,
    TIMES,
)


@given(windows=st.lists(WINDOWS, max_size=12), rule=RULES, length_s=st.none() | st.just(5.0))
def test_events_are_sorted_disjoint_long_enough_and_inside(windows, rule, length_s):
    found = by_tenths(windows, rule, length_s)
    assert [(e.start_s, e.class_index) for e in found] == sorted(
        (e.start_s, e.class_index) for e in found
    )
    edges = {time for window in windows for time in window[:2]}
    for event in found:
        assert {event.start_s, event.end_s} <= edges
        assert event.end_s - event.start_s >= max(rule.min_duration_s, 0.125)
        assert 0 <= event.mean_probability <= event.peak_probability + 1e-9 <= 1 + 1e-9
        assert event.peak_probability >= rule.on - 1e-9
    for index in range(2):
        of_class = [event for event in found if event.class_index == index]
        for before, after in pairwise(of_class):
            assert after.start_s - before.end_s > rule.max_gap_s


@given(windows=st.lists(WINDOWS, max_size=12), rule=RULES)
def test_events_are_those_of_each_eighth_of_a_second(windows, rule):
    """The same by the definition: a state that goes through time step by step."""
    expected = []
    for index in range(2):
        runs: list[list[float]] = []
        is_on = False
        for eighth in range(40):
            time = eighth / 8
            over = [each[2 + index] / 10 for each in windows if each[0] <= time < each[1]]
            mean = sum(over) / len(over) if over else -1.0
            was_on, is_on = is_on, mean >= (rule.off if is_on else rule.on) - 1e-9
            if (is_on and was_on) or (is_on and runs and time - runs[-1][1] <= rule.max_gap_s):
                runs[-1][1] = time + 0.125
            elif is_on:
                runs.append([time, time + 0.125])
        expected += [
            (start, index, end) for start, end in runs if end - start >= rule.min_duration_s
        ]
    found = by_tenths(windows, rule, None)
    assert [(e.start_s, e.class_index, e.end_s) for e in found] == sorted(expected)


@given(windows=st.lists(WINDOWS, min_size=1, max_size=12), rule=RULES, data=st.data())
def test_the_order_of_windows_makes_no_difference(windows, rule, data):
    shuffled = data.draw(st.permutations(windows))
    places = [(e.class_index, e.start_s, e.end_s) for e in by_tenths(windows, rule, None)]
    assert [(e.class_index, e.start_s, e.end_s) for e in by_tenths(shuffled, rule, None)] == places


def by_tenths(windows, rule, length_s) -> list[SoundEvent]:
    starts, ends, *scores = zip(*windows, strict=True) if windows else ((), (), (), ())
    return timeline(
        starts, ends, np.reshape(np.transpose(scores), (-1, 2)) / 10, rule, length_s=length_s
    )
