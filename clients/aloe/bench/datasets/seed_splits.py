"""Splits that each seed draws anew, for a data set that has none of its own."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.splits import Needs, count_labels, group_keys
from aloe.client.types import Split

_TENTHS = {Split.TEST: 3, Split.TRAIN: 7}
_DRAWING = 0x5917
"""With the seed of a run, that of its split: drawn apart from its seed labels and clips."""


def draw_train_test(labels: Sequence[str], groups: Sequence[str], seed: int) -> list[Split]:
    """Draw 70 % train and 30 % test, no group in both, each class divided as far as groups allow.

    Every class has a train recording. The same labels and groups in the same order and the same
    seed give the same splits. Groups come in an order drawn by the seed, and each goes to the split
    that most lacks its classes; large ones do not come first, as they do where splits are drawn
    once, or groups of different sizes would be split the same way by every seed. An empty group is
    unknown: such recordings are drawn one by one, and within each class where no group is known.
    Where all would be train, the smallest group that can be spared is test.

    Args:
        labels: of each recording.
        groups: of each recording; empty where there are none.
        seed: of a run.

    Raises:
        DatasetError: no groups can be test, for each has a class that no other has.
    """
    generator = np.random.default_rng([seed, _DRAWING])
    if not any(groups):
        return _within_classes(labels, generator)
    keys = group_keys(groups)
    labels_of = count_labels(labels, keys)
    names = list(labels_of)
    order = [names[index] for index in generator.permutation(len(names))]
    split_of = _by_group(labels, labels_of, order)
    if Split.TEST not in split_of.values():
        split_of[_smallest_spare(labels_of, order)] = Split.TEST
    return [split_of[key] for key in keys]


def _within_classes(labels: Sequence[str], generator: np.random.Generator) -> list[Split]:
    """Draw within each class; a class of one recording is train."""
    splits = [Split.TRAIN] * len(labels)
    names = np.array(labels)
    for label in sorted(set(labels)):
        places = generator.permutation(np.flatnonzero(names == label)).tolist()
        test_count = min(max(1, round(0.3 * len(places))), len(places) - 1)
        for place in places[:test_count]:
            splits[place] = Split.TEST
    return splits


def _by_group(
    labels: Sequence[str], labels_of: Mapping[str, Counter[str]], order: Sequence[str]
) -> dict[str, Split]:
    """Split groups in some order; the last group with a class that is not in train is train."""
    to_come = Counter(label for counts in labels_of.values() for label in counts)
    needs = Needs(labels, _TENTHS)
    trained: set[str] = set()
    split_of = {}
    for name in order:
        counts = labels_of[name]
        to_come.subtract(counts.keys())
        is_last = any(not to_come[label] and label not in trained for label in counts)
        split = Split.TRAIN if is_last else needs.neediest(counts)
        split_of[name] = needs.fill(split, counts)
        if split is Split.TRAIN:
            trained.update(counts)
    return split_of


def _smallest_spare(labels_of: Mapping[str, Counter[str]], order: Sequence[str]) -> str:
    """Return the smallest group whose classes other groups have as well, where all are train."""
    group_counts = Counter(label for counts in labels_of.values() for label in counts)
    spare = [name for name in order if all(group_counts[label] > 1 for label in labels_of[name])]
    if not spare:
        raise DatasetError(
            f"no group of {len(order):,} can be test: each has a class that no other has; give"
            " groups that share classes, or a split"
        )
    return min(spare, key=lambda name: labels_of[name].total())
