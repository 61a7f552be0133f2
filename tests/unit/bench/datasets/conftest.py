from collections.abc import Callable
from pathlib import Path

import pytest

from aloe.bench.datasets import DatasetError, load


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


@pytest.fixture
def complaint() -> Callable[..., str]:
    """Return what load() says of a data set that cannot be used, one line."""

    def complaint(name_or_path: str | Path, root: Path | None = None) -> str:
        with pytest.raises(DatasetError) as caught:
            load(name_or_path, root)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return complaint
