"""What may be asked to change of a pool's clips, and what becomes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from aloe.values.attributes import Attributes
from aloe.values.duplicates import DuplicateRule


@dataclass(frozen=True, slots=True)
class ImportRules:
    """What an import does with ids and contents that its pool holds already."""

    duplicates: DuplicateRule = DuplicateRule.ALIAS
    replace: bool = False
    """An id that has other content gets the new content; otherwise it is refused."""


class Placing(Enum):
    """What became of a clip that was to be added."""

    ADDED = auto()
    EXISTING = auto()
    """Its id was there with the same content."""
    ALIASED = auto()
    """Its id is another name now of the clip that has the same content."""
    REPLACED = auto()
    """Its id was there with other content, and has this now, in a row of its own."""
    ID_TAKEN = auto()
    """Refused: its id, or one of its other ids, is that of another clip."""
    DUPLICATE = auto()
    """Refused: a clip with the same content is there."""
    TOO_MANY_NAMES = auto()
    """Refused: a clip with the same content is there, and has MAX_OTHER_IDS already."""
    TOO_MANY_ATTRIBUTES = auto()
    """Refused: a clip with the same content is there, and has no room for these besides its own."""


TOOK_A_ROW = (Placing.ADDED, Placing.REPLACED)


@dataclass(frozen=True, slots=True)
class Placement:
    """What became of a clip that was to be added, and the id that it is about."""

    placing: Placing
    clip_id: str
    """ALIASED, DUPLICATE, TOO_MANY_NAMES, TOO_MANY_ATTRIBUTES: of the clip that was there.
    ID_TAKEN: which id. Else empty."""
    is_updated: bool = False
    """EXISTING and ALIASED: whether the clip that was there has other attributes now."""


NEW, EXISTING, REPLACED = (
    Placement(each, "") for each in (Placing.ADDED, Placing.EXISTING, Placing.REPLACED)
)


@dataclass(frozen=True, slots=True)
class Removal:
    """What a deletion did; nothing of it where it was done before."""

    clip_count: int
    """Clips that are gone."""
    name_count: int
    """Other names that clips have lost which are still there."""
    absent_count: int
    """Ids that named none any more before."""


@dataclass(frozen=True, slots=True)
class ClipUpdate:
    """A change to a clip's attributes."""

    clip_id: str
    """Any of its ids."""
    attributes: Attributes
    """To set; others stay."""
    removed: Sequence[str] = ()
    """Names of those to take away."""
    is_import: bool = False
    """By one of its other ids, only those are set that it has not."""


@dataclass(frozen=True, slots=True)
class FoundClip:
    """Where a clip stands in its pool."""

    row: int
    content_hash: str
