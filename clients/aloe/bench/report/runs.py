"""The runs of a results file, as arrays."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aloe.bench.arrays import Float64Array
from aloe.bench.report.arms import CHOICE_COLUMNS, SETTING_COLUMNS, Arm, choice_text
from aloe.bench.results import old_names
from aloe.bench.results.schema import ALL_LABELS, METADATA_KEY, RESULTS_FILE, RUN_COLUMNS, SCHEMA
from aloe.client.types import AcquisitionFunction, SelectionRule
from aloe.values.labels import SEPARATOR

FIGURES = (
    "validation_accuracy",
    "test_accuracy",
    "test_macro_f1",
    "test_calibration_error",
    "round_s",
)
"""The numbers of a head that the report uses."""
LATER_FIGURES = (
    *("estimated_accuracy", "estimated_low", "estimated_high"),
    *(
        f"{part}_{what}_count"
        for part in ("rest", "test")
        for what in ("clip", "right", "accepted", "wrong")
    ),
    *(f"{split}_mean_average_precision" for split in ("validation", "test")),
)
"""Likewise; results of earlier versions do not have them."""
_NEVER_NULL = (*RUN_COLUMNS, "round", "label_count")
_COLUMNS = (*_NEVER_NULL, "stop", "pick_labels", *FIGURES)


class ReportError(Exception):
    """A report that cannot be made: one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What runs must have in common to be compared."""

    dataset: str
    encoder: str
    task: str
    oracle: str
    is_several: bool = False
    """Whether a clip may have several labels; the mean average precision then stands in place of
    accuracy, everywhere."""

    @property
    def measure(self) -> str:
        """What stands where it says accuracy."""
        return "mean average precision" if self.is_several else "accuracy"

    @property
    def title(self) -> str:
        title = f"{self.dataset}, {self.task}, {self.encoder}"
        if self.is_several:
            title += f" ({self.measure} in place of accuracy)"
        return title if self.oracle == "perfect" else f"{title}, oracle {self.oracle}"


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The heads of one run, in the order of their rounds."""

    setting: Setting
    arm: Arm
    """Its acquisition function is ALL_LABELS for a ceiling."""
    seed: int
    rounds: Float64Array
    """(n_heads,)"""
    labels: Float64Array
    """(n_heads,) train labels"""
    figures: Mapping[str, Float64Array]
    """Of FIGURES and LATER_FIGURES, each (n_heads,), NaN where nothing was measured."""
    stops: tuple[tuple[str, ...], ...]
    """The stopping rules that say stop, per head."""
    answers: tuple[tuple[str | None, ...], ...]
    """What was asked by a head and answered, per head: a class, or several in one text, or None for
    an abstention."""

    @property
    def acquisition_function(self) -> str:
        return self.arm.acquisition_function

    @property
    def selection_rule(self) -> str:
        return self.arm.selection_rule

    @property
    def seed_label_count(self) -> int:
        """Labels of the first head, which it did not ask for."""
        return int(self.labels[0])

    def classes_in(self, answer: str | None) -> Sequence[str]:
        """Return the classes that an answer names."""
        if answer is None:
            return ()
        return answer.split(SEPARATOR) if self.setting.is_several else (answer,)

    def at(self, figure: str, place: int) -> float:
        """Return a figure of a head, by its place."""
        return float(self.figures[figure][place])

    def last(self, figure: str) -> float:
        """Return a figure of the last head."""
        return self.at(figure, -1)

    def curve(self, places: Float64Array) -> Float64Array:
        """Return (2, n_points): places (labels or rounds) above the test accuracies there."""
        accuracies = self.figures["test_accuracy"]
        known = np.isfinite(accuracies)
        return np.array([places[known], accuracies[known]])


@dataclass(frozen=True, slots=True)
class Results:
    """What a results file holds."""

    runs: tuple[Run, ...]
    ceilings: tuple[Run, ...]
    """Of ALL_LABELS."""
    metadata: Mapping[str, Any]

    @property
    def max_expected_error(self) -> float:
        """What part of the predictions that heads accepted was to be wrong at most."""
        return float(self.metadata.get("spec", {}).get("max_expected_error", 0.0))


