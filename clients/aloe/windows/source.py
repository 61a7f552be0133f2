"""What may be said of a file of windows before it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """A file of windows, and how to read it."""

    file: Path
    recording: str = ""
    """What it is about, where it does not say so itself: always with label tracks and TextGrids."""
    encoding: str | None = None
    """By default what it seems to be."""
    label_column: str = ""
    """Of a table; by default `label`, and in one of Raven what is usual there."""
    tiers: Sequence[str] = ()
    """Of a TextGrid, those to read; by default all."""
    point_length_s: float | None = None
    """How long the windows are to be around points, which have no length; else points are wrong."""
