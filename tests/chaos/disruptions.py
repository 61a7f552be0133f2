"""What the saboteur did that undoes what was acknowledged, or shifts when leases end. Pure.

A rollback puts the store back to what it was at an earlier moment. The only rule of allowance: a
call that was under way at any time between that moment and the end of the store it was taken from
may be undone, so that what was acknowledged to it holds no longer than until then. All other calls
bind for ever: what was acknowledged before the snapshot was taken is in it, and what began later is
on top of it.

While a foreign key stands in the place of one of a task's, the store is damaged for it.

Leases end by the clock of the store. When that is set, no lease that was given before is sure to
hold any longer; those given while it is off end by it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

_KINDS = ("rollback", "clock", "damage")


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
class Damage:
    """A foreign key stood in the place of one of a task's, at most from then till then."""

    task_id: str
    from_s: float
    by_s: float


@dataclass(frozen=True, slots=True)
class Disruptions:
    """All of each kind, in their order."""

    rollbacks: tuple[Rollback, ...] = ()
    clock_changes: tuple[ClockChange, ...] = ()
    damages: tuple[Damage, ...] = ()

    @classmethod
    def read(cls, notes: Iterable[Mapping[str, Any]]) -> Self:
        """Pick them from the notes of a history."""
        by_kind: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _KINDS}
        for note in notes:
            if note["kind"] in by_kind:
                by_kind[note["kind"]].append(note["what"])
        return cls(
            tuple(Rollback(**each) for each in by_kind["rollback"]),
            tuple(ClockChange(**each) for each in by_kind["clock"]),
            tuple(Damage(**each) for each in by_kind["damage"]),
        )

    def is_damaged(self, task_id: str, start_s: float, end_s: float) -> bool:
        """Whether the store may have been for a task, at some time between these two.

        Without a task's id: for any, as for a call on a pool, which reaches into its tasks.
        """
        return any(
            task_id in {each.task_id, ""} and each.from_s < end_s and each.by_s > start_s
            for each in self.damages
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
