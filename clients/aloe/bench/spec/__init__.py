"""What an experiment is asked to do: a checked value, its TOML file, the runs it consists of."""

from aloe.bench.spec.encoder_names import encoder_name
from aloe.bench.spec.spec import (
    PAPER_HEAD_RECIPE,
    ClassAwareRandom,
    DatasetSpec,
    ExperimentError,
    MarginOn,
    Reading,
    Spec,
)

__all__ = [
    "PAPER_HEAD_RECIPE",
    "ClassAwareRandom",
    "DatasetSpec",
    "ExperimentError",
    "MarginOn",
    "Reading",
    "Spec",
    "encoder_name",
]
