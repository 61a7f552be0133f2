"""Whether a Redis that is seen again has all that it had before. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a server stands in the history of its data, as INFO tells it."""

    run_id: str
    """Of the process."""
    history_id: str
    """Of the data, as long as it goes on; a replica that takes over has a new one."""
    offset: int
    """How far the history was written; 0 for ever where there never was a replica."""
    former_history_id: str
    """That of the server before, which this one took over from or restarted from."""
    former_offset: int
    """How far it had followed that one."""

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> "Lineage | None":
        """Read it from INFO by field; None where that does not tell."""
        if not info.get("run_id") or not info.get("master_replid"):
            return None
        return cls(
            str(info["run_id"]),
            str(info["master_replid"]),
            int(info.get("master_repl_offset", 0)),
            str(info.get("master_replid2", "")),
            int(info.get("second_repl_offset", 0)) - 1,
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """What happened to a server since it was seen last, and what it cost."""

    text: str
    is_loss: bool
    """Whether changes are lost, or may be."""

    @classmethod
    def loss(cls, text: str) -> "Turn":
        """Say what is lost, and where it is written what to do."""
        return cls(f'{text}; what to do: deploy/REDIS.md, "When it goes back"', is_loss=True)


def what_happened(before: Lineage, now: Lineage, *, keeps_all: bool) -> Turn | None:
    """Compare a server with what it was when it was seen last; None where it just goes on.

    Args:
        before: where it stood then.
        now: where it stands.
        keeps_all: whether it had each change on disk before it was acknowledged, then and now.
    """
    if before.history_id == now.history_id:
        lost = before.offset - now.offset
        if lost > 0:
            return Turn.loss(f"Redis went back: {_bytes(lost)} of changes that were there are lost")
        return None if before.run_id == now.run_id else _started_again(keeps_all=keeps_all)
    if before.history_id == now.former_history_id:
        lost = before.offset - now.former_offset
        if lost > 0:
            return Turn.loss(
                f"another Redis took over that had not all changes: {_bytes(lost)} that were there"
                " are lost"
            )
        return Turn(
            "another Redis took over; it had all changes that were there when last looked at",
            is_loss=False,
        )
    if before.run_id != now.run_id:
        return _started_again(keeps_all=keeps_all)
    return Turn.loss("Redis took on other data while it ran; changes that were there may be lost")


def _started_again(*, keeps_all: bool) -> Turn:
    if keeps_all:
        return Turn(
            "Redis was started again; with appendfsync always nothing acknowledged is lost (unless"
            ' its data were changed: then "went back" follows here for each pool and task)',
            is_loss=False,
        )
    return Turn.loss(
        "Redis was started again, or another one stands in its place; changes that it had not on"
        " disk are lost"
    )


def _bytes(count: int) -> str:
    return f"{count:,} bytes"
