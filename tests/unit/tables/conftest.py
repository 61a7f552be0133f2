from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write a file and return its path."""

    def write(text: str, encoding: str = "utf-8") -> Path:
        file = tmp_path / "table"
        file.write_bytes(text.encode(encoding))
        return file

    return write
