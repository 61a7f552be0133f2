"""Parts of a recording that somebody has named, as in a table of annotations."""

from collections.abc import Iterator, Sequence
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

_SLACK_S = Fraction(1, 20)
"""Tables give the end of a recording rounded, and often a little behind it."""
_SHOWN = 5


class SegmentPlan:
    """Cuts out segments in one pass, in whatever order they are given; they may overlap."""

    def __init__(
        self,
        sample_rate_hz: int,
        segments: Sequence[tuple[Seconds, Seconds]],
        max_segment_s: float = DEFAULT_MAX_WINDOW_S,
    ) -> None:
        """Take the begin and end of each, in seconds; a window's number is its place here.

        Raises:
            BadCut: one ends before it begins, holds no sample, or lasts too long.
        """
        self._rate_hz = sample_rate_hz
        spans = [
            _span(number, segment, sample_rate_hz, max_segment_s)
            for number, segment in enumerate(segments)
        ]
        self._waiting = sorted(spans, key=lambda span: (span.first, span.end), reverse=True)
        self._heard = 0

    @property
    def needed_from(self) -> int:
        return self._waiting[-1].first if self._waiting else self._heard

    def hear(self, begin: int, samples: Float32Array) -> Iterator[Span]:
        """Yield the segments that begin in some samples."""
        self._heard = begin + len(samples)
        while self._waiting and self._waiting[-1].first < self._heard:
            yield self._waiting.pop()

    def rest(self, end: int, open_spans: Sequence[Span]) -> Iterator[Span]:
        """Yield segments that end a little behind the recording, up to its end.

        Raises:
            PastEnd: others end behind it.
        """
        slack = frames_of(_SLACK_S, self._rate_hz)
        behind = [span for span in open_spans if span.end > end + slack]
        for span in open_spans:
            if span.end <= end + slack:
                yield Span(span.number, span.first, end)
        behind += reversed(self._waiting)
        if behind:
            shown = ", ".join(self._text(span) for span in behind[:_SHOWN])
            more = f" and {len(behind) - _SHOWN:,} more" if len(behind) > _SHOWN else ""
            raise PastEnd(
                sorted(span.number for span in behind),
                f"it lasts {end / self._rate_hz:,.3f} s; behind that end segments {shown}{more}",
            )

    def _text(self, span: Span) -> str:
        first_s, end_s = span.first / self._rate_hz, span.end / self._rate_hz
        return f"{span.number} ({first_s:,.3f} to {end_s:,.3f} s)"


def _span(
    number: int, segment: tuple[Seconds, Seconds], sample_rate_hz: int, max_segment_s: float
) -> Span:
    start_field, end_field = f"segments[{number}].start_s", f"segments[{number}].end_s"
    start, end = exact(segment[0], start_field), exact(segment[1], end_field)
    if start < 0:
        raise BadCut(start_field, f"{float(start):g} s is before the recording begins")
    span = Span(number, frames_of(start, sample_rate_hz), frames_of(end, sample_rate_hz))
    if span.end <= span.first:
        raise BadCut(
            end_field,
            f"{float(end):g} s leaves no sample behind the start, {float(start):g} s",
        )
    if end - start > max_segment_s:
        raise BadCut(
            end_field, f"lasts {float(end - start):g} s; at most {max_segment_s:g} s are taken"
        )
    return span
