from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contract.encoders import saved_models

BUILDERS: dict[str, Callable[[Path], Path]] = {
    name.removeprefix("save_"): build
    for name, build in vars(saved_models).items()
    if name.startswith("save_")
}


SavedModel = Callable[[str], Path]
"""The kind of a tiny SavedModel to its folder."""


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> SavedModel:
    """Return the folder of one of the tiny SavedModels, made once."""
    folders: dict[str, Path] = {}

    def get(kind: str) -> Path:
        if kind not in folders:
            folders[kind] = BUILDERS[kind](tmp_path_factory.mktemp(kind) / kind)
        return folders[kind]

    return get


@pytest.fixture(scope="session")
def yamnet_folder() -> Path:
    folder = Path(__file__).parents[4] / "shared" / "encoders" / "yamnet"
    if not folder.is_dir():
        pytest.skip("optional data: ../shared/encoders/yamnet is not here")
    return folder
