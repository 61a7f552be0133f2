"""Files for tests of what reads folders."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Write files below tmp_path, empty unless given content, and return tmp_path."""

    def put(*names: str, **contents: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        for name, content in contents.items():
            (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8")
        return tmp_path

    return put
