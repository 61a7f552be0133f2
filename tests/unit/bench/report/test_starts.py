"""How runs begin: figures worked by hand."""

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from tests.unit.bench.report.runs_in_memory import (
    HERDING,
    PAPERS,
    RANDOM,
    ceiling_of,
    results_of,
    run_of,
)

from aloe.bench.report.analysis import analyze
from aloe.bench.report.runs import Run
from aloe.bench.report.start_tables import class_table, random_table
from aloe.bench.report.starts import accuracies_at, classes_of, classes_seen

CLASSES = ("cat", "cow", "dog")


def seen_in(runs: list[Run], random_runs: list[Run]) -> Any:
    return classes_seen(runs, random_runs, CLASSES)


def starts_of(runs: list[Run], random_runs: list[Run]) -> tuple[Any, ...]:
    return accuracies_at(runs, random_runs)


def from_nothing(arm, seed: int, *answers: list[str | None]):
    """Return a run that asked for all of its labels, a batch for each list of answers."""
    labels = [0]
    for of_head in answers:
        labels.append(labels[-1] + sum(answer is not None for answer in of_head))
    accuracies = [float("nan"), *(0.1 * (place + 1) for place in range(len(answers)))]
    return run_of(arm, seed, accuracies, labels=labels, answers=[*answers, []])


def test_accuracy_is_read_off_between_heads_and_compared_seed_by_seed():
    runs = [run_of(HERDING, seed, [0.2, 0.4], labels=[5, 25]) for seed in range(2)]
    random = [run_of(RANDOM, 0, [0.1, 0.3], labels=[5, 25]), run_of(RANDOM, 7, [0.9] * 2)]
    ten, twenty, fifty = starts_of(runs, random)
    assert (ten.label_count, ten.accuracy.value) == (10, pytest.approx(0.25))
    assert (ten.over_random.value, ten.over_random.run_count) == (pytest.approx(0.1), 1)
    assert twenty.accuracy.value == pytest.approx(0.35)
    assert (fifty.accuracy, fifty.over_random) == (None, None)


def test_run_that_begins_later_has_no_accuracy_before():
    runs = [run_of(PAPERS, 0, [0.5, 0.6], labels=[50, 60])]
    assert [each.accuracy is None for each in starts_of(runs, [])] == [True, True, False]


def test_class_is_seen_with_the_first_clip_of_it_abstentions_counted():
    run = from_nothing(HERDING, 0, ["dog", None, "dog"], ["cat", "dog", "cow"])
    found = seen_in([run], [])
    seen = {each.name: each.clips.median.value for each in found.by_class}
    assert seen == {"cat": 4, "cow": 6, "dog": 1}
    assert (found.every_class.median.value, found.over_random) == (6, None)


def test_class_that_is_never_seen_is_later_than_the_run():
    run = from_nothing(HERDING, 0, ["dog", "cat"])
    found = seen_in([run], [])
    assert found.by_class[1].clips.median.value == inf
    assert (found.every_class.arrived_count, found.every_class.last_count) == (0, 2)
    # A cow counts as the end of the run, which is too few.
    assert (found.mean_class.mean.value, found.mean_class.is_at_least) == (
        pytest.approx(5 / 3),
        True,
    )


def test_clips_to_every_class_are_compared_with_randoms():
    own = [from_nothing(HERDING, seed, ["dog", "cat", "cow"]) for seed in range(2)]
    random = [
        from_nothing(RANDOM, seed, ["dog", "dog", "cat", "cat"], ["cow", "cow"])
        for seed in range(2)
    ]
    found = seen_in(own, random)
    assert found.over_random.ratio.value == pytest.approx(3 / 5)
    # Clips 1, 2 and 3 beside 1, 3 and 5.
    assert found.mean_over_random.ratio.value == pytest.approx(6 / 9)
    assert (found.mean_class.mean.value, found.mean_class.is_at_least) == (2, False)


def test_runs_with_seed_labels_do_not_tell_when_classes_are_seen():
    run = run_of(PAPERS, 0, [0.5, 0.6], labels=[15, 18], answers=[["dog", "cat", "cow"], []])
    assert seen_in([run], []) is None


def test_classes_are_those_of_the_train_clips_also_where_none_was_found():
    results = results_of(from_nothing(HERDING, 0, ["dog", None, "cat"]))
    setting = results.runs[0].setting
    assert classes_of(results, setting) == ("cat", "dog")
    counts = {"digit": {"train": dict.fromkeys(CLASSES, 10), "test": {}}}
    part = {"dataset": "fsdd", "encoder": "yamnet", "clip_counts": counts}
    assert classes_of(replace(results, metadata={"parts": [part]}), setting) == CLASSES


def test_tables_put_every_strategy_beside_random():
    runs = [
        *(from_nothing(HERDING, seed, ["dog", "cat"] * 5, ["cow"] * 40) for seed in range(6)),
        *(from_nothing(RANDOM, seed, ["dog"] * 10, ["cat", "cow"] * 20) for seed in range(6)),
    ]
    (setting,) = analyze(results_of(*runs, ceiling_of("paper", 0.9)), (0.9,)).settings
    (linear, paper) = setting.groups
    # Random picks of the paper's group, the only ones.
    assert linear.random_name == "paper, random"
    (row,) = random_table(linear, "x").rows
    assert [cell.text for cell in row] == [
        "herding",
        "0.0 [0.0, 0.0]",
        "1.000",
        "10.0 (+0.0 [0.0, 0.0])",
        "12.5 (+0.0 [0.0, 0.0])",
        "20.0 (+0.0 [0.0, 0.0])",
        "11 [11, 11]",
        "0.92 [0.92, 0.92] (p 0.031)",
        "4.7 [4.7, 4.7]",
        "0.58 [0.58, 0.58] (p 0.031)",
    ]
    table = class_table(paper, "x")
    assert table.columns == ("class", "random")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["cat", "11 [11, 11]"],
        ["cow", "12 [12, 12]"],
        ["dog", "1 [1, 1]"],
    ]
