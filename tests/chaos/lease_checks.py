"""No clip is held twice, asked twice or taken from the oracle that holds it."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.chaos.evidence import CLOCK_MARGIN_S, Evidence, GivenLease
from tests.chaos.findings import Finding, FindingKind


def double_leases(evidence: Evidence) -> Iterator[Finding]:
    """Find clips that two leases held at one moment.

    Compared are the intervals in which each was held for sure: from the acknowledgement of the
    query, which the lease is older than, to the start of the first call that could end it, or to
    its expiry less a margin. The true intervals are longer, so what overlaps here did overlap.
    """
    for clip_id, leases in _by_clip(evidence).items():
        held = sorted(
            (lease for lease in leases if lease.given_s < lease.sure_end_s),
            key=lambda lease: lease.given_s,
        )
        for first, second in pairwise(held):
            if second.given_s < first.sure_end_s:
                yield Finding(
                    FindingKind.DOUBLE_LEASES,
                    f"{clip_id}: {first.lease_id} of {first.oracle_id} was held until"
                    f" {first.sure_end_s:.3f}, {second.lease_id} of {second.oracle_id} was given"
                    f" at {second.given_s:.3f}",
                )


def asked_again(evidence: Evidence) -> Iterator[Finding]:
    """Find clips that were leased by a query that began when their answer was acknowledged."""
    for clip_id, leases in _by_clip(evidence).items():
        answered = [
            (answer.end_s, lease.lease_id)
            for lease in leases
            for answer in evidence.answers.get(lease.lease_id, ())
        ]
        if not answered:
            continue
        end_s, answered_id = min(answered)
        for lease in leases:
            if lease.lease_id != answered_id and lease.asked_s > end_s:
                yield Finding(
                    FindingKind.ASKED_AGAIN,
                    f"{clip_id}: answered under {answered_id} at {end_s:.3f}, leased again as"
                    f" {lease.lease_id} by a query of {lease.asked_s:.3f}",
                )


def leases_taken_away(evidence: Evidence) -> Iterator[Finding]:
    """Find submissions refused as LEASE_LOST by the end of which every lease still held."""
    for request in evidence.of("submit_labels"):
        leases = [evidence.leases[lease_id] for lease_id, _ in request.content["answers"]]
        if request.is_acknowledged or "LEASE_LOST" not in request.reasons:
            continue
        in_time = all(
            lease.let_go_s == request.start_s and lease.expire_s - CLOCK_MARGIN_S > request.last_s
            for lease in leases
        )
        if in_time:
            yield Finding(
                FindingKind.REFUSED_WRONGLY,
                f"{request.oracle_id} lost {leases[0].lease_id} at {request.start_s:.3f} though it"
                f" was to hold until {leases[0].expire_s:.3f}",
            )


def _by_clip(evidence: Evidence) -> dict[str, list[GivenLease]]:
    leases: dict[str, list[GivenLease]] = defaultdict(list)
    for lease in evidence.leases.values():
        leases[lease.clip_id].append(lease)
    return leases
