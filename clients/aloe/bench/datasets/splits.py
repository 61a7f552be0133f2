"""Splits: their names in files, and drawing them once for a data set that has none."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from aloe.client.types import Split

SPLIT_NAMES = {
    "train": Split.TRAIN,
    "validation": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "dev": Split.VALIDATION,
    "val": Split.VALIDATION,
    "test": Split.TEST,
}

_TENTHS = {Split.TEST: 2, Split.TRAIN: 7, Split.VALIDATION: 1}
"""Tenths of the recordings; of splits that need a group equally, the first here gets it."""


def draw_splits(labels: Sequence[str], seed: int) -> list[Split]:
    """Draw 70 % train, 10 % validation and 20 % test within each class.

    A class of one recording is all train; of two, train and test; of three, one each. The same
    labels in the same order and the same seed give the same splits.
    """
    rng = np.random.default_rng(seed)
    splits = [Split.TRAIN] * len(labels)
    of_class: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        of_class.setdefault(label, []).append(index)
    for label in sorted(of_class):
        shuffled = rng.permutation(of_class[label]).tolist()
        test_count = min(max(1, round(0.2 * len(shuffled))), len(shuffled) - 1)
        rest_count = len(shuffled) - test_count
        validation_count = min(max(1, round(0.1 * len(shuffled))), rest_count - 1)
        for index in shuffled[:test_count]:
            splits[index] = Split.TEST
        for index in shuffled[test_count : test_count + validation_count]:
            splits[index] = Split.VALIDATION
    return splits


def draw_group_splits(labels: Sequence[str], groups: Sequence[str], seed: int) -> list[Split]:
    """Draw splits of whole groups, as near to 70 % train, 10 % validation, 20 % test as can be.

    Greedy, as iterative stratification (Sechidis et al., 2011): groups with more recordings come
    first, equal ones in an order drawn by the seed, and each goes to the split that most lacks its
    classes. Two groups with the same counts of classes become one train, one test. An empty group
    is unknown: such recordings are drawn one by one.
    """
    keys = group_keys(groups)
    labels_of = count_labels(labels, keys)
    names = list(labels_of)
    shuffled = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
    needs = Needs(labels, _TENTHS)
    split_of = {
        name: needs.fill(needs.neediest(labels_of[name]), labels_of[name])
        for name in sorted(shuffled, key=lambda name: -labels_of[name].total())
    }
    return [split_of[key] for key in keys]


def draw_once(labels: Sequence[str], groups: Sequence[str], seed: int) -> list[Split]:
    """Draw splits by whole groups where any is known, and within each class otherwise."""
    return draw_group_splits(labels, groups, seed) if any(groups) else draw_splits(labels, seed)


def group_keys(groups: Sequence[str]) -> list[str]:
    """Return the groups with one of its own for each recording whose group is unknown."""
    return [name or f"\0{index}" for index, name in enumerate(groups)]


def count_labels(labels: Iterable[str], keys: Sequence[str]) -> dict[str, Counter[str]]:
    """Return group to class to how many of its recordings have it, in order of occurrence."""
    labels_of: dict[str, Counter[str]] = {key: Counter() for key in keys}
    for key, label in zip(keys, labels, strict=True):
        labels_of[key][label] += 1
    return labels_of


class Needs:
    """What each split still lacks of each class.

    Counted in tenths of a recording: whole numbers, so that ties are exact.
    """

    def __init__(self, labels: Sequence[str], tenths_of: Mapping[Split, int]) -> None:
        self._totals = Counter(labels)
        self._missing = {
            split: Counter({label: tenths * total for label, total in self._totals.items()})
            for split, tenths in tenths_of.items()
        }

    def neediest(self, counts: Counter[str]) -> Split:
        """Return the split that most lacks some classes, each relative to its total."""
        return max(
            self._missing,
            key=lambda split: sum(
                Fraction(count * self._missing[split][label], self._totals[label])
                for label, count in counts.items()
            ),
        )

    def fill(self, split: Split, counts: Counter[str]) -> Split:
        """Give recordings to a split; return it."""
        for label, count in counts.items():
            self._missing[split][label] -= 10 * count
        return split
