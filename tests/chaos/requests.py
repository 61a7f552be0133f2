"""The requests of a history: the calls that carry one request id, and what became of them."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.disruptions import Disruptions
from tests.chaos.history import Operation, Outcome


@dataclass(frozen=True, slots=True)
class Request:
    """One request: all calls that carry its request id, or a single call without one."""

    call: str
    oracle_id: str
    start_s: float
    """The first call's."""
    end_s: float
    """When it was first acknowledged for good; if it never was, first at all; infinite if never."""
    until_s: float
    """Until when what it did is there for sure, if it was acknowledged."""
    last_s: float
    """When its last call ended, acknowledged or not."""
    content: Mapping[str, Any]
    calls: tuple[Operation, ...]

    @property
    def acknowledged(self) -> Sequence[Operation]:
        """The calls that were."""
        return [call for call in self.calls if call.outcome is Outcome.ACKNOWLEDGED]

    @property
    def results(self) -> Sequence[Mapping[str, Any]]:
        """Of each call that was acknowledged."""
        return [call.result for call in self.acknowledged]

    @property
    def reasons(self) -> Sequence[str]:
        """Of each call that failed with a reason."""
        return [call.reason for call in self.calls if call.reason]

    @property
    def is_acknowledged(self) -> bool:
        return self.end_s < math.inf

    @property
    def lease_ids(self) -> Sequence[str]:
        """The leases that it names."""
        if self.call == "submit_labels":
            return [lease_id for lease_id, _ in self.content["answers"]]
        return [str(lease_id) for lease_id in self.content.get("lease_ids", ())]


def read_requests(operations: Iterable[Operation], disruptions: Disruptions) -> tuple[Request, ...]:
    """Put calls together to requests, in the order of their start."""
    groups: dict[object, list[Operation]] = defaultdict(list)
    for number, operation in enumerate(operations):
        request_id = operation.request.get("request_id")
        key = (operation.call, request_id) if request_id else number
        groups[key].append(operation)
    requests = [_request(calls, disruptions) for calls in groups.values()]
    return tuple(sorted(requests, key=lambda request: request.start_s))


def _request(calls: list[Operation], disruptions: Disruptions) -> Request:
    # The first that stands longest: a repetition after a rollback may have done it anew.
    until_s, end_s = max(
        (
            (disruptions.stands_until(call.start_s, call.end_s), -call.end_s)
            for call in calls
            if call.outcome is Outcome.ACKNOWLEDGED
        ),
        default=(math.inf, -math.inf),
    )
    return Request(
        call=calls[0].call,
        oracle_id=calls[0].oracle_id,
        start_s=min(call.start_s for call in calls),
        end_s=-end_s,
        until_s=until_s,
        last_s=max(call.end_s for call in calls),
        content=calls[0].request,
        calls=tuple(calls),
    )
