"""Checks that every call ends within its deadline, a little later at most."""

import math
from collections.abc import Iterable, Iterator

from tests.chaos.findings import Finding, FindingKind
from tests.chaos.history import Operation

GRACE_S = 5.0
"""For a machine that is busy with other things."""


def stuck_calls(operations: Iterable[Operation]) -> Iterator[Finding]:
    """Find calls that ended past their deadline, or never."""
    for each in operations:
        if each.end_s > each.deadline_s + GRACE_S:
            ended = "never ended" if each.end_s == math.inf else f"ended at {each.end_s:.3f}"
            yield Finding(
                FindingKind.STUCK,
                f"{each.call} of {each.oracle_id} at {each.start_s:.3f}, to end by"
                f" {each.deadline_s:.3f}, {ended}",
            )


def latest_s(operations: Iterable[Operation]) -> float:
    """How late the latest call ended after its deadline; negative if all were in time."""
    return max((each.end_s - each.deadline_s for each in operations), default=-math.inf)
