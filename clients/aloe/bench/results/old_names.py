"""Results and experiments of earlier versions, read under the names of today.

Then the acquisition function was called "strategy", the selection rule "sampling", and the
acquisition function smallest_margin "margin". There was no choice of head recipes,
representations and audits yet.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aloe.bench.results.schema import ALL_LABELS, SCHEMA
from aloe.bench.spec import PAPER_HEAD_RECIPE
from aloe.bench.spec.toml import RENAMED_KEYS
from aloe.client import Representation

_COLUMNS = {"acquisition_function": "strategy", "selection_rule": "sampling"}
"""Name of a column to its old one."""
_FUNCTIONS = {"smallest_margin": "margin"}
"""Name of an acquisition function to its old one."""
ONLY_VALUES: Mapping[str, Any] = {
    "head_recipe": PAPER_HEAD_RECIPE,
    "representation": Representation.NONE.value,
    "audit_share": 0.0,
}
"""Name of a column that there was not to what would have stood there; but see _UNSAID_AUDITS."""
_UNSAID_AUDITS = 0.05
"""What the learner drew at random for heads by `logistic` between the first estimates, which have a
column, and the choice of audits."""


def todays_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment, as a table of plain values, under the names of today."""
    if "acquisition_functions" in table:
        return dict(table)
    renames = {**RENAMED_KEYS, "strategies": "acquisition_functions"}
    renamed = {renames.get(key, key): value for key, value in table.items()}
    if "strategies" in table:
        todays = {old: new for new, old in _FUNCTIONS.items()}
        renamed["acquisition_functions"] = [todays.get(e, e) for e in table["strategies"]]
    return renamed


def schema_of(file: pq.ParquetFile) -> pa.Schema:
    """Return the columns of a file of results under the names of today."""
    schema = file.schema_arrow
    for new, old in _COLUMNS.items():
        if old in schema.names:
            place = schema.get_field_index(old)
            schema = schema.set(place, schema.field(place).with_name(new))
    for name in ONLY_VALUES:
        if name not in schema.names:
            schema = schema.append(SCHEMA.field(name))
    return schema


def read(file: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    """Read some columns of a file of results, under the names of today.

    Columns that came later are null, or have the only value that there was.
    """
    todays, kept = schema_of(file), file.schema_arrow.names
    names = {each: each if each in kept else _COLUMNS.get(each) for each in columns}
    stored = {each: name for each, name in names.items() if name and name in kept}
    table = file.read(list(stored.values()))
    arrays = [
        _todays_values(stored[each], table[stored[each]])
        if each in stored
        else _missing_values(file, each, table.num_rows)
        for each in columns
    ]
    fields = [(todays if each in todays.names else SCHEMA).field(each) for each in columns]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, table.schema.metadata))


def _missing_values(file: pq.ParquetFile, column: str, row_count: int) -> pa.Array:
    """Return what would have stood in a column that there was not."""
    kind = SCHEMA.field(column).type
    if column != "audit_share" or "audit_label_count" not in file.schema_arrow.names:
        return pa.array([ONLY_VALUES.get(column)] * row_count, kind)
    recipes, functions = (
        file.read([name])[name].to_pylist() for name in ("head_recipe", "acquisition_function")
    )
    return pa.array(
        [
            _UNSAID_AUDITS if recipe.startswith("logistic") and function != ALL_LABELS else 0.0
            for recipe, function in zip(recipes, functions, strict=True)
        ],
        kind,
    )


def _todays_values(stored_name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    if stored_name == _COLUMNS["acquisition_function"]:
        for new, old in _FUNCTIONS.items():
            values = pc.if_else(pc.equal(values, old), new, values)
    return values


def old_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that tell a run from others with the values that they had."""
    function = run["acquisition_function"]
    return {**run, "acquisition_function": _FUNCTIONS.get(function, function)}
