"""A bound on how many streams of one kind are held at a time; no caller keeps all of them."""

from collections import Counter

from aloe.admission.errors import Overloaded
from aloe.admission.gate import Gate, Place
from aloe.admission.pace import MAX_RETRY_AFTER_S

_MIN_RETRY_S = 1.0
_S_PER_REFUSAL = 0.1
"""So that of those refused about ten come again in a second, however many they are."""


class StreamPlace(Place):
    """A place that a stream holds."""

    __slots__ = ("_caller", "_stream_gate")

    def __init__(self, gate: "StreamGate", caller: str) -> None:
        super().__init__(gate)
        self._stream_gate, self._caller = gate, caller

    def leave(self) -> None:
        """Give it back, if it is held."""
        if self._is_held:
            self._stream_gate.left(self._caller)
        super().leave()


class StreamGate(Gate):
    """Lets in `width` streams; the others are refused, for nobody knows when a stream ends.

    A caller that holds more places than are free gets no other: half of all if it is alone.
    """

    def __init__(self, kind: str, width: int) -> None:
        """Open it.

        Args:
            kind: of streams, a plural for messages.
            width: how many there are at a time.
        """
        super().__init__(kind, width, max_wait_s=0)
        self._held: Counter[str] = Counter()
        """By caller."""
        self._lately_refused = 0
        """Lately: half as many with each stream that ends."""

    def enter_now(self) -> None:
        """Let nobody in who is not known."""

    async def enter(
        self,
        caller: str,
        deadline_s: float | None = None,  # noqa: ARG002 - it is a Gate
    ) -> StreamPlace:
        """Take a place, without a wait.

        Args:
            caller: whose stream it is.
            deadline_s: of no use here.

        Raises:
            Overloaded: none is free, or this caller holds too many.
        """
        free_count, own_count = self.width - self._working_count, self._held[caller]
        if free_count <= 0 or own_count > free_count:
            self._lately_refused += 1
            raise self._full(own_count, free_count)
        self._held[caller] += 1
        self._working_count += 1
        return StreamPlace(self, caller)

    def left(self, caller: str) -> None:
        """Take note that a stream of a caller ends; see StreamPlace."""
        self._lately_refused //= 2
        self._held[caller] -= 1
        if not self._held[caller]:
            del self._held[caller]

    def _full(self, own_count: int, free_count: int) -> Overloaded:
        wait_s = max(_MIN_RETRY_S, self._lately_refused * _S_PER_REFUSAL)
        retry_s = min(wait_s, MAX_RETRY_AFTER_S)
        problem = f"all {self.width:,} places for {self.kind} are taken"
        if free_count > 0:
            problem = (
                f"this caller has {own_count:,} of the {self.width:,} places for {self.kind},"
                f" and the {free_count:,} that are free are for others"
            )
        return Overloaded(f"{problem}: try again in {retry_s:.2f} s", retry_s)
