"""What clips take of the budget: by their headers before they are decoded, by what they hold after.

A header may say less than there is. What was decoded counts then, and ends a call that has no room
for it; the threads that decode hold no more than a few clips each until these are counted.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from heapq import nlargest

from aloe.admission.budget import Bound, Budget, Hold
from aloe.audio.cost import Cost
from aloe.embedding.audio.clip import Audio, DecodedClip
from aloe.embedding.audio.decode_pool import Clips
from aloe.embedding.domain.errors import InvalidAudio

_BULK_PART = 8
"""Part of the budget that clips of a stream take at a time."""
_LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024
_BYTE_S = 1e-8
"""How long the clips in a byte of a message wait, at a guess."""


class Intake:
    """Takes the clips of calls and streams in, by what they cost. For one event loop."""

    def __init__(self, budget: Budget, *, thread_count: int) -> None:
        """Take the budget of clips, bytes and samples, and how many threads decode."""
        self._budget, self._thread_count = budget, thread_count
        self.byte_total = 0
        """Bytes that were ever taken."""
        # Of its own: streams wait until half of a budget is free, and must not wait for themselves.
        most = max(budget.most("bytes") // 2, _LARGEST_MESSAGE_BYTES)
        self._waiting = Budget({"bytes": Bound(most)}, unit_s={"bytes": _BYTE_S})

    def fault(self, cost: Cost) -> InvalidAudio | None:
        """Return what is wrong with a clip that there can never be room for."""
        for resource, amount in (
            ("bytes", cost.decoded_bytes + cost.working_bytes),
            ("samples", cost.sample_count),
        ):
            if amount > self._budget.most(resource):
                return InvalidAudio(
                    "",
                    f"decoding it takes {amount:,} {resource}; at most"
                    f" {self._budget.most(resource):,} are taken: cut it, or send it with fewer"
                    " channels or at a lower sampling rate",
                )
        return None

    def bulk_count(self, costs: Sequence[Cost]) -> int:
        """Return how many clips of a stream, of the first ones, are to be taken in together."""
        byte_count = sample_count = 0
        for index, cost in enumerate(costs):
            byte_count += cost.decoded_bytes
            sample_count += cost.sample_count
            is_enough = (
                byte_count > self._budget.most("bytes") // _BULK_PART
                or sample_count > self._budget.most("samples") // _BULK_PART
            )
            if is_enough and index:
                return index
        return len(costs)

    @contextmanager
    def message(self, audios: Sequence[Audio]) -> Iterator[None]:
        """Count the clips of a message while they wait to be taken in.

        Raises:
            TooMuch: there are more bytes than may ever wait.
            Overloaded: there are too many of other streams now.
        """
        with self._waiting.enter(bytes=sum(audio.byte_count for audio in audios)):
            yield

    def amounts(self, audios: Sequence[Audio], costs: Sequence[Cost]) -> dict[str, int]:
        """Return what clips take together until they are decoded."""
        byte_count = sum(audio.byte_count for audio in audios) + self._working_bytes(costs)
        byte_count += sum(cost.decoded_bytes for cost in costs)
        self.byte_total += byte_count
        return {
            "bytes": byte_count,
            "samples": sum(cost.sample_count for cost in costs),
        }

    def count(
        self, hold: Hold, costs: Sequence[Cost], clips: Clips, elapsed_s: float, *, is_bulk: bool
    ) -> None:
        """Count some clips of a hold by what was decoded of them.

        Raises:
            TooMuch: they hold more than their headers said, and more than there is.
            Overloaded: they hold more than their headers said, and there is no room for it now.
        """
        decoded = zip(clips, costs, strict=True)
        found = [(clip, cost) for clip, cost in decoded if isinstance(clip, DecodedClip)]
        more_bytes = sum(clip.samples.nbytes for clip, _ in found)
        more_bytes -= sum(cost.decoded_bytes for cost in costs)
        more_samples = sum(max(0, _sample_count(clip) - cost.sample_count) for clip, cost in found)
        if more_bytes < 0:
            self._budget.give_back(hold, bytes=-more_bytes)
        if more_bytes > 0 or more_samples:
            take = self._budget.force if is_bulk else self._budget.grow
            take(hold, bytes=max(0, more_bytes), samples=more_samples)
        sample_count = sum(cost.sample_count for cost in costs)
        if sample_count:
            self._budget.record("samples", sample_count, elapsed_s / self._thread_count)

    def decoded(self, hold: Hold, costs: Sequence[Cost]) -> None:
        """Give back what the clips of a hold took only to be decoded."""
        samples = hold.amounts.get("samples", 0)
        self._budget.give_back(hold, bytes=self._working_bytes(costs), samples=samples)

    def _working_bytes(self, costs: Sequence[Cost]) -> int:
        return sum(nlargest(self._thread_count, (cost.working_bytes for cost in costs)))


def _sample_count(clip: DecodedClip) -> int:
    return round(clip.duration_s * clip.report.sample_rate_hz) * clip.report.channel_count
