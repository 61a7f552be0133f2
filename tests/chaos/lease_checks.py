"""Checks that no clip is held twice, asked about again or taken from the oracle that holds it."""

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from tests.chaos.evidence import CLOCK_MARGIN_S, Evidence, GivenLease, Hold
from tests.chaos.findings import Finding, FindingKind


def double_leases(evidence: Evidence) -> Iterator[Finding]:
    """Find clips that two leases held at the same time.

    Only times in which a lease held its clip for sure are compared, see Hold. The true times are
    longer, so what overlaps here did overlap.
    """
    holds: dict[str, list[Hold]] = defaultdict(list)
    for hold in evidence.holds:
        if hold.from_s < hold.until_s:
            holds[hold.lease.clip_id].append(hold)
    for clip_id, held in holds.items():
        held.sort(key=lambda hold: hold.from_s)
        for first, second in combinations(held, 2):
            if second.from_s < first.until_s and first.lease != second.lease:
                yield Finding(
                    FindingKind.DOUBLE_LEASES,
                    f"{clip_id}: {first.lease.lease_id} of {first.lease.oracle_id} was held from"
                    f" {first.from_s:.3f} to {first.until_s:.3f}, {second.lease.lease_id} of"
                    f" {second.lease.oracle_id} from {second.from_s:.3f} on",
                )


def asked_again(evidence: Evidence) -> Iterator[Finding]:
    """Find clips leased by a query that began after they were answered or deleted for sure."""
    answered: dict[str, tuple[float, GivenLease]] = {}
    for lease, answers in evidence.final_answers():
        end_s = min(answer.end_s for answer in answers)
        if lease.clip_id not in answered or end_s < answered[lease.clip_id][0]:
            answered[lease.clip_id] = (end_s, lease)
    for lease in evidence.leases.values():
        end_s, answered_lease = answered.get(lease.clip_id, (math.inf, lease))
        if lease.asked_s > end_s and lease != answered_lease:
            yield Finding(
                FindingKind.ASKED_AGAIN,
                f"{lease.clip_id}: answered under {answered_lease.lease_id} at {end_s:.3f}, leased"
                f" again as {lease.lease_id} by a query of {lease.asked_s:.3f}",
            )
        deletion = evidence.deletions.get(lease.clip_id)
        if deletion is not None and lease.asked_s > deletion.by_s:
            yield Finding(
                FindingKind.ASKED_AGAIN,
                f"{lease.clip_id}: deleted at {deletion.by_s:.3f}, leased as {lease.lease_id} by a"
                f" query of {lease.asked_s:.3f}",
            )


def leases_taken_away(evidence: Evidence) -> Iterator[Finding]:
    """Find requests refused as LEASE_LOST though all their leases held until the requests ended."""
    for request in evidence.requests:
        if request.is_acknowledged or "LEASE_LOST" not in request.reasons:
            continue
        leases = [evidence.leases[lease_id] for lease_id in request.lease_ids]
        deletions = [evidence.deletions.get(lease.clip_id) for lease in leases]
        if any(each is not None and each.from_s < request.last_s for each in deletions):
            continue
        if all(
            lease.let_go_s >= request.start_s and lease.expire_s - CLOCK_MARGIN_S > request.last_s
            for lease in leases
        ):
            yield Finding(
                FindingKind.REFUSED_WRONGLY,
                f"{request.call}: {request.oracle_id} lost {leases[0].lease_id} at"
                f" {request.start_s:.3f} though it was to hold until {leases[0].expire_s:.3f}",
            )
