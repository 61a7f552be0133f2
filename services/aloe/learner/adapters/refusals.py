"""What a store refuses: each refusal and its words, once for every adapter."""

from collections.abc import Sequence

from aloe.learner.domain.errors import (
    AlreadyExists,
    ClassesChanged,
    ClipNotFound,
    InvalidInput,
    LeaseLost,
    PoolInUse,
    PoolNotFound,
    RecordingNotFound,
    StoreWentBack,
    TaskChanged,
    TaskNotFound,
    Violation,
)
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.promotions import MOST_PROMOTIONS
from aloe.learner.domain.windows import Recording

ANSWERS, LEASE_IDS = "answers[{}].lease_id", "lease_ids[{}]"
"""The fields in which a request names its leases."""
_MOST_SHOWN = 10
MOST_CONFLICTS_SHOWN = 20


def pool_not_found(pool_id: str) -> PoolNotFound:
    return PoolNotFound(f"there is no pools/{pool_id}")


def pool_deleted(pool_id: str) -> PoolNotFound:
    """Refuse a Pool that was read before; it may have been made anew since."""
    return PoolNotFound(f"pools/{pool_id} was deleted")


def pool_went_back(pool_id: str) -> StoreWentBack:
    return StoreWentBack(
        f"the store went back to an earlier state of pools/{pool_id} than was seen of it; what came"
        " after that is lost"
    )


def log_went_back(task_id: str) -> StoreWentBack:
    return StoreWentBack(
        f"the store went back to an earlier state of tasks/{task_id} than was seen of it; what came"
        " after that is lost"
    )


def pool_id_taken(stored: Pool) -> AlreadyExists:
    return AlreadyExists(
        f"pools/{stored.pool_id} exists with encoder {stored.encoder.encoder_id!r}"
        f" ({stored.encoder.fingerprint}) and {'' if stored.keep_audio else 'without '}kept audio;"
        " choose another id or delete it"
    )


def recording_id_taken(pool_id: str, recording: Recording) -> AlreadyExists:
    return AlreadyExists(
        f"pools/{pool_id}/recordings/{recording.recording_id} exists with other content than"
        f" {recording.content_hash}; choose another id, or delete that one with its windows"
    )


def recording_deleted(pool_id: str, recording_id: str) -> RecordingNotFound:
    return RecordingNotFound(
        f"pools/{pool_id}/recordings/{recording_id} was deleted meanwhile; import it again to have"
        " its windows"
    )


def pool_in_use(pool_id: str, task_ids: Sequence[str]) -> PoolInUse:
    users = ", ".join(f"tasks/{task_id}" for task_id in task_ids[:_MOST_SHOWN])
    more = ", ..." if len(task_ids) > _MOST_SHOWN else ""
    return PoolInUse(f"pools/{pool_id} is used by {users}{more}; delete the tasks first")


def task_not_found(task_id: str) -> TaskNotFound:
    return TaskNotFound(f"there is no tasks/{task_id}")


def task_id_taken(task_id: str) -> AlreadyExists:
    return AlreadyExists(
        f"tasks/{task_id} exists with other settings; choose another id, update it or delete it"
    )


def task_made_anew(task_id: str) -> TaskChanged:
    return TaskChanged(f"tasks/{task_id} was deleted and made anew meanwhile; read it again")


def task_updated(task_id: str) -> TaskChanged:
    return TaskChanged(f"tasks/{task_id} was updated by another meanwhile; read it again")


def classes_changed(task_id: str) -> ClassesChanged:
    return ClassesChanged(
        f"the classes of tasks/{task_id} were changed by another meanwhile; read it again"
    )


def too_many_promotions(task_id: str) -> InvalidInput:
    return InvalidInput.of(
        "promotion_id",
        f"heads of tasks/{task_id} have {MOST_PROMOTIONS} names already; demote one first",
    )


def wrong_leases(
    unknown: Sequence[int], foreign: Sequence[int], fields: str
) -> InvalidInput | LeaseLost:
    """Refuse leases by their places in the request, `fields` naming where those are.

    Those that are merely unknown may have been there: the store may have forgotten or lost them.
    """
    if not foreign:
        return leases_lost([], fields, unknown=unknown)
    reasons = dict.fromkeys(unknown, "no lease of this task has that id")
    reasons |= dict.fromkeys(foreign, "this lease is another oracle's")
    return InvalidInput(
        *(Violation(fields.format(place), reason) for place, reason in sorted(reasons.items()))
    )


def leases_lost(
    lost: Sequence[int],
    fields: str,
    retired: Sequence[int] = (),
    unknown: Sequence[int] = (),
) -> LeaseLost:
    """Refuse leases by their places in the request, `fields` naming where those are.

    Those of `retired` are lost since their clips are.
    """
    reasons = {
        "no lease of this task has that id, or it ended long ago, or the store lost it when it went"
        " back to an earlier state": unknown,
        "the clip was deleted or replaced by other content meanwhile": retired,
        "the clip has gone to another oracle or is labeled already, or its place in the label"
        " budget has": lost,
    }
    texts = [
        f"{', '.join(fields.format(place) for place in places[:_MOST_SHOWN])}"
        f"{f' and {len(places) - _MOST_SHOWN:,} more' if len(places) > _MOST_SHOWN else ''}"
        f": {reason}"
        for reason, places in reasons.items()
        if places
    ]
    return LeaseLost(f"{'; '.join(texts)}; leave it out and send the rest")


def rows_retired(task_id: str) -> ClipNotFound:
    return ClipNotFound(
        f"clips were deleted or replaced while labels of tasks/{task_id} were imported; nothing was"
        " stored; import them again"
    )
