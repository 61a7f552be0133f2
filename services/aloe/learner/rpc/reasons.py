"""Why a clip was picked, as a message and in words."""

from aloe.learner.domain.leases import Reason
from aloe.v1 import labeling_pb2
from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule
from aloe.wire import names

_ON_GRAPH = {
    AcquisitionFunction.V_OPT: "takes {:.2%} off what is unknown over the pool's graph",
    AcquisitionFunction.SIGMA_OPT: "takes {:.2%} off what is unknown of the sum over the pool's"
    " graph",
    AcquisitionFunction.MODEL_CHANGE: "changes what is known over the pool's graph by {:.4g}, by"
    " how unsure the head is",
    AcquisitionFunction.MCV_OPT: "takes {:.2%} off what is unknown over the pool's graph, by how"
    " unsure the head is",
}


def write_reason(
    reason: Reason | None, strategy: QueryStrategy | None, pool_id: str, nearest_id: str
) -> labeling_pb2.PickReason | None:
    """Write a reason.

    Args:
        reason: what there is besides the score.
        strategy: that picked.
        pool_id: of the clip.
        nearest_id: id of the labeled clip that is nearest; empty if there is none any more.
    """
    if reason is None or strategy is None:
        return None
    what = _what(reason, strategy)
    if nearest_id and reason.nearest_distance is not None:
        what += f"; the nearest labeled clip is {nearest_id}, at {reason.nearest_distance:.3g}"
    elif reason.nearest_row < 0:
        what += "; nothing is labeled yet"
    return labeling_pb2.PickReason(
        gain=reason.gain,
        nearest_clip=names.clip_name(pool_id, nearest_id) if nearest_id else "",
        nearest_distance=reason.nearest_distance,
        text=what,
    )


def _what(reason: Reason, strategy: QueryStrategy) -> str:
    function, rule = strategy.acquisition_function, strategy.selection_rule
    if strategy.is_on_graph and strategy.goes_together:
        if reason.gain is None:
            return "is not on the pool's graph yet"
        return _ON_GRAPH[function].format(reason.gain)
    if reason.gain is None:
        return f"best by {rule.value}"
    if rule is not SelectionRule.HERDING:
        return f"best by {rule.value}, with {reason.gain:.4g}"
    what = f"covers {reason.gain:.2%} of the pool"
    if reason.nearest_row >= 0:
        what += " that no label covers yet, weighted by how unsure the head is there"
    if strategy.is_on_graph:
        what += f" (herding, since the graph for {function.value} takes long for so many clips)"
    return what
