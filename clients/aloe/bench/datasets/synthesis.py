"""Synthetic spoken vowels, by source-filter synthesis, for demonstrations without data.

Each clip has a class for each of three tasks: vowel, voice and intonation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aloe.bench.arrays import Float32Array, Float64Array

# F1 to F4 in Hz of American English men: Hillenbrand, Getty, Clark and Wheeler, "Acoustic
# characteristics of American English vowels", J. Acoust. Soc. Am. 97 (1995), table V. It repeats
# Peterson and Barney (1952), which has no F4.
_FORMANTS_HZ: Mapping[str, tuple[float, ...]] = {
    "a": (768, 1333, 2522, 3687),
    "e": (476, 2089, 2691, 3649),
    "i": (342, 2322, 3000, 3657),
    "o": (497, 910, 2459, 3384),
    "u": (378, 997, 2343, 3357),
}
# A vocal tract has more resonances than the table; one more keeps energy at the top of the band.
_FIFTH_FORMANT_HZ = 4500.0
_BANDWIDTHS_HZ = np.array([70.0, 90.0, 130.0, 180.0, 250.0])

_SMALLEST_DIVISOR = 1e-6


@dataclass(frozen=True, slots=True)
class _Voice:
    f0_hz: float
    formant_scale: float
    """Factor on the table's formants: a shorter vocal tract has higher ones."""
    tilt_db_per_octave: float
    """How fast the source falls above 500 Hz: slowly in a pressed voice, fast in a soft one."""
    breath_db: float
    """Breath noise relative to the voiced part."""


_VOICES: Mapping[str, _Voice] = {
    "bass": _Voice(100, 0.90, 8.0, -36),
    "tenor": _Voice(140, 1.00, 3.0, -32),
    "alto": _Voice(185, 1.10, 10.0, -18),
    "soprano": _Voice(235, 1.20, 5.0, -26),
}

_PITCH_SPAN_SEMITONES: Mapping[str, tuple[float, float]] = {
    "rise": (6.0, 12.0),
    "fall": (-12.0, -6.0),
    "level": (-1.0, 1.0),
}

VOWELS = tuple(_FORMANTS_HZ)
VOICES = tuple(_VOICES)
INTONATIONS = tuple(_PITCH_SPAN_SEMITONES)


@dataclass(frozen=True, slots=True)
class SpokenVowel:
    """One synthetic clip and its true classes."""

    clip_id: str
    samples: Float32Array
    """(n_samples,) in [-1, 1]"""
    vowel: str
    voice: str
    intonation: str


def synthesize(seed: int, clip_count: int, sample_rate_hz: int = 16_000) -> list[SpokenVowel]:
    """Make `clip_count` vowels of 0.5 to 0.9 s in random order.

    The same arguments give the same samples. The classes of each task are balanced to within
    one clip.
    """
    rng = np.random.default_rng(seed)
    clips = []
    for index, kind in enumerate(rng.permutation(clip_count)):
        # 5, 4 and 3 have no common factor, so 60 numbers in a row give all 60 combinations.
        vowel = VOWELS[kind % len(VOWELS)]
        voice = VOICES[kind % len(VOICES)]
        intonation = INTONATIONS[kind % len(INTONATIONS)]
        samples = _speak(rng, vowel, voice, intonation, sample_rate_hz)
        clip_id = f"vowel-{seed}-{index:04d}"
        clips.append(SpokenVowel(clip_id, samples, vowel, voice, intonation))
    return clips


