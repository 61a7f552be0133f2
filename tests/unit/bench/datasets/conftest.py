from collections.abc import Callable
from pathlib import Path

import pytest

from aloe.bench.datasets import DatasetError, load


@pytest.fixture
def complaint() -> Callable[..., str]:
    """Return what load() says of a data set that cannot be used, one line."""

    def complaint(name_or_path: str | Path, root: Path | None = None) -> str:
        with pytest.raises(DatasetError) as caught:
            load(name_or_path, root)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return complaint
