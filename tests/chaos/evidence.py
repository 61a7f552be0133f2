"""What a history proves about one task: which requests, leases and answers there were, and when.

Times are chosen so that neither clock skew nor a call still under way can raise a false alarm: see
Hold and Answer.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.history import RETRACTED, Operation, Outcome

CLOCK_MARGIN_S = 0.25
"""Leases end by the server's wall clock: this machine's, which may be set during a run."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: all calls that carry its request id, or a single call without one."""

    call: str
    oracle_id: str
    start_s: float
    """The first call's."""
    end_s: float
    """When it was first acknowledged; infinite if it never was."""
    last_s: float
    """When its last call ended, acknowledged or not."""
    content: Mapping[str, Any]
    results: tuple[Mapping[str, Any], ...]
    """Of each call that was acknowledged."""
    reasons: tuple[str, ...]
    """Of each call that failed with a reason."""

    @property
    def is_acknowledged(self) -> bool:
        return bool(self.results)

    @property
    def lease_ids(self) -> Sequence[str]:
        """The leases that it names."""
        if self.call == "submit_labels":
            return [lease_id for lease_id, _ in self.content["answers"]]
        return [str(lease_id) for lease_id in self.content.get("lease_ids", ())]


@dataclass(frozen=True, slots=True)
class GivenLease:
    """A lease that a client knows of."""

    lease_id: str
    clip_id: str
    oracle_id: str
    asked_s: float
    """When its query began."""
    given_s: float
    """When the query was acknowledged. The clip was held a little earlier already."""
    expire_s: float
    """Its expire_time on the history's clock."""
    let_go_s: float
    """When the first call that could end it began; it cannot have ended it earlier."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A time in which a lease held its clip for sure; in truth it held it a little longer."""

    lease: GivenLease
    from_s: float
    """When the query or the renewal was acknowledged."""
    until_s: float
    """When the first call that could end it began or, if earlier, its expiry less a margin."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer under one lease in one submission, stored between start_s and end_s."""

    lease_id: str
    label: str | None
    """None for an abstention; RETRACTED if it takes an answer back."""
    start_s: float
    end_s: float
    """Infinite if never acknowledged: it may be stored at any time after start_s, or never."""

    @property
    def is_acknowledged(self) -> bool:
        return self.end_s < math.inf


@dataclass(frozen=True, slots=True)
class Deletion:
    """When a clip went: from the first call to delete it to the first that succeeded."""

    from_s: float
    by_s: float
    """Infinite if none was acknowledged: then it may be there still."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The history of one task, by request, lease and answer."""

    requests: tuple[Request, ...]
    leases: Mapping[str, GivenLease]
    """By lease id."""
    holds: tuple[Hold, ...]
    answers: Mapping[str, tuple[Answer, ...]]
    """By lease id, in the order of their start."""
    deletions: Mapping[str, Deletion]
    """By clip id."""

    def final_answers(self) -> Iterable[tuple[GivenLease, tuple[Answer, ...]]]:
        """The acknowledged answers of each lease, without leases under which one was taken back."""
        for lease_id, answers in self.answers.items():
            if all(answer.label != RETRACTED for answer in answers):
                acknowledged = tuple(answer for answer in answers if answer.is_acknowledged)
                if acknowledged:
                    yield self.leases[lease_id], acknowledged

    def of(self, call: str) -> Iterable[Request]:
        """The requests of one kind."""
        return (request for request in self.requests if request.call == call)


def gather(operations: Iterable[Operation]) -> Evidence:
    """Sort the operations on one task into requests, leases, holds and answers."""
    requests = _requests(operations)
    leases = _leases(requests)
    return Evidence(
        requests, leases, tuple(_holds(requests, leases)), _answers(requests), _deletions(requests)
    )


def _requests(operations: Iterable[Operation]) -> tuple[Request, ...]:
    groups: dict[object, list[Operation]] = defaultdict(list)
    for number, operation in enumerate(operations):
        request_id = operation.request.get("request_id")
        key = (operation.call, request_id) if request_id else number
        groups[key].append(operation)
    return tuple(sorted(map(_request, groups.values()), key=lambda request: request.start_s))


def _request(calls: list[Operation]) -> Request:
    acknowledged = [call for call in calls if call.outcome is Outcome.ACKNOWLEDGED]
    return Request(
        call=calls[0].call,
        oracle_id=calls[0].oracle_id,
        start_s=min(call.start_s for call in calls),
        end_s=min((call.end_s for call in acknowledged), default=math.inf),
        last_s=max(call.end_s for call in calls),
        content=calls[0].request,
        results=tuple(call.result for call in acknowledged),
        reasons=tuple(call.reason for call in calls if call.reason),
    )


def _leases(requests: Iterable[Request]) -> dict[str, GivenLease]:
    let_go: dict[str, float] = defaultdict(lambda: math.inf)
    for request in requests:
        if request.call in ("submit_labels", "release_leases"):
            for lease_id in request.lease_ids:
                let_go[lease_id] = min(let_go[lease_id], request.start_s)
    return {
        lease_id: GivenLease(
            lease_id=lease_id,
            clip_id=clip_id,
            oracle_id=request.oracle_id,
            asked_s=request.start_s,
            given_s=request.end_s,
            expire_s=expire_s,
            let_go_s=let_go[lease_id],
        )
        for request in requests
        if request.call == "query"
        for result in request.results
        for lease_id, clip_id, expire_s in result["leases"]
    }


def _holds(requests: Iterable[Request], leases: Mapping[str, GivenLease]) -> Iterable[Hold]:
    for lease in leases.values():
        yield _hold(lease, lease.given_s, lease.expire_s)
    for request in requests:
        if request.call == "renew_leases" and request.is_acknowledged:
            for lease_id in request.content["lease_ids"]:
                # A hold of its own: before a late renewal, someone else may have held the clip.
                yield _hold(leases[lease_id], request.end_s, request.results[0]["expire_s"])


def _hold(lease: GivenLease, from_s: float, expire_s: float) -> Hold:
    return Hold(lease, from_s, min(lease.let_go_s, expire_s - CLOCK_MARGIN_S))


def _answers(requests: Iterable[Request]) -> dict[str, tuple[Answer, ...]]:
    answers: dict[str, list[Answer]] = defaultdict(list)
    for request in requests:
        if request.call == "submit_labels":
            for lease_id, label in request.content["answers"]:
                answers[lease_id].append(Answer(lease_id, label, request.start_s, request.end_s))
    return {lease_id: tuple(given) for lease_id, given in answers.items()}


def _deletions(requests: Iterable[Request]) -> dict[str, Deletion]:
    deletions: dict[str, Deletion] = {}
    for request in requests:
        if request.call == "delete_clips":
            for clip_id in request.content["clip_ids"]:
                known = deletions.get(clip_id, Deletion(math.inf, math.inf))
                deletions[clip_id] = Deletion(
                    min(known.from_s, request.start_s), min(known.by_s, request.end_s)
                )
    return deletions
