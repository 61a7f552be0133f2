"""Checks that a pool holds the clips that were imported, each with its own name and vector."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tests.chaos.checker import FAULTS_CAUSE, is_of_damage
from tests.chaos.disruptions import Disruptions
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.history import FinalPool, Operation
from tests.chaos.naming import Naming, read_deletions, read_naming
from tests.chaos.requests import read_requests

_EXCUSED = FAULTS_CAUSE | {"CLIP_NOT_FOUND", "ALREADY_EXISTS", "RECORDING_NOT_FOUND"}


def check_clips(
    operations: Sequence[Operation], finals: Iterable[FinalPool], disruptions: Disruptions
) -> Iterator[Finding]:
    """Find clips that are mixed up with others, and imports that are lost.

    An import that a rollback may have undone need not be there; where it is, it is whole. A call is
    refused for nothing but faults, and names that are gone or taken.

    Args:
        operations: every call of the clients on the pools.
        finals: the final state of each pool.
        disruptions: what excuses some of them.
    """
    for final in finals:
        requests = read_requests(_on_pool(operations, final.pool_id), disruptions)
        naming = read_naming(requests)
        for name, clip in final.clips.items():
            if clip.content not in naming.contents_of(name):
                yield Finding(
                    FindingKind.CLIPS_MOVED, f"{name} is {clip.content}, which it never named"
                )
            if clip.vector_of != clip.content:
                yield Finding(
                    FindingKind.CLIPS_MOVED,
                    f"{name} is {clip.content} with the vector of {clip.vector_of or 'nobody'}",
                )
        for operation in _on_pool(operations, final.pool_id):
            is_excused = operation.reason in _EXCUSED or is_of_damage(operation, disruptions)
            if operation.reason and not is_excused:
                yield Finding(
                    FindingKind.REFUSED_WRONGLY,
                    f"{operation.call} of {operation.oracle_id} at {operation.start_s:.3f}:"
                    f" {operation.reason}",
                )
        yield from _windows_wrong(final, naming)
        deletions = read_deletions(requests, naming)
        there = {clip.content for clip in final.clips.values()}
        for content, request in naming.imports.items():
            if content not in there and content not in deletions and request.until_s == math.inf:
                yield Finding(
                    FindingKind.ACKNOWLEDGED_LOST,
                    f"{content} was imported by {request.end_s:.3f} and is not there",
                )


def _windows_wrong(final: FinalPool, naming: Naming) -> Iterator[Finding]:
    """Find names of several clips, and windows that are not those which the imports were to cut."""
    for name in final.doubled:
        yield Finding(FindingKind.CLIPS_TWICE, f"{name} is there more than once")
    counts = Counter(recording_of(name) for name in final.clips)
    for name in final.clips:
        if recording_of(name) and name not in naming.contents:
            yield Finding(FindingKind.CLIPS_TWICE, f"{name} is a window that nobody cut out so")
    for recording_id, told in final.window_counts.items():
        if counts[recording_id] != told:
            yield Finding(
                FindingKind.COUNTS_WRONG,
                f"{recording_id} tells of {told} windows, {counts[recording_id]} are there",
            )


def recording_of(name: str) -> str:
    """The recording that a clip is a window of; empty where it is none."""
    recording_id, separator, _ = name.rpartition("~")
    return recording_id if separator else ""


def _on_pool(operations: Iterable[Operation], pool_id: str) -> Iterator[Operation]:
    return (each for each in operations if each.request.get("pool_id") == pool_id)
