"""Files of runs that are damaged: each is named, with what to do, before anything is made of it."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.bench.report.results_files import run_rows

from aloe.bench.results import schema
from aloe.bench.results.storage import ExperimentFolder
from aloe.bench.spec import DatasetSpec, ExperimentError, Spec

ROWS = run_rows("smallest_margin", 0)
RUN = {name: ROWS[0][name] for name in schema.RUN_COLUMNS}
TABLE = pa.Table.from_pylist(ROWS, schema=schema.SCHEMA)
DIGEST = "digest"


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """The file of the only run of the experiment in tmp_path."""
    with ExperimentFolder(tmp_path) as folder:
        folder.write_run(RUN, TABLE, DIGEST)
    (file,) = (tmp_path / "runs").iterdir()
    return file


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-50])


def turn_a_page(file: Path) -> None:
    """Change bytes of the columns; the footer, which says where they are, is as it was."""
    data = bytearray(file.read_bytes())
    data[4:400] = bytes(396)
    file.write_bytes(data)


def drop_all_rows(file: Path) -> None:
    pq.write_table(pq.read_table(file).slice(0, 0), file)


def take_up(folder: ExperimentFolder) -> None:
    folder.has_run(RUN, DIGEST)
    folder.write_results([RUN], {})


@pytest.mark.parametrize("damage", [cut, turn_a_page, drop_all_rows])
def test_a_damaged_run_is_named(
    tmp_path: Path, run_file: Path, damage: Callable[[Path], None]
) -> None:
    damage(run_file)
    with ExperimentFolder(tmp_path) as folder, pytest.raises(ExperimentError) as caught:
        take_up(folder)
    assert str(caught.value) == f"{run_file} cannot be read; remove it, to do it again"


@pytest.mark.parametrize("process", [b"[1]", b"{", b"5"])
def test_what_made_a_run_must_be_a_table(tmp_path: Path, run_file: Path, process: bytes) -> None:
    table = pq.read_table(run_file)
    metadata = {**table.schema.metadata, b"aloe.process": process}
    pq.write_table(table.replace_schema_metadata(metadata), run_file)
    with ExperimentFolder(tmp_path) as folder:
        assert folder.has_run(RUN, DIGEST)
        with pytest.raises(ExperimentError, match="cannot be read; remove it, to do it again"):
            folder.write_results([RUN], {})


def test_an_experiment_that_was_here_before_and_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text('seeds = "x"\n[[datasets]]\nname = "vowels"\n')
    with ExperimentFolder(tmp_path) as folder, pytest.raises(ExperimentError) as caught:
        folder.adopt(Spec((DatasetSpec("vowels"),)))
    told = f"{tmp_path / 'experiment.toml'}: seeds is 'x'; give a whole number; mend it, or give"
    assert str(caught.value).startswith(told)
