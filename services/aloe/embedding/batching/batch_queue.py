"""The clips that wait, and which of them run next: the batcher's rules, without threads."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from aloe.embedding.batching.limits import BatchLimits
from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.ports.encoder import Encoder


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


_Key = tuple[int, int]  # id() of the encoder, canonical length
_Entry = tuple[float, int, Waiting]  # when it is due, order of arrival (breaks ties), clip


class BatchQueue:
    """One line per encoder and canonical length. Not thread-safe.

    Next is the fullest line, as large batches cost less a clip; but once a clip is due, its line,
    so that none starves. Within a line the clips due first run first. Clips whose caller has gone
    or whose deadline has passed never run.
    """

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._lines: dict[_Key, list[_Entry]] = {}
        self._arrival_count = 0

    def depths(self) -> Counter[str]:
        """Count the clips that wait, by encoder."""
        depths: Counter[str] = Counter()
        for line in self._lines.values():
            if line:
                depths[line[0][2].encoder.info.encoder_id] += len(line)
        return depths

    def push(self, clip: Waiting) -> None:
        """Let a clip wait."""
        due = min(clip.deadline - self._limits.patience_s, clip.arrival + self._limits.patience_s)
        self._arrival_count += 1
        line = self._lines.setdefault((id(clip.encoder), clip.length), [])
        heapq.heappush(line, (due, self._arrival_count, clip))

    def pop(self, now: float, *, sharer_count: int = 1) -> tuple[Batch | None, list[Waiting]]:
        """Take the next batch, and the clips found on the way whose deadline has passed.

        `sharer_count` threads are idle, this one included: a batch leaves the others their share.
        """
        expired: list[Waiting] = []
        for key, line in list(self._lines.items()):
            self._drop_dead(line, now, expired)
            if not line:
                del self._lines[key]
        if not self._lines:
            return None, expired
        key, line = self._next_line(now)
        taken: list[_Entry] = []
        part = max(self._limits.sizes[0], -(-len(line) // sharer_count))
        while line and len(taken) < min(part, self._limits.sizes[-1]):
            taken.append(heapq.heappop(line))
            self._drop_dead(line, now, expired)
        row_count = self._limits.row_count(len(taken), key[1])
        for entry in taken[row_count:]:
            heapq.heappush(line, entry)
        return Batch([clip for _, _, clip in taken[:row_count]], row_count), expired

    def _next_line(self, now: float) -> tuple[_Key, list[_Entry]]:
        first = min(self._lines.items(), key=lambda item: item[1][0][:2])
        if first[1][0][0] <= now:
            return first
        return max(self._lines.items(), key=lambda item: (len(item[1]), -item[1][0][0]))

    def clear(self) -> list[Waiting]:
        """Take out everything."""
        clips = [clip for line in self._lines.values() for _, _, clip in line]
        self._lines.clear()
        return clips

    @staticmethod
    def _drop_dead(line: list[_Entry], now: float, expired: list[Waiting]) -> None:
        """Remove expired and abandoned clips from the front of a line."""
        while line:
            clip = line[0][2]
            if clip.deadline <= now:
                expired.append(clip)
            elif not clip.future.done():
                return
            heapq.heappop(line)
