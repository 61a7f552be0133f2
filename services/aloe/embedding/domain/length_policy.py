"""Canonical lengths: how an encoder's clips are brought to lengths at which they batch exactly.

A policy maps a clip to a canonical one that has the same embedding; clips of equal canonical length
form a batch. Padding to anything else changes what most encoders say.
"""

import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aloe.embedding.domain.arrays import Float32Array


class LengthPolicy(Protocol):
    """Maps clips to canonical ones. Immutable, and its text is part of the fingerprint."""

    @abstractmethod
    def canonical_length(self, sample_count: int) -> int:
        """Return the length to which a clip of `sample_count` (at least 1) samples is brought."""

    def write(self, samples: Float32Array, row: Float32Array) -> None:
        """Write a clip, (n_samples,) float32, into zeros of its canonical length."""
        row[: samples.size] = samples

    def canonical(self, samples: Float32Array) -> Float32Array:
        """Bring a clip, (n_samples,) float32, to its canonical length."""
        row = np.zeros(self.canonical_length(samples.size), dtype=np.float32)
        self.write(samples, row)
        return row

    @abstractmethod
    def __str__(self) -> str:
        """Write the policy as `parse_length_policy` reads it."""


@dataclass(frozen=True, slots=True)
class Exact(LengthPolicy):
    """Every length is its own; a clip under `minimum` samples is zero-padded to it."""

    minimum: int = 1

    def canonical_length(self, sample_count: int) -> int:
        return max(sample_count, self.minimum)

    def __str__(self) -> str:
        return "exact" if self.minimum == 1 else f"exact({self.minimum})"


@dataclass(frozen=True, slots=True)
class Grid(LengthPolicy):
    """For encoders that zero-pad to first + step * j samples inside, as YAMNet with (15600, 7680).

    Clips are padded to one sample less: an encoder that divides in floating point takes some
    lengths that lie exactly on its grid for a little more, and adds a whole step to them. A clip
    that lies on the grid stays as it is.
    """

    first: int
    step: int

    def canonical_length(self, sample_count: int) -> int:
        step_count = max(0, -(-(sample_count - self.first) // self.step))
        return max(sample_count, self.first + self.step * step_count - 1)

    def __str__(self) -> str:
        return f"grid({self.first},{self.step})"


@dataclass(frozen=True, slots=True)
class Frames(LengthPolicy):
    """Drops trailing samples that fill no analysis frame; a clip under one frame is zero-padded."""

    frame: int
    hop: int

    def canonical_length(self, sample_count: int) -> int:
        return self.frame + self.hop * (max(0, sample_count - self.frame) // self.hop)

    def write(self, samples: Float32Array, row: Float32Array) -> None:
        row[: samples.size] = samples[: row.size]

    def __str__(self) -> str:
        return f"frames({self.frame},{self.hop})"


@dataclass(frozen=True, slots=True)
class Window(LengthPolicy):
    """Brings every clip to one length: zeros on both sides, or its middle.

    The paper's code centre-pads to 16,000 samples so. Unlike the others it changes the embedding:
    it is part of the preprocessing that the caller chose.
    """

    length: int

    def canonical_length(self, sample_count: int) -> int:  # noqa: ARG002
        return self.length

    def write(self, samples: Float32Array, row: Float32Array) -> None:
        surplus = samples.size - self.length
        if surplus >= 0:
            row[:] = samples[surplus // 2 : surplus // 2 + self.length]
        else:
            before = -surplus // 2
            row[before : before + samples.size] = samples

    def __str__(self) -> str:
        return f"window({self.length})"


_TRILLSSON_MINIMUM = 32_000
_STFT_FRAME, _STFT_HOP, _CHUNK_FRAMES = 400, 160, 195


@dataclass(frozen=True, slots=True)
class Trillsson(LengthPolicy):
    """TRILLsson's front end: mirror-pads to 2 s, then hears whole chunks of 195 frames only.

    After SamplesToFeats in google-research (non_semantic_speech_benchmark/trillsson): STFT of
    400/160 samples, log-mel cut into chunks of 195 frames, the rest dropped, chunks averaged.
    """

    def canonical_length(self, sample_count: int) -> int:
        frame_count = 1 + (max(sample_count, _TRILLSSON_MINIMUM) - _STFT_FRAME) // _STFT_HOP
        chunk_count = max(1, frame_count // _CHUNK_FRAMES)
        heard = _STFT_FRAME + _STFT_HOP * (_CHUNK_FRAMES * chunk_count - 1)
        return max(_TRILLSSON_MINIMUM, heard)

    def write(self, samples: Float32Array, row: Float32Array) -> None:
        missing = row.size - samples.size
        # tf_pad there repeats the mirror as often as needed; so does numpy's "symmetric".
        row[:] = (
            np.pad(samples, (0, missing), mode="symmetric") if missing > 0 else samples[: row.size]
        )

    def __str__(self) -> str:
        return "trillsson"


_FORM = re.compile(r"([a-z]+)(?:\(([0-9]{1,9}(?:,[0-9]{1,9})*)\))?")
_POLICIES: dict[tuple[str, int], type[Exact | Grid | Frames | Window | Trillsson]] = {
    ("exact", 0): Exact,
    ("exact", 1): Exact,
    ("grid", 2): Grid,
    ("frames", 2): Frames,
    ("window", 1): Window,
    ("trillsson", 0): Trillsson,
}


def parse_length_policy(text: str) -> LengthPolicy:
    """Read "exact", "exact(16000)", "grid(15600,7680)", "frames(400,160)", "window(16000)", ...

    Raises:
        ValueError: `text` is no policy.
    """
    match = _FORM.fullmatch(text.replace(" ", ""))
    numbers = [int(number) for number in (match[2] or "").split(",") if number] if match else []
    policy = _POLICIES.get((match[1], len(numbers))) if match else None
    if policy is None or 0 in numbers:
        raise ValueError(
            f"{text!r} is no length policy; give exact, exact(N), grid(FIRST,STEP),"
            " frames(FRAME,HOP), window(N) or trillsson, in samples"
        )
    return policy(*numbers)
