from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.encoders import saved_models
from tests.rpc.embedding.serving import serve

from aloe.embedding.adapters.loading import EncoderSource, load_encoder
from aloe.embedding.ports.encoder import Encoder

SHARED = Path(__file__).parents[4] / "shared"


@pytest.fixture(scope="session")
def logmel() -> Encoder:
    return load_encoder(EncoderSource("logmel", max_clip_s=5.0))


@pytest.fixture(scope="session")
def grid_encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = saved_models.save_like_yamnet(tmp_path_factory.mktemp("models") / "grid-net")
    return load_encoder(EncoderSource(str(folder), max_clip_s=5.0))


@pytest.fixture
async def stub(logmel: Encoder, grid_encoder: Encoder) -> AsyncIterator[Any]:
    """Return a stub of a server with two encoders, logmel being the default."""
    async with serve(logmel, grid_encoder) as stub:
        yield stub


@pytest.fixture(scope="session")
def fsdd_clips() -> list[bytes]:
    """Return the 3,000 recordings of the Free Spoken Digit Dataset."""
    folder = SHARED / "data" / "fsdd" / "recordings"
    if not folder.is_dir():
        pytest.skip("optional data: ../shared/data/fsdd is not here")
    return [path.read_bytes() for path in sorted(folder.glob("*.wav"))]


@pytest.fixture(scope="session")
def yamnet() -> Encoder:
    folder = SHARED / "encoders" / "yamnet"
    if not folder.is_dir():
        pytest.skip("optional data: ../shared/encoders/yamnet is not here")
    return load_encoder(EncoderSource(str(folder), max_clip_s=60.0))
