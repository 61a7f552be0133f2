import shutil
from pathlib import Path

from aloe.bench.datasets import Dataset, Recording
from aloe.bench.run.parts import parts_of
from aloe.bench.spec import DatasetSpec, Spec
from aloe.client import Split

CLIPS = tuple(
    Recording(f"{label}{split.value}", Path("a.wav"), split, {"label": label})
    for label in ("yes", "no")
    for split in (Split.TRAIN, Split.TEST)
)
VOICES = Dataset("voices", CLIPS, {"label": ("yes", "no")})


def folder_of(encoder: Path | str, embeddings: Path) -> Path:
    spec = Spec((DatasetSpec("voices", tasks=("label",)),), encoders=(str(encoder),))
    (part,) = parts_of(spec, {"voices": VOICES}, embeddings)
    return part.folder


def test_replaced_weights_have_embeddings_of_their_own(tmp_path: Path) -> None:
    weights = tmp_path / "net" / "variables" / "variables.data"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"first")
    first = folder_of(tmp_path / "net", tmp_path)
    assert first == folder_of(tmp_path / "net", tmp_path)
    shutil.copytree(tmp_path / "net", tmp_path / "elsewhere" / "net")
    assert first == folder_of(tmp_path / "elsewhere" / "net", tmp_path)
    # As long as before.
    weights.write_bytes(b"other")
    assert first != folder_of(tmp_path / "net", tmp_path)


def test_encoders_by_name_have_embeddings_of_their_own(tmp_path: Path) -> None:
    assert folder_of("logmel", tmp_path) == folder_of("logmel", tmp_path)
    assert folder_of("logmel", tmp_path) != folder_of("frill", tmp_path)
