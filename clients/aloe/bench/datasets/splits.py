"""Splits: their names in files, and drawing them once for a data set that has none."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from aloe.bench.datasets.errors import DatasetError
from aloe.client.types import Label, LabelSet, Split

SPLIT_NAMES = {
    "train": Split.TRAIN,
    "validation": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "dev": Split.VALIDATION,
    "val": Split.VALIDATION,
    "test": Split.TEST,
}

_ALONE = "\0"
"""Begins the key of a recording that is a group by itself."""
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


def draw_group_splits(labels: Sequence[Label], groups: Sequence[str], seed: int) -> list[Split]:
    """Draw splits of whole groups, as near to 70 % train, 10 % validation, 20 % test as can be.

    Without groups each recording is one by itself.

    Greedy, as iterative stratification (Sechidis et al., 2011): groups with more recordings come
    first, equal ones in an order drawn by the seed; see split_by_group.

    Raises:
        DatasetError: no groups can be test, for each has a class that no other has.
    """
    keys = group_keys(groups or [""] * len(labels))
    labels_of = count_labels(labels, keys)
    names = list(labels_of)
    shuffled = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
    order = sorted(shuffled, key=lambda name: -labels_of[name].total())
    split_of = split_by_group(labels, labels_of, order, _TENTHS)
    return [split_of[key] for key in keys]


def split_by_group(
    labels: Sequence[Label],
    labels_of: Mapping[str, Counter[str]],
    order: Sequence[str],
    tenths_of: Mapping[Split, int],
) -> dict[str, Split]:
    """Give groups, in some order, each to the split that most lacks its classes.

    Two groups with the same counts of classes become one train, one test. The last group with a
    class that is not in train is train; where all would be train, the smallest group that can be
    spared is test: every class can be learned, and something be measured.

    Args:
        labels: of each recording.
        labels_of: group to class to how many of its recordings have it.
        order: the groups.
        tenths_of: split to what it is to have of the recordings, TEST and TRAIN among them.

    Raises:
        DatasetError: no groups can be test, for each has a class that no other has.
    """
    to_come = Counter(label for counts in labels_of.values() for label in counts)
    needs = Needs(labels, tenths_of)
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
    if Split.TEST not in split_of.values():
        split_of[_smallest_spare(labels_of, order, split_of)] = Split.TEST
    return split_of


def _smallest_spare(
    labels_of: Mapping[str, Counter[str]], order: Sequence[str], split_of: Mapping[str, Split]
) -> str:
    """Return the smallest group whose classes are all in other groups that are train."""
    train_counts = Counter(
        label
        for name, counts in labels_of.items()
        if split_of[name] is Split.TRAIN
        for label in counts
    )
    spare = [
        name
        for name in order
        if split_of[name] is not Split.TRAIN
        or all(train_counts[label] > 1 for label in labels_of[name])
    ]
    if not spare:
        unit = "group" if any(not name.startswith(_ALONE) for name in order) else "clip"
        raise DatasetError(
            f"no {unit} of {len(order):,} can be test: each has a class that no other has; give"
            f" {unit}s that share classes, or a split"
        )
    return min(spare, key=lambda name: labels_of[name].total())


def draw_once(name: str, labels: Sequence[Label], groups: Sequence[str], seed: int) -> list[Split]:
    """Draw splits by whole groups where any is known, and within each class otherwise.

    Clips of several labels are drawn one by one, each class divided as far as they allow.

    Raises:
        DatasetError: the groups or clips of the data set of this name cannot be split.
    """
    plain = one_each(labels)
    if plain is not None and not any(groups):
        return draw_splits(plain, seed)
    try:
        return draw_group_splits(labels, groups, seed)
    except DatasetError as error:
        raise DatasetError(f"{name}: {error}") from error


def group_keys(groups: Sequence[str]) -> list[str]:
    """Return the groups with one of its own for each recording whose group is unknown."""
    return [name or f"{_ALONE}{index}" for index, name in enumerate(groups)]


def one_each(labels: Sequence[Label]) -> Sequence[str] | None:
    """Return the class of each recording; None where one may have several."""
    plain = [label for label in labels if isinstance(label, str)]
    return plain if len(plain) == len(labels) else None


def count_labels(labels: Iterable[Label], keys: Sequence[str]) -> dict[str, Counter[str]]:
    """Return group to class to how many of its recordings have it, in order of occurrence."""
    labels_of: dict[str, Counter[str]] = {key: Counter() for key in keys}
    for key, label in zip(keys, labels, strict=True):
        labels_of[key].update(_classes_of(label))
    return labels_of


def _classes_of(label: Label) -> tuple[str, ...]:
    """Return what a recording counts for: each of its classes or, where it is of none, that."""
    if isinstance(label, LabelSet):
        return label.positive or ("",)
    return (label,)


class Needs:
    """What each split still lacks of each class.

    Counted in tenths of a recording: whole numbers, so that ties are exact.
    """

    def __init__(self, labels: Sequence[Label], tenths_of: Mapping[Split, int]) -> None:
        self._totals = Counter(name for label in labels for name in _classes_of(label))
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
