"""What a row of `store_faults` says of the promises."""

from typing import Any

STORE_REASONS = {"STORE_FULL", "STORE_UNAVAILABLE"}
_EXCUSED = {"LEASE_LOST", "CLIP_NOT_FOUND", "RECORDING_NOT_FOUND", "ALREADY_EXISTS"}
"""What oracles may be told at any time: that others answered first, or deleted or renamed a clip,
or deleted a recording, which does not need the store to have room."""


def broken(row: dict[str, Any]) -> list[str]:
    """Return which promises a row breaks; one is that the fault was one."""
    others = row["refused_during"].keys() - STORE_REASONS - _EXCUSED
    checks = {
        "acknowledged labels were lost": row["acknowledged_labels_lost"],
        "writes were half done": row["half_done_writes"],
        f"reads failed, last with {row['last_read_error']}": row["reads_failed"],
        "nothing was read during the fault": not row["reads_during_fault"],
        "no label was taken after the fault": not row["recovered_by_itself"],
        f"calls were refused for other reasons: {', '.join(sorted(others))}": others,
        "the store refused nothing: there was no fault": (
            not row["refused_during"].keys() & STORE_REASONS
        ),
    }
    return [text for text, is_broken in checks.items() if is_broken]