def read_results(folder: Path) -> Results:
    """Read the results of an experiment.

    Raises:
        ReportError: there is no results file, or it is no such file, or no run is in it.
    """
    path = folder / RESULTS_FILE
    if not path.is_file():
        raise ReportError(f"no {RESULTS_FILE} in {folder}: give the folder that a bench run wrote")
    try:
        file = pq.ParquetFile(path)
        _check_columns(path, old_names.schema_of(file))
        table = old_names.read(file, (*_COLUMNS, *LATER_FIGURES))
        metadata = _metadata(file)
    except (OSError, pa.ArrowException, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ReportError(
            f"cannot read {path}: {reason}; is it the results of a bench run?"
        ) from error
    for name in _NEVER_NULL:
        if table[name].null_count:
            raise ReportError(
                f"{path} is not the results of a bench run: rows of its column {name!r} are empty"
            )
    runs = _runs(table)
    if not runs:
        raise ReportError(f"no run is in {path} yet: let a bench run finish at least one")
    _check_names(path, runs)
    return Results(
        runs=tuple(run for run in runs if run.acquisition_function != ALL_LABELS),
        ceilings=tuple(run for run in runs if run.acquisition_function == ALL_LABELS),
        metadata=metadata,
    )


def _metadata(file: pq.ParquetFile) -> dict[str, Any]:
    """Read what is kept beside the rows. Raises TypeError, ValueError: it is no such thing."""
    metadata = json.loads((file.schema_arrow.metadata or {}).get(METADATA_KEY, b"{}"))
    kinds = {"spec": dict, "parts": list}
    if not isinstance(metadata, dict) or not all(
        isinstance(metadata.get(name, kind()), kind) for name, kind in kinds.items()
    ):
        raise TypeError("its metadata are no table")
    if "spec" in metadata:
        metadata["spec"] = old_names.todays_table(metadata["spec"])
        float(metadata["spec"].get("max_expected_error", 0.0))  # Else it is none of ours.
    return metadata


def _check_columns(path: Path, schema: pa.Schema) -> None:
    for name in _COLUMNS:
        expected = SCHEMA.field(name).type
        found = schema.field(name).type if name in schema.names else None
        if found != expected:
            has = "is missing" if found is None else f"is {found}, not {expected}"
            raise ReportError(
                f"{path} is not the results of a bench run: its column {name!r} {has}"
            )


def _check_names(path: Path, runs: Sequence[Run]) -> None:
    functions = {each.value for each in AcquisitionFunction}
    rules = {each.value for each in SelectionRule}
    for run in runs:
        if run.acquisition_function != ALL_LABELS and not (
            run.acquisition_function in functions and run.selection_rule in rules
        ):
            raise ReportError(
                f"{path} holds runs of {run.acquisition_function!r}, {run.selection_rule!r},"
                " which this version does not know: use the version of aloe that wrote it"
            )


def _runs(table: pa.Table) -> list[Run]:
    """Group rows by run, in the order in which runs first occur."""
    columns = {name: table[name].to_pylist() for name in (*_COLUMNS, *LATER_FIGURES)}
    rows_of: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*(columns[name] for name in RUN_COLUMNS), strict=True)):
        rows_of.setdefault(key, []).append(row)
    return [_run(key, rows, columns) for key, rows in rows_of.items()]


def _run(key: tuple[Any, ...], rows: list[int], columns: Mapping[str, list[Any]]) -> Run:
    values = dict(zip(RUN_COLUMNS, key, strict=True))
    rows = sorted(rows, key=lambda row: columns["round"][row])

    def numbers(name: str) -> Float64Array:
        return np.array([columns[name][row] for row in rows], dtype=np.float64)

    figures = {name: numbers(name) for name in (*FIGURES, *LATER_FIGURES)}
    is_several = bool(np.isfinite(figures["test_mean_average_precision"]).any())
    for split in ("validation", "test") if is_several else ():
        figures[f"{split}_accuracy"] = figures[f"{split}_mean_average_precision"]
    return Run(
        setting=Setting(**{name: values[name] for name in SETTING_COLUMNS}, is_several=is_several),
        arm=Arm(
            values["acquisition_function"],
            values["selection_rule"],
            tuple((name, choice_text(name, values[name])) for name in CHOICE_COLUMNS),
        ),
        seed=values["seed"],
        rounds=numbers("round"),
        labels=numbers("label_count"),
        figures=figures,
        stops=tuple(tuple(columns["stop"][row] or ()) for row in rows),
        answers=tuple(tuple(columns["pick_labels"][row] or ()) for row in rows),
    )
