"""Checks that no clip is held twice, asked about again or taken from the oracle that holds it."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from tests.chaos.evidence import Answer, Evidence, Hold
from tests.chaos.findings import Finding, FindingKind


def double_leases(evidence: Evidence) -> Iterator[Finding]:
    """Find clips that two leases held at the same time.

    Only times in which a lease held its clip for sure are compared, see Hold. The true times are
    longer, so what overlaps here did overlap.
    """
    holds: dict[str, list[Hold]] = defaultdict(list)
    for hold in evidence.holds:
        if hold.from_s < hold.until_s:
            holds[hold.lease.content].append(hold)
    for content, held in holds.items():
        held.sort(key=lambda hold: hold.from_s)
        for first, second in combinations(held, 2):
            if second.from_s < first.until_s and first.lease != second.lease:
                yield Finding(
                    FindingKind.DOUBLE_LEASES,
                    f"{content}: {first.lease.lease_id} of {first.lease.oracle_id} was held from"
                    f" {first.from_s:.3f} to {first.until_s:.3f}, {second.lease.lease_id} of"
                    f" {second.lease.oracle_id} from {second.from_s:.3f} on",
                )


def asked_again(evidence: Evidence) -> Iterator[Finding]:
    """Find clips leased by a query that began after they were answered or deleted for sure."""
    answered: dict[str, list[Answer]] = defaultdict(list)
    for lease, answers in evidence.final_answers():
        # The first, and the first that no rollback may have undone.
        answered[lease.content].append(min(answers, key=lambda each: each.end_s))
        kept = [each for each in answers if each.is_kept]
        answered[lease.content] += sorted(kept, key=lambda each: each.end_s)[:1]
    for lease in evidence.leases.values():
        for answer in answered[lease.content]:
            if (
                answer.lease_id != lease.lease_id
                and answer.end_s < lease.asked_s
                and lease.given_s <= answer.until_s
            ):
                yield Finding(
                    FindingKind.ASKED_AGAIN,
                    f"{lease.content}: answered under {answer.lease_id} at {answer.end_s:.3f},"
                    f" leased again as {lease.lease_id} by a query of {lease.asked_s:.3f}",
                )
                break
        deletion = evidence.deletions.get(lease.content)
        if deletion is not None and lease.asked_s > deletion.by_s:
            yield Finding(
                FindingKind.ASKED_AGAIN,
                f"{lease.content}: deleted at {deletion.by_s:.3f}, leased as {lease.lease_id} by a"
                f" query of {lease.asked_s:.3f}",
            )


def leases_taken_away(evidence: Evidence) -> Iterator[Finding]:
    """Find requests refused as LEASE_LOST though all their leases held until the requests ended."""
    for request in evidence.requests:
        if request.is_acknowledged or "LEASE_LOST" not in request.reasons:
            continue
        leases = [evidence.leases[lease_id] for lease_id in request.lease_ids]
        deletions = [evidence.deletions.get(lease.content) for lease in leases]
        if any(each is not None and each.from_s < request.last_s for each in deletions):
            continue
        if all(
            lease.let_go_s >= request.start_s and lease.sure_until_s > request.last_s
            for lease in leases
        ):
            yield Finding(
                FindingKind.REFUSED_WRONGLY,
                f"{request.call}: {request.oracle_id} lost {leases[0].lease_id} at"
                f" {request.start_s:.3f} though it was to hold until {leases[0].sure_until_s:.3f}",
            )
