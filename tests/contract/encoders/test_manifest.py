import shutil
from pathlib import Path

import pytest
from tests.contract.encoders.conftest import SavedModel

from aloe.embedding.adapters.loading import EncoderSource, load_encoder, load_encoders
from aloe.embedding.adapters.manifest import read_manifest
from aloe.embedding.domain.errors import ConfigurationError
from aloe.embedding.domain.length_policy import Exact
from aloe.embedding.ports.encoder import LazyEncoder


def read(folder: Path, text: str) -> list[EncoderSource]:
    path = folder / "encoders.toml"
    path.write_text(text)
    return read_manifest(path, max_clip_s=60, preprocessing="")


def test_a_manifest_lists_encoders_with_folders_beside_it(
    saved_model: SavedModel, tmp_path: Path
) -> None:
    shutil.copytree(saved_model("tensor_output"), tmp_path / "models" / "net")
    sources = read(
        tmp_path,
        """
        [[encoder]]
        location = "logmel"
        [[encoder]]
        location = "models/net"
        encoder_id = "mine"
        length_policy = "exact(16000)"
        """,
    )
    first, second = map(load_encoder, sources)
    assert (first.info.encoder_id, second.info.encoder_id) == ("logmel", "mine")
    assert second.info.length_policy == Exact(16_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no encoder"),
        ("encoder = 3", "lists no encoder"),
        ("[[encoder]", "cannot be read"),
        ('[[encoder]]\nlocation = "logmel"\n[[encoder]]', r"number 2 .* location is missing"),
        ('[[encoder]]\nlocation = ""', "location is ''; give a text"),
        (
            '[[encoder]]\nplace = "x"',
            "'place' is none of encoder_id, length_policy, load, location",
        ),
        ('[[encoder]]\nlocation = "logmel"\nload = "never"', "'never'; give start or lazy"),
        ('[[encoder]]\nlocation = "logmel"\nlength_policy = "odd"', "'odd' is no length policy"),
    ],
)
def test_a_wrong_manifest_is_one_line_that_names_the_place(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_lazy_encoder_is_not_looked_at_before_it_is_asked_for(tmp_path: Path) -> None:
    sources = read(tmp_path, '[[encoder]]\nlocation = "no/such/net/1"\nload = "lazy"')
    (lazy,) = load_encoders(sources)
    assert isinstance(lazy, LazyEncoder)
    assert lazy.encoder_id == "net"
    with pytest.raises(ConfigurationError, match="there is no encoder"):
        lazy.load()


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml cannot be read"):
        read_manifest(tmp_path / "nowhere.toml", max_clip_s=60, preprocessing="")


def test_two_encoders_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="two encoders are called 'logmel'"):
        load_encoders([EncoderSource("logmel", max_clip_s=60)] * 2)
