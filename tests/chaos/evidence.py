"""What a history proves about one task: which requests, leases and answers there were, and when.

All times are such that no skew of clocks and no call still under way can raise a false alarm: see
GivenLease and Answer.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.chaos.history import Operation, Outcome

CLOCK_MARGIN_S = 0.25
"""Leases end by the server's wall clock, which is this machine's, but may be set meanwhile."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: all calls that carry its request id, or a single call without one."""

    call: str
    oracle_id: str
    start_s: float
    """The first call's."""
    end_s: float
    """When it was first acknowledged; infinite where it never was."""
    last_s: float
    """When its last call ended, however it did."""
    content: Mapping[str, Any]
    results: tuple[Mapping[str, Any], ...]
    """Of each call that was acknowledged."""
    reasons: tuple[str, ...]
    """Of each call that failed with a reason."""

    @property
    def is_acknowledged(self) -> bool:
        return bool(self.results)


@dataclass(frozen=True, slots=True)
class GivenLease:
    """A lease that a client knows of."""

    lease_id: str
    clip_id: str
    oracle_id: str
    asked_s: float
    """When its query began."""
    given_s: float
    """When the query was acknowledged. The hold began before."""
    expire_s: float
    """Its expire_time on the clients' clock."""
    let_go_s: float
    """When the first call that could end it began. The hold ended after, if by that call."""

    @property
    def sure_end_s(self) -> float:
        """Until then it was held for sure, from given_s on."""
        return min(self.let_go_s, self.expire_s - CLOCK_MARGIN_S)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one lease in one submission. It was stored between start_s and end_s."""

    lease_id: str
    label: str | None
    start_s: float
    end_s: float
    """Infinite where it was never acknowledged: then it may be stored at any time, or never."""

    @property
    def is_acknowledged(self) -> bool:
        return self.end_s < math.inf


@dataclass(frozen=True, slots=True)
class Evidence:
    """The history of one task, put in order."""

    requests: tuple[Request, ...]
    leases: Mapping[str, GivenLease]
    """By lease id."""
    answers: Mapping[str, tuple[Answer, ...]]
    """By lease id, in the order of their start."""

    def of(self, call: str) -> Iterable[Request]:
        """The requests of one kind."""
        return (request for request in self.requests if request.call == call)


def gather(operations: Iterable[Operation]) -> Evidence:
    """Put the operations on one task in order."""
    requests = _requests(operations)
    return Evidence(requests, _leases(requests), _answers(requests))


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
        for lease_id in _ended_leases(request):
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


def _ended_leases(request: Request) -> Iterable[str]:
    if request.call == "submit_labels":
        return [lease_id for lease_id, _ in request.content["answers"]]
    if request.call == "release_leases":
        return [str(lease_id) for lease_id in request.content["lease_ids"]]
    return []


def _answers(requests: Iterable[Request]) -> dict[str, tuple[Answer, ...]]:
    answers: dict[str, list[Answer]] = defaultdict(list)
    for request in requests:
        if request.call == "submit_labels":
            for lease_id, label in request.content["answers"]:
                answers[lease_id].append(Answer(lease_id, label, request.start_s, request.end_s))
    return {lease_id: tuple(given) for lease_id, given in answers.items()}
