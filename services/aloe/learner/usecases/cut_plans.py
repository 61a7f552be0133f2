"""What is to be cut out of a recording, less what is there already."""

from collections.abc import Awaitable, Callable, Sequence

from aloe.audio.cutting.grid import Grid, GridPlan
from aloe.audio.cutting.segments import SegmentPlan
from aloe.audio.cutting.sounds import SoundPlan
from aloe.audio.cutting.spans import Plan, exact, frames_of
from aloe.values.cuts import Cut, GridCut, SegmentCut, SoundCut

AreThere = Callable[[Sequence[tuple[int, int]]], Awaitable[list[bool]]]
"""Says which windows are there, by their first frame and the first one behind them."""
_LOOKED_FOR = 1_000
"""Windows at once."""


def field_of_cut(name: str) -> str:
    """Return the field of the request that BadCut names by its own name."""
    field = name.removesuffix("_s")
    if field in ("window", "hop"):
        return f"header.windows.{field}"
    return f"header.segments.{field}" if field.startswith("segments") else f"header.sounds.{field}"


class CutPlan:
    """A cut of one recording."""

    def __init__(self, cut: Cut, sample_rate_hz: int) -> None:
        """Take all that is to be cut out. Raises BadCut, whose field is that of the request."""
        self._cut, self._rate_hz = cut, sample_rate_hz
        self.left_out_count = 0
        """Windows that are there already and are not cut out again."""
        self.first_frame = 0
        """Nothing before it is needed."""
        self._places: Sequence[int] | None = None
        self.plan: Plan = self._make(0)

    @property
    def is_done(self) -> bool:
        """Whether all that was wanted is there, and known to be so."""
        return self._places is not None and not self._places

    async def leave_out(self, are_there: AreThere) -> None:
        """Leave out what is there already, as far as that spares decoding."""
        if isinstance(self._cut, GridCut):
            await self._begin_later(self._grid(self._cut), are_there)
        elif isinstance(self._cut, SegmentCut):
            await self._leave_segments(self._cut, are_there)

    def field(self, number: int) -> str:
        """Return the field of the request that a window is of, by its number in the plan."""
        if isinstance(self._cut, GridCut):
            return field_of_cut("window_s")
        place = self._places[number] if self._places is not None else number
        return field_of_cut(f"segments[{place}].end_s")

    def _make(self, first_number: int) -> Plan:
        match self._cut:
            case GridCut():
                return GridPlan(self._grid(self._cut), first_number)
            case SegmentCut():
                return SegmentPlan(self._rate_hz, self._cut.segments)
            case SoundCut():
                return SoundPlan(self._rate_hz, self._cut)

    def _grid(self, cut: GridCut) -> Grid:
        return Grid.of(self._rate_hz, cut.window_s, cut.hop_s, cut.last_window)

    async def _begin_later(self, grid: Grid, are_there: AreThere) -> None:
        number, step = 0, 1
        while True:
            spans = [grid.span(each) for each in range(number, number + step)]
            there = await are_there([(span.first, span.end) for span in spans])
            if not all(there):
                number += there.index(False)
                break
            number, step = number + step, _LOOKED_FOR
        # One of those that are there is cut out again: where all are, the end would be missed.
        number = max(0, number - 1)
        self.left_out_count, self.first_frame = number, grid.span(number).first
        self.plan = self._make(number)

    async def _leave_segments(self, cut: SegmentCut, are_there: AreThere) -> None:
        spans = [(self._frame(start_s), self._frame(end_s)) for start_s, end_s in cut.segments]
        missing: list[int] = []
        for begin in range(0, len(spans), _LOOKED_FOR):
            there = await are_there(spans[begin : begin + _LOOKED_FOR])
            missing += [begin + place for place, each in enumerate(there) if not each]
        self._places = missing
        self.left_out_count = len(spans) - len(missing)
        self.first_frame = min((spans[place][0] for place in missing), default=0)
        self.plan = SegmentPlan(self._rate_hz, [cut.segments[place] for place in missing])

    def _frame(self, seconds: float) -> int:
        return frames_of(exact(seconds, "segments"), self._rate_hz)
