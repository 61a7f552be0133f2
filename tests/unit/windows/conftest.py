from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.windows.window_strategies import NIGHT

from aloe.windows import Source, TableFormat, Window, WindowTable, read_windows


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Write a file as it stands and return its path."""

    def put(text: str, encoding: str = "utf-8") -> Path:
        file = tmp_path / "table"
        file.write_bytes(text.encode(encoding))
        return file

    return put


@pytest.fixture
def read(put: Callable[..., Path]) -> Callable[..., WindowTable]:
    """Read a text as a table, of the night's recording unless it names others."""

    def read(
        text: str, table_format: TableFormat | None = None, lengths=None, encoding="utf-8", **source
    ) -> WindowTable:
        source = {"recording": NIGHT, **source}
        return read_windows(Source(put(text, encoding), **source), table_format, lengths=lengths)

    return read


@pytest.fixture
def windows_of(read: Callable[..., WindowTable]) -> Callable[..., list[Window]]:
    """Return what is read of a text."""
    return lambda *text, **options: list(read(*text, **options).windows)
