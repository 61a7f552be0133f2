"""How a task asks and learns."""

from dataclasses import dataclass
from enum import Enum


class AcquisitionFunction(Enum):
    """Class probabilities to informativeness; p1 and p2 are the two largest."""

    SMALLEST_MARGIN = "margin"
    """-(p1 - p2)"""
    LARGEST_MARGIN = "largest_margin"
    """1 - (p1 - smallest p)"""
    LEAST_CONFIDENCE = "least_confidence"
    """1 - p1"""
    ENTROPY = "entropy"
    """-sum p log p"""
    NORM = "norm"
    """Distance of p from the one-hot vector of its largest entry."""
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
    """Which clips are asked first."""

    acquisition_function: AcquisitionFunction = AcquisitionFunction.SMALLEST_MARGIN
    selection_rule: SelectionRule = SelectionRule.CLASS_AWARE


@dataclass(frozen=True, slots=True)
class AdamRecipe:
    """Mini-batch Adam from a Glorot-uniform start, as in the paper."""

    learning_rate: float = 0.001
    epoch_count: int = 100
    batch_size: int = 32


@dataclass(frozen=True, slots=True)
class LbfgsRecipe:
    """L-BFGS on the mean cross-entropy plus l2_penalty / 2 times the squared weights."""

    l2_penalty: float = 0.001


HeadRecipe = AdamRecipe | LbfgsRecipe
