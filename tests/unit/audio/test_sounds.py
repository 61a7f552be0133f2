from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.audio.test_cutting import in_blocks

from aloe.audio.cutting.cutter import cut
from aloe.audio.cutting.sounds import SoundPlan, check_sounds
from aloe.audio.cutting.spans import BadCut
from aloe.values.cuts import SoundCut

RATE_HZ = 8_000
Samples = NDArray[np.float32]


def recording(
    duration_s: float, sounds: Sequence[tuple[float, float, float]], floor: float = 0.003
) -> Samples:
    """Make noise with louder stretches: begin, end, amplitude."""
    rng = np.random.default_rng(1)
    samples = floor * rng.standard_normal(round(duration_s * RATE_HZ))
    for begin_s, end_s, amplitude in sounds:
        part = slice(round(begin_s * RATE_HZ), round(end_s * RATE_HZ))
        samples[part] += amplitude * np.sin(np.arange(len(samples[part])) * 0.7)
    return samples.astype(np.float32)


def found(samples: Samples, rule: SoundCut, seed: int = 0) -> list[tuple[float, float]]:
    windows = list(cut(in_blocks(samples, seed), SoundPlan(RATE_HZ, rule)))
    assert [each.span.number for each in windows] == list(range(len(windows)))
    for window in windows:
        expected = samples[window.span.first : window.span.end]
        np.testing.assert_array_equal(window.samples, expected)
        assert len(expected) > 0
    return [(each.span.first / RATE_HZ, each.span.end / RATE_HZ) for each in windows]


def assert_near(
    spans: Sequence[tuple[float, float]],
    expected: Sequence[tuple[float, float]],
    within_s: float = 0.0101,
) -> None:
    assert np.shape(spans) == np.shape(expected), spans
    np.testing.assert_allclose(spans, expected, atol=within_s)


SOUNDS = [(2.0, 3.0, 0.1), (40.0, 40.5, 0.05), (41.5, 42.0, 0.05), (90.0, 95.0, 0.3)]


def test_sounds_are_cut_out_with_a_little_around_them() -> None:
    spans = found(recording(120, SOUNDS), SoundCut())
    assert_near(spans, [(begin - 0.2, end + 0.2) for begin, end, _ in SOUNDS])


@pytest.mark.parametrize("seed", range(4))
def test_how_the_recording_comes_makes_no_difference(seed: int) -> None:
    samples = recording(100, SOUNDS)
    assert found(samples, SoundCut(), seed) == found(samples, SoundCut(), 99)


def test_sounds_at_either_end_are_cut_off_there() -> None:
    spans = found(recording(60, [(0, 1, 0.1), (59.3, 60, 0.1)]), SoundCut())
    assert_near(spans, [(0, 1.2), (59.1, 60)])


def test_a_pause_that_is_shorter_than_a_silence_ends_no_sound() -> None:
    samples = recording(20, [(5, 6, 0.1), (6.4, 7, 0.1), (7.6, 8, 0.1)])
    spans = found(samples, SoundCut(min_silence_s=0.5))
    assert_near(spans, [(4.8, 7.2), (7.4, 8.2)])


def test_two_thresholds_keep_a_sound_that_fades_together() -> None:
    # 17 dB above the floor; 8 dB, which begins no sound; 3 dB, which continues none.
    high, low, lower = (0.01 * np.sqrt(2 * (10 ** (db / 10) - 1)) for db in (17, 8, 3))
    faded = [(5, 6, high), (6, 8, low), (8, 9, lower), (15, 16, low)]
    spans = found(recording(30, faded, floor=0.01), SoundCut(on_db=10, off_db=6))
    assert_near(spans, [(4.8, 8.2)], 0.06)


def test_what_is_short_is_no_sound() -> None:
    samples = recording(20, [(5, 5.05, 0.3), (10, 10.2, 0.3)])
    assert_near(found(samples, SoundCut(min_sound_s=0.1)), [(9.8, 10.4)])


def test_long_sounds_are_cut_into_parts() -> None:
    spans = found(recording(120, [(20, 45, 0.1)]), SoundCut(max_sound_s=10))
    assert_near(spans, [(19.8, 29.8), (29.8, 39.8), (39.8, 45.2)])
    assert max(end - begin for begin, end in spans) <= 10


def test_a_part_of_nothing_but_silence_is_no_part() -> None:
    spans = found(recording(60, [(20, 29.7, 0.1)]), SoundCut(max_sound_s=10))
    assert_near(spans, [(19.8, 29.8)])


def test_the_floor_follows_a_recording() -> None:
    quiet, loud = recording(70, [(30, 31, 0.02)], 0.002), recording(100, [(60, 61, 0.5)], 0.05)
    spans = found(np.concatenate([quiet, loud]), SoundCut())
    assert_near([spans[0], spans[-1]], [(29.8, 31.2), (129.8, 131.2)])


def test_zeros_of_a_recorder_are_no_floor() -> None:
    samples = recording(60, [(30, 31, 0.1)])
    samples[: RATE_HZ * 2] = 0
    assert_near(found(samples, SoundCut()), [(29.8, 31.2)])


def test_silence_holds_no_sound() -> None:
    assert found(np.zeros(RATE_HZ * 40, np.float32), SoundCut()) == []
    assert found(recording(40, [], 0.000_01), SoundCut()) == []
    assert found(np.full(10, 0.5, np.float32), SoundCut()) == []


def test_a_minute_of_a_long_recording_is_kept_at_most() -> None:
    plan, kept = SoundPlan(RATE_HZ, SoundCut()), []
    samples = recording(300, [(begin, begin + 25, 0.1) for begin in range(0, 300, 30)])
    for begin in range(0, len(samples), 4_000):
        list(plan.hear(begin, samples[begin : begin + 4_000]))
        kept.append(begin + 4_000 - plan.needed_from)
    assert max(kept) / RATE_HZ < 45


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"off_db": 11.0}, "off_db"),
        ({"off_db": -1.0}, "off_db"),
        ({"pad_s": 0.3}, "pad_s"),
        ({"pad_s": -0.1}, "pad_s"),
        ({"max_sound_s": 0.0}, "max_sound_s"),
        ({"min_sound_s": 20.0}, "max_sound_s"),
        ({"on_db": float("nan")}, "on_db"),
        ({"least_dbfs": float("-inf")}, "least_dbfs"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rule: dict[str, float], field: str) -> None:
    with pytest.raises(BadCut) as caught:
        check_sounds(SoundCut(**rule))
    assert caught.value.field == field
