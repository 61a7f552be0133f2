"""A window: the part of a recording from its start to its end, and what is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Window:
    """A row of a table of windows. Nothing is checked here: `problems` says what is wrong."""

    recording: str
    """The path of its file, as the table has it."""
    start_s: float
    end_s: float
    label: str | None = None
    """None where nothing is said of it."""
    channel: int | None = None
    """From 1; None where none is chosen."""
    low_hz: float | None = None
    """The lowest frequency of the sound; None where that is not said."""
    high_hz: float | None = None
    probability: float | None = None
    """Of the label, where it is a prediction."""
    more: Mapping[str, str] = field(default_factory=dict)
    """Further cells by column; none is empty."""

    @property
    def key(self) -> tuple[object, ...]:
        """All of it, as a key of a mapping."""
        own = (self.recording, self.start_s, self.end_s, self.label, self.channel)
        more = tuple(sorted(self.more.items()))
        return (*own, self.low_hz, self.high_hz, self.probability, more)
