"""Windows of one length at a steady distance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from aloe.audio.arrays import Float32Array
from aloe.audio.cutting.spans import (
    DEFAULT_MAX_WINDOW_S,
    BadCut,
    PastEnd,
    Seconds,
    Span,
    exact,
    frames_of,
)
from aloe.values.cuts import LastWindow


@dataclass(frozen=True, slots=True)
class Grid:
    """Window k begins at frame round(k * hop_s * rate) and lasts round(window_s * rate) frames."""

    sample_rate_hz: int
    window_s: Fraction
    hop_s: Fraction
    last_window: LastWindow = LastWindow.SHORT

    @classmethod
    def of(
        cls,
        sample_rate_hz: int,
        window_s: Seconds,
        hop_s: Seconds | None = None,
        last_window: LastWindow = LastWindow.SHORT,
        max_window_s: float = DEFAULT_MAX_WINDOW_S,
    ) -> "Grid":
        """Make a grid; without a hop, windows follow each other without a gap.

        Raises:
            BadCut: the window or the hop is shorter than a sample, or the window too long.
        """
        window = exact(window_s, "window_s")
        hop = window if hop_s is None else exact(hop_s, "hop_s")
        for field, seconds in (("window_s", window), ("hop_s", hop)):
            if seconds * sample_rate_hz < 1:
                raise BadCut(
                    field,
                    f"{float(seconds):g} s is less than a sample at {sample_rate_hz:,} Hz; give a"
                    " longer time",
                )
        if window > max_window_s:
            raise BadCut("window_s", f"{float(window):g} s; at most {max_window_s:g} s are taken")
        return cls(sample_rate_hz, window, hop, last_window)

    @property
    def window_frames(self) -> int:
        return frames_of(self.window_s, self.sample_rate_hz)

    def span(self, number: int) -> Span:
        """Return a whole window."""
        first = frames_of(number * self.hop_s, self.sample_rate_hz)
        return Span(number, first, first + self.window_frames)

    def whole_count(self, frame_count: int) -> int:
        """Return how many whole windows a recording holds."""
        if frame_count < self.window_frames:
            return 0
        count = int((frame_count - self.window_frames) / (self.hop_s * self.sample_rate_hz)) + 1
        while self.span(count).end <= frame_count:  # begins are rounded
            count += 1
        while self.span(count - 1).end > frame_count:
            count -= 1
        return count

    def partial_span(self, frame_count: int) -> Span | None:
        """Return what is cut out behind the last whole window of a recording that has one."""
        number = self.whole_count(frame_count)
        span = self.span(number)
        length = frame_count - span.first
        is_covered = self.span(number - 1).end >= frame_count
        if is_covered or self.last_window is LastWindow.DROP or 2 * length < self.window_frames:
            return None
        is_padded = self.last_window is LastWindow.PAD
        return Span(number, span.first, frame_count, is_padded * (len(span) - length))

    def count(self, frame_count: int) -> int:
        """Return how many windows a recording is cut into; 0 if it is shorter than one."""
        whole_count = self.whole_count(frame_count)
        return whole_count and whole_count + (self.partial_span(frame_count) is not None)


class GridPlan:
    """Cuts out the windows of a grid."""

    def __init__(self, grid: Grid, first_number: int = 0) -> None:
        """Begin with a window, as where an import goes on."""
        self._grid, self._first_number = grid, first_number
        self._next = grid.span(first_number)

    @property
    def needed_from(self) -> int:
        return self._next.first

    def hear(self, begin: int, samples: Float32Array) -> Iterator[Span]:
        """Yield the windows that begin in some samples."""
        while self._next.first < begin + len(samples):
            yield self._next
            self._next = self._grid.span(self._next.number + 1)

    def rest(self, end: int, _open_spans: Sequence[Span]) -> Iterator[Span]:
        """Yield what is left behind the last whole window.

        Raises:
            PastEnd: the recording is shorter than a window.
        """
        if not self._grid.whole_count(end):
            rate_hz = self._grid.sample_rate_hz
            raise PastEnd(
                [0],
                f"it lasts {end / rate_hz:,.3f} s, less than a window of"
                f" {float(self._grid.window_s):g} s: give a shorter window",
            )
        last = self._grid.partial_span(end)
        if last and last.number >= self._first_number:
            yield last
