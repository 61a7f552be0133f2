"""What becomes of a clip whose content its pool holds already, under another id."""

from enum import Enum


class DuplicateRule(Enum):
    """What an import does with a new id for content that is there."""

    ALIAS = "alias"
    """The id becomes another name of the clip that is there."""
    KEEP = "keep"
    """It becomes a clip of its own, which is asked for and labeled by itself."""
    REFUSE = "refuse"
    """It fails."""
