"""Checks that heads only ever get newer, and contain the labels that they were promised to.

What a call was told that a rollback may have undone binds only calls that ended before that.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.chaos.evidence import Evidence
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.history import RETRACTED, FinalTask, Operation
from tests.chaos.labels import names_of
from tests.chaos.meanings import Meanings
from tests.chaos.requests import Request

from aloe.client import ClassState

_LAG_S = {"query": 0.0, "predict": 0.1, "get_task": 0.0}
"""Calls that return a head version, and how long a newer head may take to reach the replica."""
_PROMISING = {"submit_labels": 0.0, "import_labels": 0.0, "change_classes": 0.0}
"""Likewise, of those that promise one."""


@dataclass(frozen=True, slots=True)
class _Sight:
    """A head version that a request saw."""

    start_s: float
    end_s: float
    until_s: float
    """How long it binds others."""
    version: int


def heads_regressed(evidence: Evidence, final: FinalTask) -> Iterator[Finding]:
    """Find head versions that went down, promises about heads not kept, and rounds that changed."""
    for text in (
        *_went_down(evidence, final),
        *_promises_broken(evidence, final),
        *_waits_betrayed(evidence),
        *_rounds_changed(evidence, final),
    ):
        yield Finding(FindingKind.HEADS_REGRESSED, text)


def _went_down(evidence: Evidence, final: FinalTask) -> Iterator[str]:
    """Find requests that saw an older version than anyone had seen before they began."""
    seen = [
        _Sight(
            request.start_s - lag_s,
            call.end_s,
            _binds_until(evidence, request, lag_s),
            call.result["head_version"],
        )
        for call_name, lag_s in _LAG_S.items()
        for request in evidence.of(call_name)
        # A repeated query answers with the head of its first.
        for call in request.acknowledged[:1]
    ]
    seen.append(_Sight(math.inf, math.inf, math.inf, final.head_version))
    # By how long they bind, a list of ends and of the newest version seen by then.
    ages: dict[float, tuple[list[float], list[int]]] = {}
    for sight in sorted(seen, key=lambda each: each.end_s):
        ends, newest = ages.setdefault(sight.until_s, ([], []))
        ends.append(sight.end_s)
        newest.append(max(sight.version, newest[-1] if newest else 0))
    for sight in sorted(seen, key=lambda each: each.start_s):
        before = max(
            [0, *newest][bisect_left(ends, sight.start_s)]
            for until_s, (ends, newest) in ages.items()
            if until_s >= sight.end_s
        )
        if sight.version < before:
            yield f"head {sight.version} was seen from {sight.start_s:.3f} on, after head {before}"


def _promises_broken(evidence: Evidence, final: FinalTask) -> Iterator[str]:
    """Find promised heads that never came, or were trained on fewer labels than were sure by then.

    Labels are sure if they were acknowledged before the promising submission began: seed labels,
    and answers, except under leases that ever abstained or retracted, which takes a label back, or
    named a class that was ever retired, which trains no head, and of clips that were deleted.
    Neither labels nor promises count that a rollback may have undone.
    """
    sure_from = sorted(_sure_label_times(evidence, Meanings(evidence.requests, final)))
    for request in (*evidence.of("submit_labels"), *evidence.of("change_classes")):
        promised = request.results[0]["head_version"] if request.is_acknowledged else None
        if promised is None or request.until_s < math.inf:
            continue
        if promised not in final.rounds or final.head_version < promised:
            yield f"head {promised}, promised at {request.end_s:.3f}, never came"
            continue
        sure_count = bisect_right(sure_from, request.start_s)
        if final.rounds[promised] < sure_count:
            yield (
                f"head {promised}, promised at {request.end_s:.3f}, was trained on"
                f" {final.rounds[promised]} labels of at least {sure_count}"
            )


def _sure_label_times(evidence: Evidence, meanings: Meanings) -> Iterator[float]:
    for lease_id, answers in evidence.answers.items():
        if evidence.leases[lease_id].content in evidence.deletions:
            continue
        kept = [answer.end_s for answer in answers if answer.is_kept]
        names = {name for answer in answers for name in names_of(answer.label)}
        if any(meanings.is_ever(ClassState.RETIRED, name) for name in names):
            continue
        if kept and all(answer.label not in (None, RETRACTED) for answer in answers):
            yield min(kept)
    for request in evidence.of("import_labels"):
        if request.until_s == math.inf:
            yield from (
                request.end_s
                for clip_id, _ in request.content["labels"]
                if evidence.naming.contents_of(clip_id).isdisjoint(evidence.deletions)
            )


def _waits_betrayed(evidence: Evidence) -> Iterator[str]:
    """Find requests that waited for a promised head and got an older one, or a refusal.

    Clients wait only for versions that they were promised.
    """
    for call in ("query", "predict"):
        for request in evidence.of(call):
            wanted = request.content["min_head_version"]
            for each in request.calls:
                went_back = any(
                    rollback.gone_s < each.end_s for rollback in evidence.disruptions.rollbacks
                )
                is_promised = _any_told(evidence, _PROMISING, wanted, each)
                is_older = each.result.get("head_version", wanted) < wanted
                if is_older and (is_promised or not went_back):
                    yield f"{call} of {each.start_s:.3f} asked for head {wanted} and got an older"
                if is_promised and each.reason == "HEAD_VERSION_UNKNOWN":
                    yield f"{call} of {each.start_s:.3f} was told that head {wanted} never comes"
                if each.reason == "HEAD_NOT_TRAINED" and _any_told(evidence, _LAG_S, 1, each):
                    yield f"{call} of {each.start_s:.3f} found no head, though one had been seen"


def _any_told(
    evidence: Evidence, calls: Mapping[str, float], version: int, later: Operation
) -> bool:
    """Whether a call was told such a version or a newer one before, and it binds the later one."""
    return any(
        (result["head_version"] or 0) >= version
        for call, lag_s in calls.items()
        for earlier in evidence.of(call)
        if earlier.end_s < later.start_s and later.end_s <= _binds_until(evidence, earlier, lag_s)
        for result in earlier.results
    )


def _binds_until(evidence: Evidence, earlier: Request, lag_s: float) -> float:
    """Return how long it holds what a request was told.

    Who may be told of a moment ago may be told of what a rollback has just undone.
    """
    return evidence.disruptions.stands_until(earlier.start_s - lag_s, earlier.end_s)


def _rounds_changed(evidence: Evidence, final: FinalTask) -> Iterator[str]:
    """Find rounds that are missing, or were once seen with another label count."""
    missing = set(range(1, final.head_version + 1)) ^ set(final.rounds)
    if missing:
        yield f"rounds {sorted(missing)} are missing or past the newest head"
    for request in evidence.of("list_rounds"):
        if request.until_s < math.inf:
            continue
        for result in request.results:
            for version, label_count in result["rounds"]:
                if final.rounds.get(version) != label_count:
                    yield (
                        f"round {version} was seen with {label_count} labels at"
                        f" {request.end_s:.3f} and has {final.rounds.get(version)}"
                    )
