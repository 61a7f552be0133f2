"""Checks that heads only ever get newer, and contain the labels that they were promised to."""

import math
from bisect import bisect_right
from collections.abc import Iterator

from tests.chaos.evidence import Evidence, Request
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.history import RETRACTED, FinalTask

_LAG_S = {"query": 0.0, "predict": 0.1, "get_task": 0.0}
"""Calls that return a head version, and how long a newer head may take to reach the replica."""


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
        (request.start_s - lag_s, request.end_s, request.results[0]["head_version"])
        for call, lag_s in _LAG_S.items()
        for request in evidence.of(call)
        if request.is_acknowledged
    ]
    seen.append((math.inf, math.inf, final.head_version))
    by_end = sorted(seen, key=lambda each: each[1])
    newest, place = 0, 0
    for start_s, _, version in sorted(seen):
        while place < len(by_end) and by_end[place][1] < start_s:
            newest = max(newest, by_end[place][2])
            place += 1
        if version < newest:
            yield f"head {version} was seen from {start_s:.3f} on, after head {newest}"


def _promises_broken(evidence: Evidence, final: FinalTask) -> Iterator[str]:
    """Find promised heads that never came, or were trained on fewer labels than were sure by then.

    Labels are sure if they were acknowledged before the promising submission began: seed labels,
    and answers, except under leases that ever abstained or retracted, which takes a label back, and
    of clips that were deleted.
    """
    sure_from = sorted(_sure_label_times(evidence))
    for request in evidence.of("submit_labels"):
        promised = request.results[0]["head_version"] if request.is_acknowledged else None
        if promised is None:
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


def _sure_label_times(evidence: Evidence) -> Iterator[float]:
    for lease_id, answers in evidence.answers.items():
        if evidence.leases[lease_id].clip_id in evidence.deletions:
            continue
        if all(answer.label not in (None, RETRACTED) for answer in answers):
            yield min(answer.end_s for answer in answers)
    for request in evidence.of("import_labels"):
        yield from (
            request.end_s
            for clip_id, _ in request.content["labels"]
            if clip_id not in evidence.deletions
        )


def _waits_betrayed(evidence: Evidence) -> Iterator[str]:
    """Find requests that waited for a promised head and got an older one, or a refusal.

    Clients wait only for versions that they were promised.
    """
    for call in ("query", "predict"):
        for request in evidence.of(call):
            wanted = request.content["min_head_version"]
            if any(result["head_version"] < wanted for result in request.results):
                yield f"{call} of {request.start_s:.3f} asked for head {wanted} and got an older"
            if "HEAD_VERSION_UNKNOWN" in request.reasons:
                yield f"{call} of {request.start_s:.3f} was told that head {wanted} never comes"
            if "HEAD_NOT_TRAINED" in request.reasons and _any_head_before(evidence, request):
                yield f"{call} of {request.start_s:.3f} found no head, though one had been seen"


def _any_head_before(evidence: Evidence, request: Request) -> bool:
    return any(
        result["head_version"]
        for call in _LAG_S
        for earlier in evidence.of(call)
        for result in earlier.results
        if earlier.end_s < request.start_s
    )


def _rounds_changed(evidence: Evidence, final: FinalTask) -> Iterator[str]:
    """Find rounds that are missing, or were once seen with another label count."""
    missing = set(range(1, final.head_version + 1)) ^ set(final.rounds)
    if missing:
        yield f"rounds {sorted(missing)} are missing or past the newest head"
    for request in evidence.of("list_rounds"):
        for result in request.results:
            for version, label_count in result["rounds"]:
                if final.rounds.get(version) != label_count:
                    yield (
                        f"round {version} was seen with {label_count} labels at"
                        f" {request.end_s:.3f} and has {final.rounds.get(version)}"
                    )
