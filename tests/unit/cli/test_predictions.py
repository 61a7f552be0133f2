"""What is told of predictions for files."""

from pathlib import Path

import numpy as np

from aloe.cli.predictions import _rows
from aloe.client import Predictions


def predictions(accepted: tuple[bool, ...] | None) -> Predictions:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6]], np.float32)
    return Predictions(probabilities, ("no", "yes"), ("no", "yes"), (3, 3), accepted=accepted)


def test_files_say_whether_they_are_accepted_where_that_was_asked():
    files = [Path("a.wav"), Path("b.wav")]
    rows = list(_rows(files, predictions((True, False))))
    assert [(row.label, row.accepted) for row in rows] == [("no", True), ("yes", False)]
    assert [row.accepted for row in _rows(files, predictions(None))] == [None, None]
