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


def what_happened(before: Lineage, now: Lineage) -> str:
    """Say what happened to a server since it was seen last, and what it cost; empty: nothing."""
    if before.history_id == now.history_id:
        lost = before.offset - now.offset
        if lost > 0:
            return f"Redis went back: {_bytes(lost)} of changes that were there are lost"
        return "" if before.run_id == now.run_id else _STARTED_AGAIN
    if before.history_id == now.former_history_id:
        lost = before.offset - now.former_offset
        if lost > 0:
            return (
                f"another Redis took over that had not all changes: {_bytes(lost)} that were there"
                " are lost"
            )
        return "another Redis took over; it had all changes that were there when last looked at"
    if before.run_id != now.run_id:
        return _STARTED_AGAIN
    return "Redis took on other data while it ran; changes that were there may be lost"


_STARTED_AGAIN = (
    "Redis was started again, or another one stands in its place; changes that it had not on disk,"
    " or that its data do not hold, are lost"
)


def _bytes(count: int) -> str:
    return f"{count:,} bytes"
