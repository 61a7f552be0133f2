"""Names that production asks for, and the heads that have them."""

from dataclasses import dataclass
from datetime import datetime

from aloe.learner.domain.errors import (
    AlreadyExists,
    HeadVersionUnknown,
    InvalidInput,
    PromotionNotFound,
)

MOST_PROMOTIONS = 100
"""Names that the heads of a task have at a time."""
MOST_EARLIER = 100
"""Heads that had a name before, of those that are remembered with it."""


@dataclass(frozen=True, slots=True)
class PromotedHead:
    """A head that has, or had, a name."""

    version: int
    promote_time: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """A name with the head that has it. Every head that was ever promoted is kept."""

    promotion_id: str
    head: PromotedHead
    earlier: tuple[PromotedHead, ...] = ()
    """Those that had it before, the latest first."""


def head_not_kept(task_id: str, version: int) -> HeadVersionUnknown:
    """Say that a task does not keep a head."""
    return HeadVersionUnknown(
        f"tasks/{task_id} keeps no head {version}: it keeps its last few, and those that were ever"
        " promoted"
    )


def head_exists(task_id: str, version: int) -> AlreadyExists:
    """Refuse a head of a backup."""
    return AlreadyExists(
        f"tasks/{task_id} has another head {version} than this one: restore it into a new task"
    )


def head_promised(task_id: str, version: int) -> AlreadyExists:
    """Refuse a head of a backup that comes after labels."""
    return AlreadyExists(
        f"tasks/{task_id} has labels, of which it trains heads of its own, so that it takes no head"
        f" {version}: restore it into a new task, heads before labels"
    )


def promotion_not_found(task_id: str, promotion_id: str) -> PromotionNotFound:
    """Say that no head of a task has a name."""
    return PromotionNotFound(
        f"no head of tasks/{task_id} is promoted to {promotion_id!r}; `aloe head list {task_id}`"
        " shows the names there are"
    )


def head_version_of(head: str) -> int | None:
    """Return the version that a caller asks for; None where it is a name, 0 for the newest."""
    if not head:
        return 0
    return int(head) if head.isdecimal() and head.isascii() else None


def check_promotion_id(promotion_id: str, field: str) -> str:
    """Return an id that may be given to a head.

    Raises:
        InvalidInput: it could be taken for a version; names `field`.
    """
    if not promotion_id[:1].isalpha():
        raise InvalidInput.of(
            field,
            f"{promotion_id!r} must start with a letter: what starts with a digit is a version",
        )
    return promotion_id
