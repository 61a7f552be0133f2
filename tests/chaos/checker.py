"""Judges a history by the final state it led to. Pure: the same input gives the same findings."""

from collections.abc import Iterable, Iterator, Sequence

from tests.chaos.disruptions import UNDISTURBED, Disruptions
from tests.chaos.evidence import Evidence, gather
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.head_checks import heads_regressed
from tests.chaos.history import FinalTask, Operation, Outcome
from tests.chaos.label_checks import (
    acknowledged_lost,
    budget_overspent,
    counts_wrong,
    double_labels,
    labels_unexplained,
    taken_back,
)
from tests.chaos.labels import names_of, read_label
from tests.chaos.lease_checks import asked_again, double_leases, leases_taken_away
from tests.chaos.meanings import Meanings
from tests.chaos.requests import Request

from aloe.client import ClassState

FAULTS_CAUSE = {
    "STORE_UNAVAILABLE",
    "STORE_FULL",
    "ENCODER_UNAVAILABLE",
    "OVERLOADED",
    "LEASE_LOST",
    "HEAD_NOT_TRAINED",
    "HEAD_VERSION_UNKNOWN",
}
"""Reasons that a fault may cause. The last three are judged by lease_checks and head_checks."""


def check(
    operations: Sequence[Operation],
    finals: Iterable[FinalTask],
    disruptions: Disruptions = UNDISTURBED,
) -> list[Finding]:
    """Find every broken promise to those who work on tasks.

    Args:
        operations: every call of the clients; those on pools concern every task.
        finals: the final state of each task that they called for.
        disruptions: what excuses some of them.

    Returns:
        The findings; empty if every promise was kept.
    """
    findings: list[Finding] = []
    for final in finals:
        evidence = _gather(operations, final, disruptions)
        findings += [
            Finding(each.kind, f"{final.task_id}: {each.text}")
            for each in _check_task(evidence, final)
        ]
    return findings


def count_taken_back(
    operations: Sequence[Operation], finals: Iterable[FinalTask], disruptions: Disruptions
) -> int:
    """How many leases there are whose acknowledged answers a rollback undid."""
    return sum(
        sum(1 for _ in taken_back(_gather(operations, final, disruptions), final))
        for final in finals
    )


def _gather(
    operations: Iterable[Operation], final: FinalTask, disruptions: Disruptions
) -> Evidence:
    return gather((each for each in operations if each.task_id in {final.task_id, ""}), disruptions)


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
    yield from _picks_differ(final)
    yield from _refused_wrongly(evidence, Meanings(evidence.requests, final))


def _picks_differ(final: FinalTask) -> Iterator[Finding]:
    """Find heads and picks that the log does not tell: also of what a rollback left of it."""
    return (Finding(FindingKind.PICKS_DIFFER, text) for text in final.differing_picks)


def _replays_differ(evidence: Evidence) -> Iterator[Finding]:
    """Find requests that were answered differently; not across a rollback that may have undone one.

    A request that is only refused after it was acknowledged was answered differently as well.
    """
    for request in evidence.requests:
        if any(
            _differs(earlier, later)
            for earlier in request.acknowledged
            for later in request.calls
            if earlier.end_s <= later.start_s
            if later.end_s <= evidence.disruptions.stands_until(earlier.start_s, earlier.end_s)
        ):
            yield Finding(
                FindingKind.REPLAYS_DIFFER,
                f"{request.call} {request.content['request_id']} of {request.oracle_id} was"
                f" answered {[*request.results, *request.reasons]}",
            )


def _differs(earlier: Operation, later: Operation) -> bool:
    if later.outcome is Outcome.ACKNOWLEDGED:
        return later.result != earlier.result
    return later.reason == "LEASE_LOST"


def _refused_wrongly(evidence: Evidence, meanings: Meanings) -> Iterator[Finding]:
    for request in evidence.requests:
        wrong = {
            call.reason
            for call in request.calls
            if call.reason
            and call.task_id
            and call.reason not in FAULTS_CAUSE
            and not _is_unknown_by_rollback(evidence, request, call)
            and not call.is_behind_classes
            and not _names_retired(meanings, call)
            and not is_of_damage(call, evidence.disruptions)
        }
        for reason in wrong:
            yield Finding(
                FindingKind.REFUSED_WRONGLY,
                f"{request.call} of {request.oracle_id} at {request.start_s:.3f}: {reason}",
            )


def _names_retired(meanings: Meanings, call: Operation) -> bool:
    """Whether an answer was refused for a class that may have been retired meanwhile."""
    return (call.call, call.reason) == ("submit_labels", "INVALID_INPUT") and any(
        meanings.may_be(ClassState.RETIRED, name, call.start_s, call.end_s)
        for _, label in call.request["answers"]
        for name in names_of(read_label(label))
    )


def _is_unknown_by_rollback(evidence: Evidence, request: Request, call: Operation) -> bool:
    """Whether a lease that the call names may be unknown, since a rollback may have undone it."""
    return call.reason == "INVALID_INPUT" and any(
        evidence.leases[lease_id].known_until_s < call.end_s for lease_id in request.lease_ids
    )


def is_of_damage(call: Operation, disruptions: Disruptions) -> bool:
    """Whether a call was refused for a foreign key that stood in the store meanwhile."""
    return call.reason == "STORE_DAMAGED" and disruptions.is_damaged(
        call.task_id, call.start_s, call.end_s
    )
