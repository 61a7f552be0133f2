"""Windows as a Parquet file, where pyarrow is installed."""

from collections.abc import Sequence
from pathlib import Path

from aloe.tables import TableError
from aloe.windows.cells import OWN_COLUMNS
from aloe.windows.window import Window


def write_parquet(windows: Sequence[Window], file: Path) -> None:
    """Write a row for each window; what is not said of it is null.

    Raises:
        TableError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise TableError("Parquet needs pyarrow: pip install 'aloe-speech[all]'") from error
    own = OWN_COLUMNS
    columns = {
        own.recording: pa.array([each.recording for each in windows], pa.string()),
        own.start: pa.array([each.start_s for each in windows], pa.float64()),
        own.end: pa.array([each.end_s for each in windows], pa.float64()),
        own.label: pa.array([each.label for each in windows], pa.string()),
        own.channel: pa.array([each.channel for each in windows], pa.int32()),
        own.low: pa.array([each.low_hz for each in windows], pa.float64()),
        own.high: pa.array([each.high_hz for each in windows], pa.float64()),
        own.probability: pa.array([each.probability for each in windows], pa.float64()),
    }
    for name in {name: None for each in windows for name in each.more}:
        columns[name] = pa.array([each.more.get(name) for each in windows], pa.string())
    pa.parquet.write_table(pa.table(columns), file)
