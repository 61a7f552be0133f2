"""Recordings that callers cut into windows: a few files, each imported under many ids.

What a window sounds like is known by its id, since nobody cuts otherwise.
"""

from pathlib import Path

import numpy as np
import soundfile

from aloe.client import AsyncLearnerClient, Clip, Float32Array, GridCut

CUT = GridCut(1.0)
WINDOW_COUNT = 8
FILE_COUNT = 4
_REFERENCE = "reference"
_RATE_HZ = 16_000
_MOST_APART = 1e-3
"""Vectors of one window; those of one sound differ a little by what is embedded with it."""


class Recordings:
    """The files, and the vector of each of their windows."""

    def __init__(self, folder: Path) -> None:
        """Write the files."""
        folder.mkdir(exist_ok=True)
        self._files = [folder / f"{number}.wav" for number in range(FILE_COUNT)]
        for number, file in enumerate(self._files):
            generator = np.random.default_rng(number)
            seconds = np.arange(WINDOW_COUNT * _RATE_HZ) / _RATE_HZ
            tones_hz = np.repeat(generator.uniform(200, 4_000, WINDOW_COUNT), _RATE_HZ)
            sound = 0.2 * np.sin(2 * np.pi * tones_hz * seconds)
            soundfile.write(file, sound + generator.normal(0, 0.02, len(sound)), _RATE_HZ)
        self._vectors: dict[str, Float32Array] = {}
        """By window of a file."""

    async def embed(self, client: AsyncLearnerClient) -> None:
        """Learn the vectors by cutting the files in a pool where nothing else happens."""
        await client.create_pool(_REFERENCE)
        for number, file in enumerate(self._files):
            await client.import_recording(_REFERENCE, recording_id(number), file, CUT)
        async for each in client.export_clips(_REFERENCE):
            self._vectors[_window_of(each.clip.clip_id)] = each.embedding

    def file(self, number: int) -> Path:
        """Return the file that a recording is."""
        return self._files[number % FILE_COUNT]

    def content_of(self, clip: Clip, embedding: Float32Array) -> str:
        """Return the content that has a vector: the clip's own, or some window; empty for none."""
        own = _window_of(clip.clip_id)
        for window in (own, *self._vectors):
            known = self._vectors.get(window)
            if known is not None and np.abs(known - embedding).max() < _MOST_APART:
                return clip.clip_id if window == own else window
        return ""


def recording_id(number: int) -> str:
    """Name a recording."""
    return f"recording-{number:04d}"


def window_ids(number: int) -> list[str]:
    """Name the windows of a recording."""
    return [
        f"{recording_id(number)}~{1_000 * place}-{1_000 * (place + 1)}"
        for place in range(WINDOW_COUNT)
    ]


def kind_of(window_id: str) -> int:
    """Return a number by which oracles know a window."""
    file, place = map(int, _window_of(window_id).split("~"))
    return file * WINDOW_COUNT + place


def _window_of(window_id: str) -> str:
    """Return the window of a file that a window of any recording is."""
    recording, _, span = window_id.partition("~")
    number = int(recording.rpartition("-")[2]) % FILE_COUNT
    return f"{number}~{int(span.partition('-')[0]) // 1_000}"
