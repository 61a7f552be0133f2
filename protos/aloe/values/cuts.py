"""What is cut out of a recording to be its windows: a grid, known parts, or its sounds."""

from dataclasses import dataclass
from enum import Enum


class LastWindow(Enum):
    """What becomes of the sound behind the last whole window.

    At least half a window of it makes one, as in BirdNET-Analyzer; less is dropped. It begins where
    the next window would, and there is one at most: what windows cover is not cut out again.
    """

    SHORT = "short"
    """A shorter window: encoders know best what to do with it, as with any short clip."""
    PAD = "pad"
    """A window of full length, with zeros at its end."""
    DROP = "drop"
    """None."""


@dataclass(frozen=True, slots=True)
class GridCut:
    """Windows of one length at a steady distance."""

    window_s: float
    hop_s: float | None = None
    """From one's begin to the next one's; None is the window's length."""
    last_window: LastWindow = LastWindow.SHORT


@dataclass(frozen=True, slots=True)
class SegmentCut:
    """Parts that are known, in any order; they may overlap."""

    segments: tuple[tuple[float, float], ...]
    """The begin and the end of each, in seconds."""


@dataclass(frozen=True, slots=True)
class SoundCut:
    """Sounds between silences; aloe.audio.cutting.sounds has the formulas."""

    on_db: float = 10.0
    """How far above the floor a sound begins."""
    off_db: float = 6.0
    """How far above it a sound goes on."""
    least_dbfs: float = -60.0
    """What is never a sound."""
    min_sound_s: float = 0.1
    """Shorter ones are none."""
    min_silence_s: float = 0.5
    """What ends one."""
    pad_s: float = 0.2
    """What is left on either side."""
    max_sound_s: float = 10.0
    """Longer ones are cut."""


Cut = GridCut | SegmentCut | SoundCut
