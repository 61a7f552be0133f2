"""Labels at points, which have no length: the windows around them."""

from dataclasses import replace

from aloe.tables import number_text
from aloe.windows.checks import Found
from aloe.windows.source import Source
from aloe.windows.window import Window


def at_point(number: int, point: Window, source: Source, end_s: float | None) -> Found:
    """Return the window around a point, as far as the recording goes.

    Args:
        number: of the row.
        point: starts where it ends.
        source: says how long windows around points are, or that there are none.
        end_s: of the recording, if that is known.
    """
    if source.point_length_s is None:
        at = number_text(point.start_s)
        problem = f"a point at {at} s has no length; say how long the windows around points are"
        return Found(number, None, (problem,))
    half_s = source.point_length_s / 2
    start_s, end_of_window_s = max(0.0, point.start_s - half_s), point.end_s + half_s
    if end_s is not None and point.end_s <= end_s:
        end_of_window_s = min(end_s, end_of_window_s)
    return Found(number, replace(point, start_s=start_s, end_s=end_of_window_s))
