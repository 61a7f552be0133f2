"""Every selection rule that picks by how clips lie to each other, by name."""

from collections.abc import Callable, Mapping

from aloe.learner.domain.batches.badge import badge
from aloe.learner.domain.batches.bait import bait
from aloe.learner.domain.batches.clustered_margin import clustered_margin
from aloe.learner.domain.batches.herding import herd
from aloe.learner.domain.batches.k_center import k_center
from aloe.learner.domain.batches.k_means import k_means
from aloe.learner.domain.batches.probcover import probcover
from aloe.learner.domain.batches.situation import Picks, Situation
from aloe.learner.domain.batches.typiclust import typiclust
from aloe.values.strategies import SelectionRule

RULES: Mapping[SelectionRule, Callable[[Situation], Picks]] = {
    SelectionRule.HERDING: herd,
    SelectionRule.BADGE: badge,
    SelectionRule.BAIT: bait,
    SelectionRule.TYPICLUST: typiclust,
    SelectionRule.PROBCOVER: probcover,
    SelectionRule.K_MEANS: k_means,
    SelectionRule.K_CENTER: k_center,
    SelectionRule.CLUSTERED_MARGIN: clustered_margin,
}
FROM_REFERENCES = frozenset(
    {SelectionRule.TYPICLUST, SelectionRule.PROBCOVER, SelectionRule.K_CENTER}
)
"""Rules that do not ask what a head is unsure of: their candidates are the references, also where
there is a head. Those of the others are then the best by score."""
_OF_HEADS = frozenset({SelectionRule.BADGE, SelectionRule.BAIT, SelectionRule.CLUSTERED_MARGIN})
"""Without a head these prefer outliers. Their papers begin with clips at random."""


def rule_before_head(rule: SelectionRule) -> SelectionRule:
    """Return the one of RULES that picks in place of `rule`, one of them, until there is a head."""
    return SelectionRule.HERDING if rule in _OF_HEADS else rule
