"""Windows of one recording that lie near each other are not asked at a time.

Picks are gone through in their order: one that is near an earlier one, or near a clip that was
leased when they were ranked, is passed over. That follows from the ranking and the log alone.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.clips import PoolClips
from aloe.learner.domain.events import TaskView
from aloe.learner.domain.leases import Pick
from aloe.learner.domain.windows import Window
from aloe.learner.usecases.orders import Ranked
from aloe.values.states import ClipState


def spaced(ranked: Ranked, view: TaskView, pool: CachedPool, spacing: timedelta) -> Ranked:
    """Leave out the picks that lie too near others.

    Args:
        ranked: the picks.
        view: the task's, as of the event that the ranking rests on, or later.
        pool: the task's.
        spacing: how far apart windows of one recording are to be; those that overlap never are.
    """
    kept: list[Pick] = []
    windows = [pool.clips.window(pick.row) for pick in ranked.picks]
    if not any(windows):
        return ranked
    if view.last_event_id != ranked.basis.event_id:  # The task went on meanwhile.
        view = view.at(ranked.basis.event_id) or view
    taken = _Taken(spacing.total_seconds())
    taken.add(_leased(view, pool.clips, pool.row_count))
    for pick, window in zip(ranked.picks, windows, strict=True):
        if window is None:
            kept.append(pick)
        elif not taken.is_near(window):
            taken.add([window])
            kept.append(pick)
    return replace(ranked, picks=kept, passed_over=len(ranked.picks) - len(kept))


def _leased(view: TaskView, clips: PoolClips, row_count: int) -> Iterable[Window]:
    rows = view.rows_in(ClipState.LEASED)
    windows = (clips.window(row) for row in rows[rows < row_count].tolist())
    return (window for window in windows if window is not None)


class _Taken:
    """Windows that others must not be near."""

    def __init__(self, spacing_s: float) -> None:
        self._spacing_s = spacing_s
        self._windows: defaultdict[str, list[Window]] = defaultdict(list)

    def add(self, windows: Iterable[Window]) -> None:
        for window in windows:
            self._windows[window.recording_id].append(window)

    def is_near(self, window: Window) -> bool:
        others = self._windows[window.recording_id]
        return any(window.is_near(other, self._spacing_s) for other in others)
