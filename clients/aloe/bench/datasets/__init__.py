"""Labeled recordings or embeddings on disk, by name or by path."""

from aloe.bench.datasets.dataset import Dataset, Embeddings
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.loading import NAMES, load
from aloe.bench.datasets.recording import Recording

__all__ = ["NAMES", "Dataset", "DatasetError", "Embeddings", "Recording", "load"]
