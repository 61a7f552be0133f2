"""What a history proves about one task: which requests, leases and answers there were, and when.

Times are chosen so that neither clock skew nor a call still under way nor a rollback can raise a
false alarm: see Hold, Answer and disruptions.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.chaos.disruptions import Disruptions
from tests.chaos.history import RETRACTED, Operation
from tests.chaos.labels import read_label
from tests.chaos.naming import Deletion, Naming, read_deletions, read_naming
from tests.chaos.requests import Request, read_requests

from aloe.client import Label

CLOCK_MARGIN_S = 0.25
"""Leases end by the server's wall clock: this machine's, which may be set during a run."""


@dataclass(frozen=True, slots=True)
class GivenLease:
    """A lease that a client knows of."""

    lease_id: str
    clip_id: str
    content: str
    """What the oracle heard under that name."""
    oracle_id: str
    asked_s: float
    """When its query began."""
    given_s: float
    """When the query was acknowledged. The clip was held a little earlier already."""
    known_until_s: float
    """Until when the store knows it for sure, ended or not; infinite but for rollbacks."""
    sure_until_s: float
    """It does not end by itself before: its expiry less a margin or, if earlier, the moment at
    which the store's clock was set, or a rollback undid it."""
    let_go_s: float
    """When the first call that could end it began; it cannot have ended it earlier."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A time in which a lease held its clip for sure; in truth it held it a little longer."""

    lease: GivenLease
    from_s: float
    """When the query or the renewal was acknowledged."""
    until_s: float
    """When the first call that could end it began or, if earlier, until when it ran for sure."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer under one lease in one submission, stored between start_s and end_s."""

    lease_id: str
    label: Label | None
    """None for an abstention; RETRACTED if it takes an answer back."""
    start_s: float
    end_s: float
    """Infinite if never acknowledged: it may be stored at any time after start_s, or never."""
    until_s: float
    """Until when it is stored for sure, if it was acknowledged; infinite but for rollbacks."""

    @property
    def is_acknowledged(self) -> bool:
        return self.end_s < math.inf

    @property
    def is_kept(self) -> bool:
        """Whether it was acknowledged, and no rollback may have undone it."""
        return self.is_acknowledged and self.until_s == math.inf


@dataclass(frozen=True, slots=True)
class Evidence:
    """The history of one task, by request, lease and answer."""

    requests: tuple[Request, ...]
    leases: Mapping[str, GivenLease]
    """By lease id."""
    holds: tuple[Hold, ...]
    answers: Mapping[str, tuple[Answer, ...]]
    """By lease id, in the order of their start."""
    naming: Naming
    deletions: Mapping[str, Deletion]
    """By content."""
    disruptions: Disruptions

    def final_answers(self) -> Iterable[tuple[GivenLease, tuple[Answer, ...]]]:
        """The acknowledged answers of each lease, without leases under which one was retracted."""
        for lease_id, answers in self.answers.items():
            if all(answer.label != RETRACTED for answer in answers):
                acknowledged = tuple(answer for answer in answers if answer.is_acknowledged)
                if acknowledged:
                    yield self.leases[lease_id], acknowledged

    def of(self, call: str) -> Iterable[Request]:
        """The requests of one kind."""
        return (request for request in self.requests if request.call == call)


def gather(operations: Iterable[Operation], disruptions: Disruptions) -> Evidence:
    """Sort the operations on one task into requests, leases, holds and answers."""
    requests = read_requests(operations, disruptions)
    leases = _leases(requests, disruptions)
    naming = read_naming(requests)
    return Evidence(
        requests,
        leases,
        tuple(_holds(requests, leases, disruptions)),
        _answers(requests),
        naming,
        read_deletions(requests, naming),
        disruptions,
    )


def _leases(requests: Iterable[Request], disruptions: Disruptions) -> dict[str, GivenLease]:
    let_go: dict[str, float] = defaultdict(lambda: math.inf)
    for request in requests:
        if request.call in ("submit_labels", "release_leases"):
            for lease_id in request.lease_ids:
                let_go[lease_id] = min(let_go[lease_id], request.start_s)
    return {
        lease_id: GivenLease(
            lease_id=lease_id,
            clip_id=clip_id,
            content=content,
            oracle_id=request.oracle_id,
            asked_s=request.start_s,
            given_s=call.end_s,
            known_until_s=disruptions.stands_until(call.start_s, call.end_s),
            sure_until_s=_sure_until(request, call, expire_s, disruptions),
            let_go_s=let_go[lease_id],
        )
        for request in requests
        if request.call == "query"
        # The first last: a repeated query's leases have run since then.
        for call in reversed(request.acknowledged)
        for lease_id, clip_id, expire_s, content in call.result["leases"]
    }


def _sure_until(
    request: Request, call: Operation, expire_s: float, disruptions: Disruptions
) -> float:
    return min(
        # An earlier call of the request may have been the one that was heard.
        disruptions.lease_end(request.start_s, expire_s) - CLOCK_MARGIN_S,
        disruptions.stands_until(call.start_s, call.end_s),
    )


def _holds(
    requests: Iterable[Request], leases: Mapping[str, GivenLease], disruptions: Disruptions
) -> Iterable[Hold]:
    for lease in leases.values():
        yield Hold(lease, lease.given_s, min(lease.let_go_s, lease.sure_until_s))
    for request in requests:
        if request.call == "renew_leases" and request.is_acknowledged:
            call = request.acknowledged[0]
            until_s = _sure_until(request, call, call.result["expire_s"], disruptions)
            for lease_id in request.content["lease_ids"]:
                # A hold of its own: before a late renewal, someone else may have held the clip.
                lease = leases[lease_id]
                yield Hold(lease, call.end_s, min(lease.let_go_s, until_s))


def answer_of(request: Request, lease_id: str, written: Any) -> Answer:
    """Return a label of a request, as it is written there."""
    label = read_label(written)
    return Answer(lease_id, label, request.start_s, request.end_s, request.until_s)


def _answers(requests: Iterable[Request]) -> dict[str, tuple[Answer, ...]]:
    answers: dict[str, list[Answer]] = defaultdict(list)
    for request in requests:
        if request.call == "submit_labels":
            for lease_id, label in request.content["answers"]:
                answers[lease_id].append(answer_of(request, lease_id, label))
    return {lease_id: tuple(given) for lease_id, given in answers.items()}
