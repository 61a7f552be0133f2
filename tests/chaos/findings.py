"""What the checks may find: one kind for each promise of the learner."""

from dataclasses import dataclass
from enum import Enum


class FindingKind(Enum):
    """The promises, each named by how it is broken."""

    ACKNOWLEDGED_LOST = "acknowledged_lost"
    """An acknowledged answer or clip that the final state does not hold, and no rollback undid."""
    LABELS_MOVED = "labels_moved"
    """A stored answer that its oracle did not give for this clip, but for another."""
    CLIPS_MOVED = "clips_moved"
    """A clip with the name or the vector of another."""
    CLIPS_TWICE = "clips_twice"
    """A clip that is there more than once, or a window that nobody cut out so."""
    DOUBLE_LEASES = "double_leases"
    """A clip held under two leases at the same time."""
    DOUBLE_LABELS = "double_labels"
    """A clip for which answers under two leases were acknowledged."""
    ASKED_AGAIN = "asked_again"
    """A clip that was leased after its answer or its deletion was acknowledged."""
    HEADS_REGRESSED = "heads_regressed"
    """A head version that went down, a round that changed, or a head without promised labels."""
    BUDGET_OVERSPENT = "budget_overspent"
    """More labels than the budget allows."""
    COUNTS_WRONG = "counts_wrong"
    """A task's counts that differ from its export."""
    LABELS_UNEXPLAINED = "labels_unexplained"
    """A stored answer that nobody gave, or of a deleted clip."""
    REPLAYS_DIFFER = "replays_differ"
    """A repeated request that was answered differently."""
    PICKS_DIFFER = "picks_differ"
    """A head or a pick that comes out otherwise when the task's log is done again."""
    REPLICAS_DIFFER = "replicas_differ"
    """Two replicas that report different final states."""
    UNSETTLED = "unsettled"
    """A task that did not come to rest after everything was healed."""
    REFUSED_WRONGLY = "refused_wrongly"
    """A call that failed for a reason that no fault can cause."""
    STUCK = "stuck"
    """A call that outlived its deadline, a learner that did not answer for its health though
    nothing held it up, or that worked on when nobody asked for anything."""
    MEMORY_UNBOUNDED = "memory_unbounded"
    """A learner that grew far beyond what it began with."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise."""

    kind: FindingKind
    text: str
