import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contract.encoders.conftest import SavedModel

from aloe.embedding.adapters.known_encoders import KNOWN_ENCODERS
from aloe.embedding.adapters.loading import EncoderSource, load_encoder
from aloe.embedding.adapters.tensorflow_encoder import load_saved_model
from aloe.embedding.domain.errors import ConfigurationError, InvalidAudio
from aloe.embedding.domain.length_policy import Exact, Grid, Trillsson, Window
from aloe.embedding.ports.encoder import Encoder


def load(location: Path | str, **options: Any) -> Encoder:
    return load_encoder(EncoderSource(str(location), max_clip_s=60, **options))


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        ("like_yamnet", "grid(15600,7680)"),
        ("like_trillsson", "trillsson"),
        ("tensor_output", "exact"),
        ("signature_only", "exact"),
        ("like_trill", "exact"),
    ],
)
def test_probe_finds_the_length_policy(saved_model: SavedModel, kind: str, policy: str) -> None:
    assert str(load(saved_model(kind)).info.length_policy) == policy


def test_real_yamnet_is_on_the_grid(yamnet_folder: Path) -> None:
    info = load(yamnet_folder).info
    assert (info.encoder_id, info.embedding_dim) == ("yamnet", 1024)
    assert info.length_policy == Grid(15_600, 7_680)


def test_stated_policy_that_does_not_hold_gives_way_to_exact(
    saved_model: SavedModel, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = load_saved_model(
        saved_model("tensor_output"), "x", max_clip_s=60, stated_policy=Trillsson()
    )
    assert encoder.info.length_policy == Exact()
    assert "trillsson does not hold" in caplog.text


def test_stated_minimum_is_kept_where_shorter_clips_are_refused(saved_model: SavedModel) -> None:
    encoder = load_saved_model(
        saved_model("like_frill"), "x", max_clip_s=60, stated_policy=Exact(16_000)
    )
    assert encoder.info.length_policy == Exact(16_000)


def test_given_policy_is_taken_as_it_is(saved_model: SavedModel) -> None:
    encoder = load(saved_model("like_yamnet"), length_policy=Window(16_000))
    assert encoder.info.length_policy == Window(16_000)


def test_too_short_a_clip_for_the_network_is_the_clips_fault(saved_model: SavedModel) -> None:
    encoder = load(saved_model("like_frill"))
    with pytest.raises(InvalidAudio, match=r"no clip of 0\.062 s"):
        encoder.embed(np.zeros((1, 1_000), np.float32))


def test_fingerprint_is_the_same_in_another_place(saved_model: SavedModel, tmp_path: Path) -> None:
    original = saved_model("tensor_output")
    copy = shutil.copytree(original, tmp_path / "elsewhere" / "copy")
    (copy / "fingerprint.pb").unlink()
    assert load(original).info.fingerprint == load(copy).info.fingerprint


def test_fingerprint_tells_weights_apart(saved_model: SavedModel, tmp_path: Path) -> None:
    original = saved_model("tensor_output")
    assert load(original).info.fingerprint != load(saved_model("like_frill")).info.fingerprint
    copy = shutil.copytree(original, tmp_path / "copy")
    (copy / "assets" / "labels.txt").parent.mkdir(exist_ok=True)
    (copy / "assets" / "labels.txt").write_text("other")
    assert load(original).info.fingerprint != load(copy).info.fingerprint


@pytest.mark.parametrize(
    "options", [{"length_policy": Window(16_000)}, {"preprocessing": "int16/32767"}]
)
def test_fingerprint_tells_preprocessing_apart(options: dict[str, Any]) -> None:
    assert load("logmel").info.fingerprint != load("logmel", **options).info.fingerprint


@pytest.mark.slow
def test_fingerprint_is_the_same_in_another_process() -> None:
    code = (
        "from aloe.embedding.adapters.loading import EncoderSource, load_encoder;"
        "print(load_encoder(EncoderSource('logmel', max_clip_s=60)).info.fingerprint)"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == load("logmel").info.fingerprint
    assert other.stderr == ""


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("no-such-encoder", r"no encoder 'no-such-encoder'.*trillsson5"),
        ("{empty}", r"holds no SavedModel .*give the folder"),
        ("{broken}", r"cannot be loaded .*fetch it again"),
    ],
)
def test_what_cannot_be_loaded_is_one_line_with_the_remedy(
    tmp_path: Path, location: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "saved_model.pb").write_bytes(b"this is no graph")
    places = {name: str(tmp_path / name) for name in ("empty", "broken")}
    with pytest.raises(ConfigurationError, match=message) as caught:
        load(location.format(**places))
    assert "\n" not in str(caught.value)


def test_a_saved_model_of_another_kind_is_refused_with_every_call_that_was_tried(
    saved_model: SavedModel,
) -> None:
    with pytest.raises(ConfigurationError, match=r"does not map float32 audio.*m\(x\): "):
        load(saved_model("not_an_encoder"))


def test_without_a_network_the_message_says_where_to_fetch_it_by_hand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Nothing listens there, so that the test asks no real server.
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"cannot fetch .*download it from .*its folder"):
        load("http://127.0.0.1:9/google/trillsson3/1")


def test_encoder_in_the_hub_cache_needs_no_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, saved_model: SavedModel
) -> None:
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "none"))
    handle = KNOWN_ENCODERS["trillsson3"].handle
    name = hashlib.sha1(handle.encode()).hexdigest()  # noqa: S324  # how tensorflow_hub names it
    shutil.copytree(saved_model("like_trillsson"), tmp_path / name)
    info = load("trillsson3").info
    assert (info.encoder_id, info.length_policy) == ("trillsson3", Trillsson())


def test_encoder_in_the_kaggle_cache_needs_no_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, saved_model: SavedModel
) -> None:
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))
    kept = tmp_path / "models" / "google" / "trillsson" / "tensorFlow2" / "3" / "1"
    shutil.copytree(saved_model("like_trillsson"), kept)
    assert load("trillsson3").info.encoder_id == "trillsson3"


def test_the_built_in_encoder_takes_another_name_too() -> None:
    assert load("logmel", encoder_id="mine").info.encoder_id == "mine"


@pytest.mark.parametrize(
    ("location", "encoder_id"),
    [("{root}/my-net", "my-net"), ("{root}/my-net/3", "my-net")],
)
def test_an_encoder_is_named_after_its_folder(
    saved_model: SavedModel, tmp_path: Path, location: str, encoder_id: str
) -> None:
    folder = Path(location.format(root=tmp_path))
    shutil.copytree(saved_model("tensor_output"), folder)
    assert load(folder).info.encoder_id == encoder_id
