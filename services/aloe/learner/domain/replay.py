"""What comes of doing a task's log again: heads and picks as they were, or where they differ."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from aloe.learner.domain.events import Event
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import Pick, Reason
from aloe.learner.domain.rounds import Round

MOST_TOLD = 100
"""Differences that are told; the others are counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that came out otherwise when it was done again."""

    event_id: str
    text: str


@dataclass(slots=True)
class Replay:
    """How far it is, and what was found so far."""

    event_count: int = 0
    """Events that were done again."""
    total_event_count: int = 0
    """Events that the log had when it began."""
    head_count: int = 0
    """Heads that were trained again."""
    pick_count: int = 0
    """Picks that were made again."""
    unknown_count: int = 0
    """Heads and picks that cannot be: the log, or the store, has not what they rest on."""
    unknown_text: str = ""
    """Why, of the first of them."""
    difference_count: int = 0
    """Heads and picks that came out otherwise."""
    differences: list[Difference] = field(default_factory=list)
    """The first ones."""

    def cannot(self, event: Event, count: int, why: str) -> None:
        """Note that so much of an event cannot be done again."""
        self.unknown_count += count
        self.unknown_text = self.unknown_text or f"{event.event_id}: {why}"

    def differs(self, event: Event, text: str) -> None:
        """Note that something came out otherwise."""
        self.difference_count += 1
        if len(self.differences) < MOST_TOLD:
            self.differences.append(Difference(event.event_id, text))

    def copy(self) -> "Replay":
        """Return what was found so far, which goes on without it."""
        return replace(self, differences=list(self.differences))


@dataclass(frozen=True, slots=True, eq=False)
class TrainedAgain:
    """A head that was trained again."""

    head: Head
    loss: float
    """Of its training labels."""
    label_count: int


def head_difference(again: TrainedAgain, round_: Round | None, stored: Head | None) -> str:
    """Compare a head that was trained again with what is stored of it.

    Args:
        again: the head.
        round_: as stored; None where it is gone.
        stored: the head itself, which is not kept for long; None where it is gone.

    Returns:
        The first difference; empty for none.
    """
    head, name = again.head, f"head {again.head.version}"
    if round_ is not None:
        for what, now, was in (
            ("labels", again.label_count, round_.label_count),
            ("training loss", again.loss, round_.training_loss),
        ):
            if was is not None and was != now:
                return f"{name}: {what} {now!r} done again, {was!r} stored"
    if stored is not None:
        for part in ("weights", "biases"):
            if getattr(head, part).tobytes() != getattr(stored, part).tobytes():
                return f"{name}: other {part} done again than stored"
        if head.class_indices != stored.class_indices:
            return f"{name}: other classes done again than stored"
        if head.map_name != stored.map_name:
            return f"{name}: map {head.map_name!r} in the log, {stored.map_name!r} stored"
    return ""


def pick_differences(
    event: Event, picks: Sequence[Pick], clip_id_of: Callable[[int], str]
) -> Iterator[str]:
    """Compare the picks of an event CLIPS_LEASED with those that were made again.

    Args:
        event: from the log.
        picks: made again, those that were free then, in order.
        clip_id_of: row to id.

    Yields:
        A text for each pick that differs.
    """
    by_head = f"by head {event.head_version}" if event.head_version else "before any head"
    for place, row in enumerate(event.rows):
        lead = f"pick {place + 1} of {len(event.rows)} {by_head}"
        if place >= len(picks):
            yield f"{lead} is {clip_id_of(row)} in the log, none done again"
            continue
        pick = picks[place]
        if pick.row != row:
            yield f"{lead} is {clip_id_of(row)} in the log, {clip_id_of(pick.row)} done again"
            continue
        logged = Pick(
            row,
            event.scores[place] if event.scores else None,
            pick.predicted_class,
            is_audit=bool(event.audits) and event.audits[place],
            reason=event.reasons[place] if event.reasons else None,
        )
        for name, was, now in (
            ("is_audit", logged.is_audit, pick.is_audit),
            ("score", _bits(logged.score), _bits(pick.score)),
            ("reason", _bits_of(logged.reason), _bits_of(pick.reason)),
        ):
            if was != now:
                yield (
                    f"{lead}, {clip_id_of(row)}, has the {name} {getattr(logged, name)} in the log,"
                    f" {getattr(pick, name)} done again"
                )
                break


def _bits(value: float | None) -> bytes | None:
    """Return a number as it was computed, in float32: the log has it in decimals.

    It has no -0: adding 0 makes that 0, and leaves any other as it is.
    """
    return None if value is None else (np.float32(value) + np.float32(0)).tobytes()


def _bits_of(reason: Reason | None) -> tuple[bytes | int | None, ...] | None:
    if reason is None:
        return None
    return _bits(reason.gain), reason.nearest_row, _bits(reason.nearest_distance)
