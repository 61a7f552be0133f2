"""Clips that are like an example."""

from dataclasses import dataclass

from aloe.client.types.audio import Audio
from aloe.client.types.pools import Clip
from aloe.values.audio import NOTHING_FOUND, AudioReport
from aloe.wire.arrays import Float32Array

Like = str | Audio | Float32Array
"""An example: a clip by its id, or by its name "pools/{pool}/clips/{clip}" where it is of another
pool; a sound; or an embedding, (embedding_dim,)."""


@dataclass(frozen=True, slots=True)
class FoundClip:
    """A clip, and how alike it is."""

    clip: Clip
    similarity: float


@dataclass(frozen=True, slots=True)
class SearchResults:
    """What a search found."""

    found: tuple[FoundClip, ...]
    """The most alike first."""
    report: AudioReport = NOTHING_FOUND
    """What was found in the sound of the example."""
