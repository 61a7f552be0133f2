"""How far estimates of accuracy are from the truth: by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.bench.report.runs_in_memory import HERDING, run_of

from aloe.bench.report.estimates import estimate_errors
from aloe.bench.report.runs import Run
from aloe.bench.report.setting_tables import estimate_table

NAN = float("nan")


def estimating(seed: int, truth: list[float], value: list[float], labels: list[float]) -> Run:
    """Return a run whose intervals are 0.1 to each side."""
    run = run_of(HERDING, seed, truth, labels=labels)
    values = np.array(value)
    named = {"accuracy": values, "low": values - 0.1, "high": values + 0.1}
    return replace(run, figures={**run.figures, **{f"estimated_{k}": v for k, v in named.items()}})


def test_errors_of_two_runs_by_hand():
    runs = [
        estimating(1, [0.5, 0.7, 0.9], [NAN, 0.65, 0.80], [20, 48, 99]),
        estimating(2, [0.6, 0.6, 0.9], [NAN, 0.75, 0.95], [20, 50, 101]),
    ]
    at_50, at_100 = estimate_errors("herding", runs)
    assert (at_50.label_count, at_50.run_count) == (50, 2)
    assert at_50.absolute_error.value == pytest.approx(0.1)
    assert at_50.error.value == pytest.approx(0.05)
    assert at_50.covered == 0.5
    assert at_50.width == pytest.approx(0.2)
    # The head of 101 labels is beyond, that of 50 too far away.
    assert (at_100.label_count, at_100.run_count) == (100, 1)
    assert at_100.error.value == pytest.approx(-0.1)


def test_runs_without_estimates_or_with_few_labels_say_nothing():
    assert estimate_errors("herding", [run_of(HERDING, 1, [0.5] * 10)]) == ()
    assert estimate_errors("herding", [estimating(1, [0.5], [0.5], [30])]) == ()


def test_a_table_has_a_row_for_each_label_count():
    errors = estimate_errors("herding", [estimating(1, [0.5, 0.5], [0.6, 0.45], [50, 200])])
    table = estimate_table(errors, "linear", "t")
    assert [[cell.text for cell in row][1:] for row in table.rows] == [
        ["50", "1", "10.0", "10.0", "100", "20"],
        ["200", "1", "5.0", "−5.0", "100", "20"],
    ]
