"""Oracles and the loop in which they label a task."""

from aloe.oracle.labeling import LabelingReport, LabelingRound, answer_all, label_task
from aloe.oracle.oracles import Oracle, SimulatedOracle

__all__ = [
    "LabelingReport",
    "LabelingRound",
    "Oracle",
    "SimulatedOracle",
    "answer_all",
    "label_task",
]
