"""The runs of a results file, as arrays."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aloe.bench.report.intervals import FloatArray
from aloe.bench.schema import ALL_LABELS, METADATA_KEY, RESULTS_FILE, RUN_COLUMNS, SCHEMA
from aloe.client.types import AcquisitionFunction, SelectionRule

FIGURES = ("test_accuracy", "test_macro_f1", "test_calibration_error", "round_s")
"""The numbers of a head that the report uses."""
_COLUMNS = (*RUN_COLUMNS, "round", "label_count", "stop", *FIGURES)


class ReportError(Exception):
    """A report that cannot be made: one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Within one setting, strategies are compared."""

    dataset: str
    encoder: str
    task: str
    oracle: str


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The heads of one run, in the order of their rounds."""

    setting: Setting
    strategy: str
    """The value of an acquisition function, or ALL_LABELS."""
    sampling: str
    """The value of a selection rule; empty for ALL_LABELS."""
    seed: int
    rounds: FloatArray
    """(n_heads,)"""
    labels: FloatArray
    """(n_heads,) train labels"""
    figures: Mapping[str, FloatArray]
    """Of FIGURES, each (n_heads,), NaN where nothing was measured."""
    stops: tuple[tuple[str, ...], ...]
    """The stopping rules that say stop, per head."""

    def last(self, figure: str) -> float:
        """Return a figure of the last head."""
        return float(self.figures[figure][-1])

    def curve(self, places: FloatArray) -> FloatArray:
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
        _check_columns(path, file.schema_arrow)
        table = file.read(list(_COLUMNS))
        metadata = json.loads((file.schema_arrow.metadata or {}).get(METADATA_KEY, b"{}"))
    except (pa.ArrowException, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ReportError(
            f"cannot read {path}: {reason}; is it the results of a bench run?"
        ) from error
    runs = _runs(table)
    if not runs:
        raise ReportError(f"no run is in {path} yet: let a bench run finish at least one")
    _check_names(path, runs)
    return Results(
        runs=tuple(run for run in runs if run.strategy != ALL_LABELS),
        ceilings=tuple(run for run in runs if run.strategy == ALL_LABELS),
        metadata=metadata,
    )


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
    strategies = {each.value for each in AcquisitionFunction}
    samplings = {each.value for each in SelectionRule}
    for run in runs:
        if run.strategy != ALL_LABELS and not (
            run.strategy in strategies and run.sampling in samplings
        ):
            raise ReportError(
                f"{path} holds runs of {run.strategy!r}, {run.sampling!r}, which this version does"
                " not know: use the version of aloe that wrote it"
            )


def _runs(table: pa.Table) -> list[Run]:
    """Group rows by run, in the order in which runs first occur."""
    columns = {name: table[name].to_pylist() for name in _COLUMNS}
    rows_of: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*(columns[name] for name in RUN_COLUMNS), strict=True)):
        rows_of.setdefault(key, []).append(row)
    return [_run(key, rows, columns) for key, rows in rows_of.items()]


def _run(key: tuple[Any, ...], rows: list[int], columns: Mapping[str, list[Any]]) -> Run:
    dataset, encoder, task, strategy, sampling, oracle, seed = key
    rows = sorted(rows, key=lambda row: columns["round"][row])

    def numbers(name: str) -> FloatArray:
        return np.array([columns[name][row] for row in rows], dtype=np.float64)

    return Run(
        setting=Setting(dataset, encoder, task, oracle),
        strategy=strategy,
        sampling=sampling,
        seed=seed,
        rounds=numbers("round"),
        labels=numbers("label_count"),
        figures={name: numbers(name) for name in FIGURES},
        stops=tuple(tuple(columns["stop"][row] or ()) for row in rows),
    )


def strategies_of(runs: Sequence[Run]) -> list[str]:
    """Return the strategies that occur, random last: it is what the others are compared with."""
    found = Counter(run.strategy for run in runs)
    order = [each.value for each in AcquisitionFunction if each.value in found]
    return sorted(order, key=lambda name: name == AcquisitionFunction.RANDOM.value)
