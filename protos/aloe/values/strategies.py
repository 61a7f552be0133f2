"""Which clips are asked first."""

from dataclasses import dataclass, replace
from enum import Enum


class AcquisitionFunction(Enum):
    """Class probabilities to informativeness, highest first; p1 and p2 are the two largest."""

    SMALLEST_MARGIN = "smallest_margin"
    """-(p1 - p2)"""
    LARGEST_MARGIN = "largest_margin"
    """1 - (p1 - smallest p)"""
    LEAST_CONFIDENCE = "least_confidence"
    """1 - p1"""
    ENTROPY = "entropy"
    """-sum p log p, in nats"""
    NORM = "norm"
    """Euclidean distance of p from the one-hot vector of its largest entry."""
    RANDOM = "random"
    """Uniform, seeded."""
    MARGIN_LOGITS = "margin_logits"
    """SMALLEST_MARGIN on logits, as the paper's code has it."""
    INFORMATION_DENSITY = "information_density"
    """Entropy times the mean similarity to the pool."""
    V_OPT = "v_opt"
    """How much a label lowers the variance over the pool's graph."""
    SIGMA_OPT = "sigma_opt"
    """How much a label lowers the variance of the graph's sum."""
    MODEL_CHANGE = "model_change"
    """How much a label changes the model on the pool's graph, times 1 - (p1 - p2)."""
    MCV_OPT = "mcv_opt"
    """V_OPT times 1 - (p1 - p2)."""


class SelectionRule(Enum):
    """How a batch is picked: by score, or by how clips lie to each other."""

    CLASS_AWARE = "class-aware"
    """The best clip of each predicted class in turn."""
    CLASS_AGNOSTIC = "class-agnostic"
    """The best clips, whatever they are predicted to be."""
    HERDING = "herding"
    """Clips that cover what the head is unsure of and no label is near to."""
    BADGE = "badge"
    """Clips drawn far apart by what they would teach the head."""
    BAIT = "bait"
    """Clips that lower the head's variance over the pool most."""
    TYPICLUST = "typiclust"
    """The most typical clip of each cluster without a label, the largest first."""
    PROBCOVER = "probcover"
    """Clips with the most of the pool close by that no label is close to."""
    K_MEANS = "k-means"
    """Clips that lie in the middle of what the head is unsure of."""
    K_CENTER = "k-center"
    """The clip that is farthest from all labels and picks, again and again."""
    CLUSTERED_MARGIN = "clustered-margin"
    """The best clip of each cluster in turn, the smallest cluster first."""


class ClassCombination(Enum):
    """How what is unsure of each class makes a clip's score, in tasks of several labels a clip."""

    MAX = "max"
    """The most unsure class counts: Brinker, "On Active Learning in Multi-label Classification"
    (2006)."""
    MEAN = "mean"
    """All classes count alike, since an answer tells of all: the mean score of Esuli and
    Sebastiani, "Active Learning Strategies for Multi-Label Text Classification" (2009)."""


DEFAULT_COMBINATION = ClassCombination.MEAN
"""On drawn clips of 12 unequal classes its learning curve lies above that of MAX, 8 seeds."""

GRAPH_FUNCTIONS = frozenset(
    {
        AcquisitionFunction.V_OPT,
        AcquisitionFunction.SIGMA_OPT,
        AcquisitionFunction.MODEL_CHANGE,
        AcquisitionFunction.MCV_OPT,
    }
)
"""Functions on the graph of a pool's neighbors, which make batches of their own."""
GRAPH_RULES = frozenset({SelectionRule.CLASS_AWARE, SelectionRule.CLASS_AGNOSTIC})
"""The rules that these go with."""


RULES_OF_SEVERAL = frozenset(
    {
        SelectionRule.CLASS_AWARE,
        SelectionRule.CLASS_AGNOSTIC,
        SelectionRule.HERDING,
        SelectionRule.TYPICLUST,
        SelectionRule.PROBCOVER,
        SelectionRule.K_CENTER,
    }
)
"""The rules that go with several labels a clip: they do without a distribution over classes."""


def rule_beside(function: AcquisitionFunction, usual: SelectionRule) -> SelectionRule:
    """Return the rule where none is said: the usual one, unless the function picks by itself."""
    if function in GRAPH_FUNCTIONS and usual not in GRAPH_RULES:
        return SelectionRule.CLASS_AGNOSTIC
    return usual


@dataclass(frozen=True, slots=True)
class QueryStrategy:
    """An acquisition function and a selection rule: which clips are asked first."""

    acquisition_function: AcquisitionFunction = AcquisitionFunction.SMALLEST_MARGIN
    selection_rule: SelectionRule = SelectionRule.CLASS_AWARE

    @property
    def is_on_graph(self) -> bool:
        """Whether it asks on the graph of a pool's neighbors."""
        return self.acquisition_function in GRAPH_FUNCTIONS

    @property
    def goes_together(self) -> bool:
        """Whether a task can have it."""
        return not self.is_on_graph or self.selection_rule in GRAPH_RULES

    @property
    def goes_with_several(self) -> bool:
        """Whether a task of several labels a clip can have it."""
        return not self.is_on_graph and self.selection_rule in RULES_OF_SEVERAL

    @property
    def without_graph(self) -> "QueryStrategy":
        """What asks in its place where there is no graph: herding; itself if it needs none."""
        return replace(self, selection_rule=SelectionRule.HERDING) if self.is_on_graph else self


PAPER_STRATEGY = QueryStrategy()
