"""A window with what is around it, cut out of a recording as it was cut out of its stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aloe.audio.arrays import Float32Array
from aloe.audio.decoder import Stretch
from aloe.audio.errors import BadAudio, BrokenOff


@dataclass(frozen=True, slots=True)
class View:
    """A window of a recording, and how much around it is wanted, in frames."""

    first: int
    end: int
    """The first one behind it."""
    before: int = 0
    after: int = 0
    is_sought: bool = False
    """As in a `Stretch`."""

    @property
    def stretch(self) -> Stretch:
        """All that is read."""
        return Stretch(
            max(0, self.first - self.before), self.end + self.after, is_sought=self.is_sought
        )


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What a view shows; around the window there is less at the ends of the recording."""

    view: View
    samples: Float32Array
    """(n_samples,), at the recording's rate, with full scale 1."""
    sample_rate_hz: int

    @property
    def first(self) -> int:
        """The frame that the samples begin with."""
        return self.view.stretch.first

    @property
    def window(self) -> Float32Array:
        """The samples of the window."""
        return self.samples[self.view.first - self.first : self.view.end - self.first]


class _Stream(Protocol):
    sample_rate_hz: int
    frame_count: int

    def blocks(self) -> Iterator[Float32Array]: ...


def excerpt_of(stream: _Stream, view: View) -> Excerpt:
    """Read a view's stretch of a recording.

    Raises:
        BadAudio: it ends, or breaks off, before the window does.
    """
    blocks: list[Float32Array] = []
    try:
        blocks.extend(stream.blocks())
    except BrokenOff:
        if stream.frame_count < view.end:
            raise
    if stream.frame_count < view.end:
        rate_hz = stream.sample_rate_hz
        raise BadAudio(
            f"it lasts {stream.frame_count / rate_hz:,.3f} s, and the window ends at"
            f" {view.end / rate_hz:,.3f} s"
        )
    return Excerpt(view, np.concatenate(blocks), stream.sample_rate_hz)
