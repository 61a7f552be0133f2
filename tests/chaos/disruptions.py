"""What the saboteur did that undoes what was acknowledged, or shifts when leases end. Pure.

A rollback puts the store back to what it was at an earlier moment. The only rule of allowance: a
call that was under way at any time between that moment and the end of the store it was taken from
may be undone, so that what was acknowledged to it holds no longer than until then. All other calls
bind for ever: what was acknowledged before the snapshot was taken is in it, and what began later is
on top of it.

Leases end by the clock of the store. When that is set, no lease that was given before is sure to
hold any longer; those given while it is off end by it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Rollback:
    """Times of the history's clock."""

    snapshot_s: float
    """Before the copy was made: it holds all that was acknowledged by then."""
    gone_s: float
    """By then what was done since the snapshot was gone."""
    back_s: float
    """By then the older state was served."""

    def may_undo(self, start_s: float, end_s: float) -> bool:
        """Whether what a call did may be gone."""
        return start_s < self.gone_s and end_s > self.snapshot_s


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The store's clock was set at some moment between these two."""

    from_s: float
    by_s: float
    ahead_s: float
    """How far it was ahead of this machine's clock afterwards."""


@dataclass(frozen=True, slots=True)
class Disruptions:
    """All rollbacks and changes of the clock, each in their order."""

    rollbacks: tuple[Rollback, ...] = ()
    clock_changes: tuple[ClockChange, ...] = ()

    @classmethod
    def read(cls, notes: Iterable[Mapping[str, Any]]) -> Self:
        """Pick them from the notes of a history, where `write` has put them."""
        by_kind: dict[str, list[Mapping[str, Any]]] = {"rollback": [], "clock": []}
        for note in notes:
            if note["kind"] in by_kind:
                by_kind[note["kind"]].append(note)
        return cls(
            tuple(
                Rollback(each["snapshot_s"], each["gone_s"], each["back_s"])
                for each in by_kind["rollback"]
            ),
            tuple(
                ClockChange(each["from_s"], each["by_s"], each["ahead_s"])
                for each in by_kind["clock"]
            ),
        )

    def stands_until(self, start_s: float, end_s: float) -> float:
        """Until when what a call did is there for sure; infinite if no rollback may undo it."""
        return min(
            (each.gone_s for each in self.rollbacks if each.may_undo(start_s, end_s)),
            default=math.inf,
        )

    def lease_end(self, start_s: float, expire_s: float) -> float:
        """Until when a lease may run that was asked for then, and told to end at expire_s.

        Args:
            start_s: when the call that gave or renewed it began.
            expire_s: its expire_time as if the clock of the store were right.
        """
        ahead_s = 0.0
        for change in self.clock_changes:
            if change.by_s > start_s:
                return min(change.from_s, expire_s - ahead_s)
            ahead_s = change.ahead_s
        return expire_s - ahead_s


UNDISTURBED = Disruptions()
