"""What waits for the encoders, and which of it runs next: the batcher's rules, without threads."""

import asyncio
import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from aloe.embedding.encoder import Encoder
from aloe.embedding.length_policy import Float32Array
from aloe.embedding.limits import BatchLimits


@dataclass(frozen=True, slots=True)
class Embedded:
    """A clip's embedding, and what it took."""

    embedding: Float32Array
    """(embedding_dim,)"""
    queue_s: float
    inference_s: float


@dataclass(slots=True, eq=False)
class Waiting:
    """A clip that waits for its encoder."""

    encoder: Encoder
    samples: Float32Array
    """(n_samples,) as decoded"""
    length: int
    """Canonical length, to which the samples are brought when they run."""
    arrival: float
    deadline: float
    """On the batcher's clock; infinite for none."""
    future: asyncio.Future[Embedded] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """Clips that run together."""

    clips: Sequence[Waiting]
    row_count: int
    """At least the number of clips; the rows beyond them are padding."""


_Key = tuple[int, int]  # which encoder, canonical length


class BatchQueue:
    """One line per encoder and canonical length. Not thread-safe.

    Next is the line whose first clip is due first, so no length starves another; within a line, the
    clips due first. Clips whose caller has gone or whose deadline has passed never run.
    """

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._lines: dict[_Key, list[tuple[float, int, Waiting]]] = {}
        self._arrival_count = 0

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def push(self, clip: Waiting) -> None:
        """Let a clip wait."""
        due = min(clip.deadline, clip.arrival + self._limits.patience_s)
        self._arrival_count += 1
        line = self._lines.setdefault((id(clip.encoder), clip.length), [])
        # The arrival number breaks ties in favour of who came first.
        heapq.heappush(line, (due, self._arrival_count, clip))

    def pop(self, now: float) -> tuple[Batch | None, list[Waiting]]:
        """Take the next batch, and the clips found on the way whose deadline has passed."""
        expired: list[Waiting] = []
        for key in list(self._lines):
            self._drop_dead(key, now, expired)
        if not self._lines:
            return None, expired
        key = min(self._lines, key=lambda key: self._lines[key][0][:2])
        max_row_count = self._limits.max_row_count(key[1])
        clips: list[Waiting] = []
        while key in self._lines and len(clips) < max_row_count:
            clips.append(heapq.heappop(self._lines[key])[2])
            self._drop_dead(key, now, expired)
        return Batch(clips, self._limits.padded_row_count(len(clips))), expired

    def clear(self) -> list[Waiting]:
        """Take out everything."""
        clips = [clip for line in self._lines.values() for _, _, clip in line]
        self._lines.clear()
        return clips

    def _drop_dead(self, key: _Key, now: float, expired: list[Waiting]) -> None:
        """Remove what need not run from the front of a line, and the line when it is empty."""
        line = self._lines[key]
        while line:
            clip = line[0][2]
            if clip.deadline <= now:
                expired.append(clip)
            elif not clip.future.done():
                return
            heapq.heappop(line)
        del self._lines[key]
