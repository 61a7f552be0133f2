"""pyarrow, where it is installed."""

from typing import Any

from aloe.cli.console import CommandError


def arrow(what: str = "backups") -> Any:
    """Return pyarrow, which something needs, a plural for messages.

    Raises:
        CommandError: it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise CommandError(f"{what} need pyarrow: pip install 'aloe-speech[all]'") from error
    return pa
