"""What heads and query strategies of a task read of a clip."""

from enum import Enum


class Representation(Enum):
    """A map of embeddings. All but NONE are fitted on a pool's unlabeled clips, once."""

    NONE = "none"
    """The embedding as the encoder made it."""
    LINEAR = "linear"
    """Signed roots, each dimension brought to the pool's scale, unit length: as many numbers."""
    KERNEL = "kernel"
    """Gaussian kernel features on two views of the embedding, 256 numbers."""
