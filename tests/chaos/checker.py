"""Judges a history by the final state it led to. Pure: the same input gives the same findings."""

from collections.abc import Iterable, Iterator, Sequence

from tests.chaos.evidence import Evidence, gather
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.head_checks import heads_regressed
from tests.chaos.history import FinalTask, Operation
from tests.chaos.label_checks import (
    acknowledged_lost,
    budget_overspent,
    counts_wrong,
    double_labels,
    labels_unexplained,
)
from tests.chaos.lease_checks import asked_again, double_leases, leases_taken_away

_FAULTS_CAUSE = {
    "STORE_UNAVAILABLE",
    "STORE_FULL",
    "ENCODER_UNAVAILABLE",
    "OVERLOADED",
    "LEASE_LOST",
    "HEAD_NOT_TRAINED",
    "HEAD_VERSION_UNKNOWN",
}
"""Reasons that a fault may cause. The last three are judged by lease_checks and head_checks."""


def check(operations: Sequence[Operation], finals: Iterable[FinalTask]) -> list[Finding]:
    """Find every broken promise.

    Args:
        operations: every call of the clients; those on pools concern every task.
        finals: the final state of each task that they called for.

    Returns:
        The findings; empty if every promise was kept.
    """
    findings: list[Finding] = []
    for final in finals:
        evidence = gather(each for each in operations if each.task_id in {final.task_id, ""})
        findings += [
            Finding(each.kind, f"{final.task_id}: {each.text}")
            for each in _check_task(evidence, final)
        ]
    return findings


def _check_task(evidence: Evidence, final: FinalTask) -> Iterator[Finding]:
    yield from acknowledged_lost(evidence, final)
    yield from double_leases(evidence)
    yield from double_labels(evidence)
    yield from asked_again(evidence)
    yield from leases_taken_away(evidence)
    yield from heads_regressed(evidence, final)
    yield from budget_overspent(evidence, final)
    yield from counts_wrong(final)
    yield from labels_unexplained(evidence, final)
    yield from _replays_differ(evidence)
    yield from _refused_wrongly(evidence)


def _replays_differ(evidence: Evidence) -> Iterator[Finding]:
    for request in evidence.requests:
        differ = any(result != request.results[0] for result in request.results[1:])
        if differ or (request.is_acknowledged and "LEASE_LOST" in request.reasons):
            yield Finding(
                FindingKind.REPLAYS_DIFFER,
                f"{request.call} {request.content['request_id']} of {request.oracle_id} was"
                f" answered {[*request.results, *request.reasons]}",
            )


def _refused_wrongly(evidence: Evidence) -> Iterator[Finding]:
    for request in evidence.requests:
        for reason in set(request.reasons) - _FAULTS_CAUSE:
            yield Finding(
                FindingKind.REFUSED_WRONGLY,
                f"{request.call} of {request.oracle_id} at {request.start_s:.3f}: {reason}",
            )
