"""Labeled recordings on disk, by name or by path."""

from aloe.bench.datasets.dataset import Dataset, DatasetError, Recording
from aloe.bench.datasets.loading import load

__all__ = ["Dataset", "DatasetError", "Recording", "load"]
