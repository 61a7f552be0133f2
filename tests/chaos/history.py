"""What the clients saw: the start and end of every call, appended to a file of JSON lines."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Self

from aloe.client import ClassState, Label, Unmentioned

RETRACTED = "(retracted)"
"""Stands in place of a label if an oracle takes its answer back."""


class Outcome(Enum):
    """How a call ended for its caller."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    """The server answered that it did nothing."""
    UNKNOWN = "unknown"
    """Nobody can tell whether the server did it, or will still do it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call; times are of the monotonic clock of the process that made all calls."""

    call: str
    task_id: str
    """Empty for a call on a pool."""
    oracle_id: str
    replica: int
    start_s: float
    """Before anything was sent."""
    end_s: float = math.inf
    """After the answer came; infinite if none did."""
    outcome: Outcome = Outcome.UNKNOWN
    request: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    """The ErrorReason of a failed call; empty if the server gave none."""
    deadline_s: float = math.inf
    """When it was to have ended."""

    @property
    def is_behind_classes(self) -> bool:
        """Whether it changes a class that others merged or retired before, or did not add yet."""
        return (self.call, self.reason) == ("change_classes", "INVALID_INPUT")


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the task holds for a clip at the end."""

    oracle_id: str
    """Empty for a seed label."""
    label: Label | None
    """None for an abstention."""


@dataclass(frozen=True, slots=True)
class FinalClass:
    """A class that a task has, or had, at the end."""

    name: str
    names: frozenset[str]
    """This and those that it had."""
    state: ClassState
    merged_into: str
    """Empty where it is not."""
    is_original: bool
    """Whether the task began with it."""


@dataclass(frozen=True, slots=True)
class FinalTask:
    """A task after it has come to rest."""

    task_id: str
    head_version: int
    labeled_count: int
    abstained_count: int
    budget_spent: int
    labels: Mapping[str, StoredAnswer]
    """The exported labels of split TRAIN, by the content of their clips."""
    rounds: Mapping[int, int]
    """Label count by head version."""
    redone_pick_count: int = 0
    """Picks that were made again by the log."""
    unknown_pick_count: int = 0
    """Heads and picks that could not be."""
    differing_picks: Sequence[str] = ()
    """What came out otherwise when the log was done again."""
    classes: Sequence[FinalClass] = ()
    unmentioned: Unmentioned = Unmentioned.NEGATIVE
    """Of several labels a clip: what holds of the classes that a label does not name."""


@dataclass(frozen=True, slots=True)
class FinalClip:
    """A name in a pool at the end."""

    content: str
    """What the pool says of it."""
    vector_of: str
    """The content whose vector it has; empty if it is nobody's."""


@dataclass(frozen=True, slots=True)
class FinalPool:
    """A pool after all has come to rest."""

    pool_id: str
    clips: Mapping[str, FinalClip]
    """By name."""
    doubled: Sequence[str] = ()
    """Names under which there is more than one."""
    window_counts: Mapping[str, int] = field(default_factory=dict)
    """Recording to how many windows it says that it has."""


class History:
    """Appends to the file, from one event loop; what is written is never changed."""

    def __init__(self, path: Path) -> None:
        self.path, self._file = path, path.open("w")
        self._count = 0
        self._wall_offset_s = time.time() - time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def clock_s(self, wall_time: datetime) -> float:
        """Convert a wall-clock time to the history's clock.

        The two clocks are compared once, so that equal times stay equal.
        """
        return wall_time.timestamp() - self._wall_offset_s

    def begin(
        self,
        call: str,
        *,
        task_id: str,
        oracle_id: str,
        replica: int,
        timeout_s: float,
        request: Mapping[str, Any],
    ) -> int:
        """Write that a call starts, and return its number."""
        self._count += 1
        self._write(
            "start",
            number=self._count,
            call=call,
            task_id=task_id,
            oracle_id=oracle_id,
            replica=replica,
            timeout_s=timeout_s,
            request=request,
        )
        return self._count

    def end(
        self,
        number: int,
        outcome: Outcome,
        *,
        result: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        """Write how a call ended."""
        self._write("end", number=number, outcome=outcome.value, result=result or {}, reason=reason)

    def note(self, kind: str, **details: Any) -> None:
        """Write what else happened: for disruptions, and for people who read the file."""
        self._write("note", kind=kind, **details)

    def _write(self, event: str, **values: Any) -> None:
        line = {"event": event, "at_s": time.monotonic(), **values}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def read_history(path: Path) -> list[Operation]:
    """Read the calls of a history in the order of their start."""
    starts: dict[int, dict[str, Any]] = {}
    ends: dict[int, dict[str, Any]] = {}
    for line in _lines(path):
        if line["event"] == "start":
            starts[line["number"]] = line
        elif line["event"] == "end":
            ends[line["number"]] = line
    return [_operation(line, ends.get(number)) for number, line in starts.items()]


def read_notes(path: Path) -> list[dict[str, Any]]:
    """Read the notes of a history."""
    return [line for line in _lines(path) if line["event"] == "note"]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text().splitlines()]


def _operation(start: Mapping[str, Any], end: Mapping[str, Any] | None) -> Operation:
    told: dict[str, Any] = {}
    if end is not None:
        told = {
            "end_s": end["at_s"],
            "outcome": Outcome(end["outcome"]),
            "result": end["result"],
            "reason": end["reason"],
        }
    return Operation(
        call=start["call"],
        task_id=start["task_id"],
        oracle_id=start["oracle_id"],
        replica=start["replica"],
        start_s=start["at_s"],
        deadline_s=start["at_s"] + start["timeout_s"],
        request=start["request"],
        **told,
    )
