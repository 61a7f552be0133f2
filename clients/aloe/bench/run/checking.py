"""What a head would take as its own answers, held against the truth, through the real service."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from aloe.bench.results.rows import Accepted
from aloe.client import AsyncLearnerClient


def stretches(
    label_counts: Sequence[int], rounds: int | None, *, seed_count: int, batch_size: int
) -> Iterator[int | None]:
    """Divide the rounds of a run so that each stretch ends with a head to be checked.

    Args:
        label_counts: ascending; a stretch ends with the last head that has no more labels.
        rounds: of the run; None for as many as there can be.
        seed_count: labels before the first round.
        batch_size: labels a round.

    Yields:
        Numbers of rounds, together those of the run; None for all that are left.
    """
    done = 0
    for count in label_counts:
        until = (count - seed_count) // batch_size
        until = until if rounds is None else min(until, rounds)
        if until > done:
            yield until - done
            done = until
    if rounds is None:
        yield None
    elif rounds > done:
        yield rounds - done


async def accepted(
    client: AsyncLearnerClient,
    task_id: str,
    truth: Mapping[str, str],
    *,
    head_version: int,
    max_error: float,
    timeout: timedelta,  # noqa: ASYNC109 - passed on
) -> Accepted | None:
    """Have the newest head predict clips and say which predictions to accept; None without clips.

    Args:
        client: of the learner service.
        task_id: whose head; it has an estimate of its accuracy.
        truth: clip id to class.
        head_version: of the head, which is there.
        max_error: part of the accepted predictions that may be wrong.
        timeout: of the call.
    """
    if not truth:
        return None
    found = await client.predict(
        task_id,
        clip_ids=list(truth),
        min_head_version=head_version,
        max_expected_error=max_error,
        timeout=timeout,
    )
    is_right = [label == known for label, known in zip(found.labels, truth.values(), strict=True)]
    is_accepted = found.accepted or (False,) * len(truth)
    return Accepted(
        clip_count=len(truth),
        right_count=sum(is_right),
        accepted_count=sum(is_accepted),
        wrong_count=sum(
            taken and not right for taken, right in zip(is_accepted, is_right, strict=True)
        ),
        expected_error=found.expected_error,
    )
