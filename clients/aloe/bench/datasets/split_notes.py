"""What a user should know of the splits that a data set is used with."""

from collections import Counter

from aloe.bench.datasets.dataset import Dataset
from aloe.client.types import Split


def about_splits(
    dataset: Dataset, *, per_seed: bool = False, ignored: bool = False
) -> tuple[str, ...]:
    """Return a line about splits that were drawn, or that have groups in several of them.

    Args:
        dataset: which.
        per_seed: those that are drawn are drawn by each seed, not once.
        ignored: they are drawn also where the data set has its own.
    """
    has_groups = any(dataset.groups)
    if per_seed and (dataset.is_drawn or ignored):
        apart = ", no group in both train and test" if has_groups else ""
        drawn = f"each seed draws 30 % of the clips as test clips{apart}"
        return (f"{dataset.name}: {drawn}{_alone(dataset)}",)
    if dataset.is_drawn and has_groups:
        count = Counter(each.split for each in dataset.recordings)
        drawn = (
            f"drawn by group, {count[Split.TRAIN]:,} train, {count[Split.VALIDATION]:,} validation"
            f" and {count[Split.TEST]:,} test clips, no group in two of them"
        )
        return (f"{dataset.name} gives no split: {drawn}{_alone(dataset)}",)
    shared = _about_shared(dataset) if has_groups else ()
    if per_seed and not shared:
        own = "its own split for every seed; --ignore-splits lets each seed draw one"
        return (f"{dataset.name}: {own}",)
    return shared


def _alone(dataset: Dataset) -> str:
    count = dataset.groups.count("") if any(dataset.groups) else 0
    return f"; {count:,} clips without a group were drawn one by one" if count else ""


def _about_shared(dataset: Dataset) -> tuple[str, ...]:
    """Tell that a data set's own split has groups in both train and test."""
    groups_of: dict[Split, set[str]] = {split: set() for split in Split}
    for recording, group in zip(dataset.recordings, dataset.groups, strict=True):
        if group:
            groups_of[recording.split].add(group)
    shared = groups_of[Split.TRAIN] & groups_of[Split.TEST]
    if not shared:
        return ()
    every = set().union(*groups_of.values())
    told = (
        f"{dataset.name}: {len(shared):,} of its {len(every):,} groups are in both train and test"
        " by its own split; --split-per-seed with --ignore-splits keeps them apart"
    )
    return (told,)
