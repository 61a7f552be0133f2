"""Windows out of blocks that go by."""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

import numpy as np

from aloe.audio.arrays import Float32Array
from aloe.audio.cutting.spans import Plan, Span, Window


def cut(blocks: Iterable[Float32Array], plan: Plan, first_frame: int = 0) -> Iterator[Window]:
    """Yield what a plan cuts out of a recording, as soon as it is there: by end, then by number.

    No more is kept than from the begin of the earliest window that has not ended.

    Args:
        blocks: the recording, (n_samples,) each.
        plan: what to cut out; it is used up.
        first_frame: where the first block begins.

    Raises:
        PastEnd: something that was wanted lies behind the end; all else was yielded before.
    """
    tape = _Tape(first_frame)
    open_spans: list[tuple[int, int, Span]] = []
    for block in blocks:
        for span in plan.hear(tape.end, block):
            heappush(open_spans, (span.end, span.number, span))
        tape.append(block)
        while open_spans and open_spans[0][0] <= tape.end:
            yield tape.window(heappop(open_spans)[2])
        tape.forget(min([plan.needed_from, *(span.first for _, _, span in open_spans)]))
    for span in plan.rest(tape.end, [span for _, _, span in sorted(open_spans)]):
        yield tape.window(span)


class _Tape:
    """The part of a recording that is still needed."""

    def __init__(self, begin: int) -> None:
        self._begin = self.end = begin
        self._blocks: list[Float32Array] = []

    def append(self, block: Float32Array) -> None:
        self._blocks.append(block)
        self.end += len(block)

    def forget(self, frame: int) -> None:
        """Let go of the blocks before a frame."""
        count = 0
        while count < len(self._blocks) and self._begin + len(self._blocks[count]) <= frame:
            self._begin += len(self._blocks[count])
            count += 1
        del self._blocks[:count]

    def window(self, span: Span) -> Window:
        """Cut out what is there."""
        samples = np.zeros(len(span) + span.padding, np.float32)
        begin = self._begin
        for block in self._blocks:
            if begin >= span.end:
                break
            first = max(0, span.first - begin)
            part = block[first : span.end - begin]
            place = begin + first - span.first
            samples[place : place + len(part)] = part
            begin += len(block)
        return Window(span, samples)
