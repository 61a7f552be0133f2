"""pyarrow, where it is installed."""

from typing import Any

from aloe.cli.console import CommandError


def arrow() -> Any:
    """Return pyarrow.

    Raises:
        CommandError: it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise CommandError("backups need pyarrow: pip install 'aloe-speech[all]'") from error
    return pa
