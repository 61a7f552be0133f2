"""Oracles and the loop in which they label a task."""

from aloe.oracle.behaviours import Abstention, Behaviour, Confusion, Mistake, Noise, Slowness
from aloe.oracle.hardness import hardness_of
from aloe.oracle.labeling import LabelingReport, LabelingRound, label_task
from aloe.oracle.oracles import Oracle, OracleError, TimedOracle
from aloe.oracle.simulated import MajorityOracle, SimulatedOracle
from aloe.oracle.spec import PERFECT, OracleSpec, parse_oracle

__all__ = [
    "PERFECT",
    "Abstention",
    "Behaviour",
    "Confusion",
    "LabelingReport",
    "LabelingRound",
    "MajorityOracle",
    "Mistake",
    "Noise",
    "Oracle",
    "OracleError",
    "OracleSpec",
    "SimulatedOracle",
    "Slowness",
    "TimedOracle",
    "hardness_of",
    "label_task",
    "parse_oracle",
]
