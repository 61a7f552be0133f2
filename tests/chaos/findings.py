"""What a checker may find: one kind for each promise of the learner."""

from dataclasses import dataclass
from enum import Enum


class FindingKind(Enum):
    """The promises, each named for its breach."""

    ACKNOWLEDGED_LOST = "acknowledged_lost"
    """An acknowledged answer that the final state does not hold."""
    DOUBLE_LEASES = "double_leases"
    """A clip held under two leases at one moment."""
    DOUBLE_LABELS = "double_labels"
    """A clip whose answer was acknowledged to two leases."""
    ASKED_AGAIN = "asked_again"
    """A clip that was leased after its answer was acknowledged."""
    HEADS_REGRESSED = "heads_regressed"
    """A head version that went down, changed, or did not keep what was promised of it."""
    BUDGET_OVERSPENT = "budget_overspent"
    """More labels than the budget allows."""
    COUNTS_WRONG = "counts_wrong"
    """A task's counters that differ from its export."""
    LABELS_UNEXPLAINED = "labels_unexplained"
    """A stored answer that nobody gave."""
    REPLAYS_DIFFER = "replays_differ"
    """A repeated request that was answered in another way."""
    REPLICAS_DIFFER = "replicas_differ"
    """Two replicas that tell different final states."""
    UNSETTLED = "unsettled"
    """A task that did not come to rest when all was healed."""
    REFUSED_WRONGLY = "refused_wrongly"
    """A call that failed for a reason that no fault can cause."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach."""

    kind: FindingKind
    text: str
