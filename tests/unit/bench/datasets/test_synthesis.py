from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from aloe.bench.datasets.synthesis import INTONATIONS, VOICES, VOWELS, SpokenVowel, synthesize

SAMPLE_RATE_HZ = 16_000


@pytest.fixture(scope="module")
def clips() -> list[SpokenVowel]:
    return synthesize(0, 120)


def pitch_hz(samples: NDArray[np.float32]) -> float:
    """Median f0 of 40 ms frames, by autocorrelation."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 640)[::160]
    spectra = np.abs(np.fft.rfft(frames, 2048)) ** 2
    lags = np.fft.irfft(spectra)[:, : SAMPLE_RATE_HZ // 60]
    shortest = SAMPLE_RATE_HZ // 400
    return float(np.median(SAMPLE_RATE_HZ / (shortest + lags[:, shortest:].argmax(axis=1))))


def band_energy(samples: NDArray[np.float32], low_hz: int, high_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    frequencies_hz = np.fft.rfftfreq(samples.size, 1 / SAMPLE_RATE_HZ)
    return float(spectrum[(frequencies_hz >= low_hz) & (frequencies_hz < high_hz)].sum())


def test_same_seed_gives_the_same_bits() -> None:
    one, again, other = (synthesize(seed, 5) for seed in (3, 3, 4))
    assert [clip.samples.tobytes() for clip in one] == [clip.samples.tobytes() for clip in again]
    assert one[0].samples.tobytes() != other[0].samples.tobytes()


def test_clips_are_short_mono_float32_within_range(clips: list[SpokenVowel]) -> None:
    for clip in clips:
        assert clip.samples.dtype == np.float32
        assert 0.5 * SAMPLE_RATE_HZ <= clip.samples.size <= 0.9 * SAMPLE_RATE_HZ
        assert 0.01 < np.abs(clip.samples).max() <= 1


def test_ids_tell_clips_apart_but_not_their_labels(clips: list[SpokenVowel]) -> None:
    assert len({clip.clip_id for clip in clips + synthesize(1, 120)}) == 240
    assert clips[7].clip_id == "vowel-0-0007"


@pytest.mark.parametrize("clip_count", [60, 61, 119])
def test_classes_of_every_task_are_balanced(clip_count: int) -> None:
    clips = synthesize(0, clip_count)
    for task, classes in (("vowel", VOWELS), ("voice", VOICES), ("intonation", INTONATIONS)):
        counts = Counter(getattr(clip, task) for clip in clips)
        assert set(counts) == set(classes)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_sixty_clips_hold_every_combination() -> None:
    assert len({(c.vowel, c.voice, c.intonation) for c in synthesize(0, 60)}) == 60


def test_pitch_moves_as_the_intonation_says(clips: list[SpokenVowel]) -> None:
    for clip in clips:
        third = clip.samples.size // 3
        ratio = pitch_hz(clip.samples[-third:-800]) / pitch_hz(clip.samples[800:third])
        if clip.intonation == "rise":
            assert ratio > 1.1
        elif clip.intonation == "fall":
            assert ratio < 1 / 1.1


def test_voices_differ_in_pitch(clips: list[SpokenVowel]) -> None:
    of_voice = {v: [pitch_hz(c.samples) for c in clips if c.voice == v] for v in VOICES}
    medians = [float(np.median(of_voice[voice])) for voice in VOICES]
    assert medians == sorted(medians)
    assert medians[-1] > 1.8 * medians[0]


def test_vowels_have_their_formants(clips: list[SpokenVowel]) -> None:
    def front(vowel: str) -> float:
        ratios = [
            band_energy(c.samples, 1700, 3500) / band_energy(c.samples, 700, 1700)
            for c in clips
            if c.vowel == vowel
        ]
        return float(np.median(ratios))

    assert min(front("i"), front("e")) > 1 > max(front("a"), front("o"), front("u"))


def test_other_sample_rates_are_served() -> None:
    (clip,) = synthesize(0, 1, sample_rate_hz=8_000)
    assert 4_000 <= clip.samples.size <= 7_200
