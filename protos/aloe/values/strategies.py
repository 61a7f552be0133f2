"""Which clips are asked first."""

from dataclasses import dataclass
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


class SelectionRule(Enum):
    """How a batch is picked by score."""

    CLASS_AWARE = "class-aware"
    """The best clip of each predicted class in turn."""
    CLASS_AGNOSTIC = "class-agnostic"
    """The best clips, whatever they are predicted to be."""


@dataclass(frozen=True, slots=True)
class QueryStrategy:
    """An acquisition function and a selection rule: which clips are asked first."""

    acquisition_function: AcquisitionFunction = AcquisitionFunction.SMALLEST_MARGIN
    selection_rule: SelectionRule = SelectionRule.CLASS_AWARE


DEFAULT_STRATEGY = QueryStrategy()
