"""Results files with a planted outcome."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aloe.bench.results.schema import ALL_LABELS, METADATA_KEY, RESULTS_FILE, SCHEMA
from aloe.bench.spec import PAPER_HEAD_RECIPE

METADATA = {"experiment": {"seeds": 10, "rounds": 20}, "versions": {"aloe-speech": "0.1.0"}}
CEILING, CEILING_LABEL_COUNT = 0.9, 2400
ADVANTAGE = {"smallest_margin": 0.06, "entropy": 0.0, "largest_margin": -0.06}
"""Of an acquisition function above random, in accuracy; noise between seeds is about 0.01."""


def run_rows(function: str, seed: int, **changes: Any) -> list[dict[str, Any]]:
    """Return the rows of one run of 21 heads, 50 to 250 labels."""
    generator = np.random.default_rng([seed, sum(function.encode())])
    advantage = ADVANTAGE.get(function, 0.0) + generator.normal(scale=0.005)
    rows = []
    for number in range(21):
        part = number / 20
        accuracy = 0.4 + 0.4 * part**0.5 + advantage * min(1.0, 4 * part)
        accuracy += generator.normal(scale=0.005)
        rows.append(
            {
                "dataset": "fsdd",
                "encoder": "yamnet",
                "task": "digit",
                "acquisition_function": function,
                "selection_rule": "class-aware",
                "oracle": "perfect",
                "seed": seed,
                "head_recipe": PAPER_HEAD_RECIPE,
                "representation": "none",
                "audit_share": 0.0,
                "round": number,
                "head_version": number + 1,
                "label_count": 50 + 10 * number,
                "stop": ["plateau"] if number >= 15 and seed != 0 else [],
                "test_accuracy": accuracy,
                "test_macro_f1": accuracy - 0.01,
                "test_calibration_error": 0.1,
                "round_s": 0.25,
            }
            | changes
        )
    return rows


def ceiling_rows(seed: int, **changes: Any) -> list[dict[str, Any]]:
    """Return the one row of a head trained on every label."""
    row = run_rows(ALL_LABELS, seed)[0]
    return [
        row
        | {
            "selection_rule": "",
            "label_count": CEILING_LABEL_COUNT,
            "stop": [],
            "test_accuracy": CEILING,
        }
        | changes
    ]


def planted_rows(
    functions: Iterable[str] = ("smallest_margin", "entropy", "random"), seed_count: int = 10
) -> list[dict[str, Any]]:
    """Return runs of every acquisition function and seed, and the ceilings."""
    seeds = range(seed_count)
    runs = [row for name in functions for seed in seeds for row in run_rows(name, seed)]
    return runs + [row for seed in seeds for row in ceiling_rows(seed)]


def write_results(
    folder: Path, rows: list[dict[str, Any]], metadata: Mapping[str, Any] | None = METADATA
) -> Path:
    """Write a results file and return its folder."""
    schema = SCHEMA
    if metadata is not None:
        schema = SCHEMA.with_metadata({METADATA_KEY: json.dumps(metadata).encode()})
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / RESULTS_FILE)
    return folder
