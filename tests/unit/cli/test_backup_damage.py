"""A backup that is not as it was written is told in one line, before anything of it is restored."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aloe.cli.backup import layout
from aloe.cli.backup.contents import open_backup
from aloe.cli.backup.seal import reserve_seal, seal
from aloe.cli.console import CommandError
from aloe.client import Clip, EmbeddedPoolClip, Pool, Split, StoredLabel

NOW = datetime(2025, 3, 1, tzinfo=UTC)
POOL = Pool("vowels", "logmel", "f" * 16, 4, False, 30, NOW)
TASK: dict[str, Any] = {
    "task_id": "saved",
    "classes": ["a", "e"],
    "acquisition_function": "margin",
    "selection_rule": "class-agnostic",
    "head_recipe": {"optimiser": "LbfgsRecipe", "l2_penalty": 0.5},
    "label_budget": None,
    "lease_duration_s": 60.0,
    "seed": "7",
    "max_leases_per_oracle": None,
    "stopping_rule": None,
}
CLASSES = "ae"


def about(format_: str) -> dict[str, Any]:
    task = TASK
    if format_ != "aloe-pool-1":
        recipe = {"optimiser": "lbfgs", "l2_penalty": 0.5}
        task = {**TASK, "acquisition_function": "smallest_margin", "head_recipe": recipe}
    described = {name: getattr(POOL, name) for name in layout.POOL_FIELDS}
    return {"format": format_, "pool": described, "tasks": [task]}


def table(format_: str = layout.FORMAT_3) -> pa.Table:
    # URIs that hold what a seal begins with: another one is looked for in the wrong place.
    rows = [
        EmbeddedPoolClip(
            Clip(f"clip-{n}", f"file:///\naloe-sha256 {n}", timedelta(seconds=1), f"{n:032}"),
            np.full(4, n, np.float32),
        )
        for n in range(30)
    ]
    labels = [
        layout.dump_label(
            StoredLabel(f"clip-{n}", "", CLASSES[n % 2], Split.TRAIN, "ann", NOW) if n < 9 else None
        )
        for n in range(30)
    ]
    clips = layout.clip_table(rows, None)
    column = layout.label_column(format_, "saved")
    clips = clips.append_column(column, pa.array(labels, layout.label_type()))
    return clips.replace_schema_metadata({"aloe": json.dumps(about(format_))})


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path, rows = tmp_path / "sealed.parquet", table(layout.FORMAT)
    with pq.ParquetWriter(path, rows.schema, compression="zstd") as writer:
        writer.write_table(rows)
        reserve_seal(writer)
    seal(path)
    return path


def test_a_sealed_backup_is_read(sealed: Path):
    backup = open_backup(sealed)
    assert backup.is_sealed
    assert [clip.clip_id for clip in backup.clips(with_audio=True)] == [
        f"clip-{n}" for n in range(30)
    ]
    assert [each.label for each in backup.labels("saved")] == [*"aeaeaeaea"]


def test_a_sealed_backup_with_one_bit_flipped_is_damaged_wherever_the_bit_is(
    sealed: Path, tmp_path: Path
):
    whole, chance = sealed.read_bytes(), random.Random(5)
    flipped = tmp_path / "flipped.parquet"
    tail = range(len(whole) - 300, len(whole))
    for place in (*tail, *(chance.randrange(len(whole)) for _ in range(300))):
        harmed = bytearray(whole)
        harmed[place] ^= 1 << chance.randrange(8)
        flipped.write_bytes(harmed)
        with pytest.raises(CommandError, match="is damaged"):
            open_backup(flipped)


@pytest.mark.parametrize("harm", ["cut", "empty", "longer", "unsealed"])
def test_a_sealed_backup_of_which_something_is_missing_is_damaged(
    sealed: Path, tmp_path: Path, harm: str
):
    whole = sealed.read_bytes()
    if harm == "unsealed":
        pq.write_table(table(layout.FORMAT), sealed)
    else:
        sealed.write_bytes({"cut": whole[:-400], "empty": b"", "longer": whole + b"x"}[harm])
    with pytest.raises(CommandError, match="is damaged"):
        open_backup(sealed)


@pytest.mark.parametrize("format_", ["aloe-pool-1", "aloe-pool-2", "aloe-pool-3"])
def test_a_backup_of_an_older_version_is_read_and_has_no_seal(tmp_path: Path, format_: str):
    pq.write_table(table(format_), tmp_path / "older")
    backup = open_backup(tmp_path / "older")
    assert not backup.is_sealed
    assert len(backup.labels("saved")) == 9


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"null", b"7", b"1" * 30, b"\xff", b'{"a":' + b"[" * 100_000, b"{}"],
    ids=["nothing", "list", "null", "number", "digits", "bytes", "deep", "object"],
)
def test_a_description_that_is_none_is_told(tmp_path: Path, text: bytes):
    pq.write_table(table().replace_schema_metadata({"aloe": text}), tmp_path / "odd")
    with pytest.raises(CommandError, match=r"is damaged|is no dump"):
        open_backup(tmp_path / "odd")


ODD: list[tuple[str, Any]] = [
    ("pool", None),
    ("pool", {}),
    ("tasks", None),
    ("tasks", [{}]),
    ("tasks", [{**TASK, "seed": "x"}]),
    ("tasks", [{**TASK, "task_id": "other"}]),
    ("tasks", [{**TASK, "classes": ["a"]}]),
    ("tasks", [{**TASK, "classes": 7}]),
]


@pytest.mark.parametrize(("name", "value"), ODD)
def test_a_description_that_is_not_whole_is_told(tmp_path: Path, name: str, value: Any):
    odd = json.dumps({**about("aloe-pool-3"), name: value})
    pq.write_table(table().replace_schema_metadata({"aloe": odd}), tmp_path / "odd")
    with pytest.raises(CommandError, match="is damaged"):
        open_backup(tmp_path / "odd")


@pytest.mark.parametrize("name", ["clip_id", "embedding", "content_hash", "tasks/saved"])
def test_a_column_that_is_gone_or_of_another_kind_is_told(tmp_path: Path, name: str):
    whole = table()
    without = whole.drop_columns([name])
    for each in (without, without.append_column(name, pa.array([b"\xff"] * 30))):
        pq.write_table(each, tmp_path / "odd")
        with pytest.raises(CommandError, match="is damaged"):
            open_backup(tmp_path / "odd")
