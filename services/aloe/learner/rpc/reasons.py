"""Why a clip was picked, as a message and in words."""

from aloe.learner.domain.leases import Reason
from aloe.v1 import labeling_pb2
from aloe.values.strategies import SelectionRule
from aloe.wire import names


def write_reason(
    reason: Reason | None, rule: SelectionRule | None, pool_id: str, nearest_id: str
) -> labeling_pb2.PickReason | None:
    """Write a reason.

    Args:
        reason: what there is besides the score.
        rule: that picked.
        pool_id: of the clip.
        nearest_id: id of the labeled clip that is nearest; empty if there is none any more.
    """
    if reason is None or rule is None:
        return None
    return labeling_pb2.PickReason(
        gain=reason.gain,
        nearest_clip=names.clip_name(pool_id, nearest_id) if nearest_id else "",
        nearest_distance=reason.nearest_distance,
        text=_in_words(reason, rule, nearest_id),
    )


def _in_words(reason: Reason, rule: SelectionRule, nearest_id: str) -> str:
    if reason.gain is None:
        what = f"best by {rule.value}"
    elif rule is SelectionRule.HERDING:
        what = f"covers {reason.gain:.2%} of the pool that nothing labeled does, by what is unsure"
    else:
        what = f"best by {rule.value}, with {reason.gain:.4g}"
    if not nearest_id or reason.nearest_distance is None:
        return f"{what}; nothing is labeled yet" if reason.nearest_row < 0 else what
    return f"{what}; the nearest labeled clip is {nearest_id}, at {reason.nearest_distance:.3g}"
