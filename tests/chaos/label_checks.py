"""Checks that acknowledged answers are kept, stored ones were given, and counts agree."""

import math
from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.evidence import Answer, Evidence, answer_of
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.history import RETRACTED, FinalTask, StoredAnswer
from tests.chaos.meanings import Meanings


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, and whose it is."""

    oracle_id: str
    """Empty for a seed label."""
    answer: Answer


def acknowledged_lost(evidence: Evidence, final: FinalTask) -> Iterator[Finding]:
    """Find leases whose latest acknowledged answer is not stored.

    An answer that a rollback may have undone need not be; what went before it may be there again.
    """
    meanings = Meanings(evidence.requests, final)
    for lease_id, answers in evidence.answers.items():
        if not any(answer.is_kept for answer in answers):
            continue
        lease = evidence.leases[lease_id]
        if lease.content in evidence.deletions:
            continue
        stored = final.labels.get(lease.content)
        possible = _possible_answers(answers)
        if RETRACTED in {each.label for each in possible}:
            continue  # The clip may have gone to another oracle since.
        if not _is_stored([Said(lease.oracle_id, each) for each in possible], stored, meanings):
            yield Finding(
                FindingKind.ACKNOWLEDGED_LOST,
                f"{lease.content}: {lease_id} of {lease.oracle_id} was answered"
                f" {[each.label for each in possible]}, stored is {stored}",
            )


def _is_stored(given: Iterable[Said], stored: StoredAnswer | None, meanings: Meanings) -> bool:
    """Whether what is stored is one of some answers, or what that counts as."""
    return stored is not None and any(
        said.oracle_id == stored.oracle_id and meanings.allows(said.answer, stored.label)
        for said in given
    )


def _possible_answers(answers: Sequence[Answer]) -> Sequence[Answer]:
    """Return the answers that a lease may end with: those that no kept answer came after.

    An answer that was never acknowledged may be stored at any time after its start, even later than
    one that was: its call may still be on the way.
    """
    kept = [answer for answer in answers if answer.is_kept]
    return [
        answer for answer in answers if not any(answer.end_s <= later.start_s for later in kept)
    ]


def taken_back(evidence: Evidence, final: FinalTask) -> Iterator[str]:
    """Find leases whose acknowledged answers a rollback undid: no finding, but to be counted."""
    meanings = Meanings(evidence.requests, final)
    for lease_id, answers in evidence.answers.items():
        lease = evidence.leases[lease_id]
        acknowledged = [Said(lease.oracle_id, each) for each in answers if each.is_acknowledged]
        stored = final.labels.get(lease.content)
        if (
            acknowledged
            and RETRACTED not in {each.label for each in answers}
            and lease.content not in evidence.deletions
            and not any(answer.is_kept for answer in answers)
            and not _is_stored(acknowledged, stored, meanings)
        ):
            yield lease_id


def double_labels(evidence: Evidence) -> Iterator[Finding]:
    """Find clips with answers under more than one lease, all acknowledged and not undone since."""
    leases_of: dict[str, list[str]] = defaultdict(list)
    for lease, answers in evidence.final_answers():
        if any(answer.is_kept for answer in answers):
            leases_of[lease.content].append(lease.lease_id)
    for content, lease_ids in leases_of.items():
        if len(lease_ids) > 1:
            yield Finding(FindingKind.DOUBLE_LABELS, f"{content}: answered under {lease_ids}")


def labels_unexplained(evidence: Evidence, final: FinalTask) -> Iterator[Finding]:
    """Find stored answers that neither an oracle nor an import gave, or of a clip that is gone.

    What an oracle did not say of this clip, but of another, has moved.
    """
    meanings = Meanings(evidence.requests, final)
    given: dict[str, list[Said]] = defaultdict(list)
    for lease_id, answers in evidence.answers.items():
        lease = evidence.leases[lease_id]
        given[lease.content] += [Said(lease.oracle_id, each) for each in answers]
    for request in evidence.of("import_labels"):
        for clip_id, label in request.content["labels"]:
            for content in evidence.naming.contents_of(clip_id):
                given[content].append(Said("", answer_of(request, "", label)))
    for content, stored in final.labels.items():
        deletion = evidence.deletions.get(content)
        if deletion is not None and deletion.by_s < math.inf:
            yield Finding(
                FindingKind.LABELS_UNEXPLAINED, f"{content}: {stored} is stored; it was deleted"
            )
        if _is_stored(given[content], stored, meanings):
            continue
        origin = _origin(stored, given, final, evidence.deletions, meanings)
        if origin:
            yield Finding(
                FindingKind.LABELS_MOVED,
                f"{content}: {stored} is stored; that was said of others, as of {origin}",
            )
        else:
            yield Finding(
                FindingKind.LABELS_UNEXPLAINED, f"{content}: {stored} is stored; nobody said so"
            )


def _origin(
    stored: StoredAnswer,
    given: Mapping[str, Collection[Said]],
    final: FinalTask,
    deleted: Container[str],
    meanings: Meanings,
) -> str:
    """A clip that an answer was given for; if possible one that is there and does not hold it."""
    origins = [content for content, said in given.items() if _is_stored(said, stored, meanings)]
    lacking = [content for content in origins if final.labels.get(content) != stored]
    there = [content for content in lacking if content not in deleted]
    return next(iter([*there, *lacking, *origins]), "")


def budget_overspent(evidence: Evidence, final: FinalTask) -> Iterator[Finding]:
    """Find more labels spent than the largest budget that had been set by then."""
    budgets = [
        (request.start_s, request.content["label_budget"])
        for call in ("create_task", "update_task")
        for request in evidence.of(call)
    ]
    if any(budget is None for _, budget in budgets):
        return
    spent = [
        (request.end_s, result["budget_spent"])
        for request in evidence.of("get_task")
        for result in request.results
    ]
    labeled = [each for each in final.labels.values() if each.label is not None]
    from_oracles = sum(1 for each in labeled if each.oracle_id)
    spent.append((float("inf"), from_oracles))
    for at_s, count in spent:
        budget = max((budget for start_s, budget in budgets if start_s < at_s), default=0)
        if count > budget:
            yield Finding(
                FindingKind.BUDGET_OVERSPENT,
                f"{count} labels spent at {at_s:.3f} of a budget of {budget}",
            )


def counts_wrong(final: FinalTask) -> Iterator[Finding]:
    """Find counts that differ from what is stored."""
    labeled = [each for each in final.labels.values() if each.label is not None]
    expected = {
        "labeled": (final.labeled_count, len(labeled)),
        "abstained": (final.abstained_count, len(final.labels) - len(labeled)),
        "budget_spent": (final.budget_spent, sum(1 for each in labeled if each.oracle_id)),
    }
    for name, (told, exported) in expected.items():
        if told != exported:
            yield Finding(
                FindingKind.COUNTS_WRONG, f"{name} is {told}, the export holds {exported}"
            )
