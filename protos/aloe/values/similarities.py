"""How alike two embeddings are."""

from enum import Enum


class Similarity(Enum):
    """What is compared; higher is more alike."""

    COSINE = "cosine"
    """The cosine of the angle between them."""
    DOT = "dot"
    """Their inner product."""