def _speak(
    rng: np.random.Generator, vowel: str, voice: str, intonation: str, sample_rate_hz: int
) -> Float32Array:
    speaker = _VOICES[voice]
    # Whole hundredths of a second: sample counts with small prime factors make the FFT fast.
    sample_count = int(rng.integers(50, 91)) * sample_rate_hz // 100
    semitones = _pitch_contour(rng, _PITCH_SPAN_SEMITONES[intonation], sample_count)
    f0_hz = speaker.f0_hz * 2 ** ((semitones + rng.normal(0, 0.8)) / 12)
    # A higher pitch takes more effort, and more effort is louder.
    effort = 10 ** (1.8 * semitones / 20)
    source = effort * _pulses(f0_hz, sample_rate_hz)
    breath = rng.normal(0, 10 ** (speaker.breath_db / 20), sample_count)
    source = source / _rms(source) + breath
    frequencies_hz = np.fft.rfftfreq(sample_count, 1 / sample_rate_hz).astype(np.float64)
    voiced = _filter(source, _tract(rng, vowel, speaker, frequencies_hz))
    voiced *= _envelope(sample_count, sample_rate_hz) / _rms(voiced)
    snr_db = rng.uniform(18, 38)
    noisy = voiced + rng.normal(0, 10 ** (-snr_db / 20), sample_count)
    level = 10 ** (rng.uniform(-22, -17) / 20)
    return np.clip(level * noisy, -1, 1).astype(np.float32)


def _pitch_contour(
    rng: np.random.Generator, span_semitones: tuple[float, float], sample_count: int
) -> Float64Array:
    """A curved glide with a slow waver: (sample_count,) semitones from the voice's pitch."""
    position = np.linspace(0, 1, sample_count)
    glide = rng.uniform(*span_semitones) * (position ** rng.uniform(0.6, 1.6) - 0.5)
    waver = np.sin(2 * np.pi * (rng.uniform(1, 4) * position + rng.uniform()))
    contour: Float64Array = glide + rng.uniform(0.1, 0.5) * waver
    return contour


def _pulses(f0_hz: Float64Array, sample_rate_hz: int) -> Float64Array:
    """All harmonics of a moving f0 below the Nyquist frequency, of equal amplitude."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / sample_rate_hz
    harmonic_count = np.floor(0.475 * sample_rate_hz / f0_hz)
    # The Dirichlet kernel, a closed form of the sum of cos(k * phase) over some seventy k.
    half = np.sin(phase / 2)
    at_peak = np.abs(half) < _SMALLEST_DIVISOR
    ratio = np.sin((harmonic_count + 0.5) * phase) / np.where(at_peak, 1, 2 * half)
    pulses: Float64Array = np.where(at_peak, harmonic_count, ratio - 0.5)
    return pulses


def _tract(
    rng: np.random.Generator, vowel: str, voice: _Voice, frequencies_hz: Float64Array
) -> Float64Array:
    """Gain at each frequency: the source's tilt times the resonances of the vocal tract."""
    formants_hz = np.array([*_FORMANTS_HZ[vowel], _FIFTH_FORMANT_HZ]) * voice.formant_scale
    # Formants vary from clip to clip, F1 and F2 most.
    formants_hz *= np.exp(rng.normal(0, [0.08, 0.06, 0.03, 0.02, 0.02]))
    bandwidths_hz = _BANDWIDTHS_HZ * rng.uniform(0.8, 1.4)
    poles = 1j * formants_hz - bandwidths_hz / 2
    s = 1j * frequencies_hz[:, np.newaxis]
    resonances = np.abs(poles) ** 2 / ((s - poles) * (s - poles.conj()))
    tilt_db = voice.tilt_db_per_octave + rng.normal(0, 0.5)
    fall = (1 + (frequencies_hz / 500) ** 2) ** (-tilt_db / (20 * np.log10(4)))
    gains: Float64Array = np.abs(resonances.prod(axis=1)) * fall
    return gains


def _filter(samples: Float64Array, gains: Float64Array) -> Float64Array:
    return np.fft.irfft(np.fft.rfft(samples) * gains, samples.size)


def _envelope(sample_count: int, sample_rate_hz: int) -> Float64Array:
    """Onset in 40 ms, release in 90 ms, both as half a cosine."""
    time_s = np.arange(sample_count) / sample_rate_hz
    onset = np.clip(time_s / 0.04, 0, 1)
    release = np.clip((time_s[-1] - time_s) / 0.09, 0, 1)
    envelope: Float64Array = 0.25 * (1 - np.cos(np.pi * onset)) * (1 - np.cos(np.pi * release))
    return envelope


def _rms(samples: Float64Array) -> float:
    return float(np.sqrt(np.mean(samples**2)))
