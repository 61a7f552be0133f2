"""The notebook of clients/examples: kept as it ran, and it runs anywhere."""

import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "clients" / "examples" / "few_labels.ipynb"
MAX_BYTES = 300_000


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds_of_output(notebook: Any) -> list[list[str]]:
    return [[output.output_type for output in cell.outputs] for cell in code_cells(notebook)]


def test_notebook_is_kept_with_its_output():
    kept = nbformat.read(NOTEBOOK, as_version=4)
    cells = code_cells(kept)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {kind for kinds in kinds_of_output(kept) for kind in kinds}
    assert kinds == {"stream", "display_data"}
    assert NOTEBOOK.stat().st_size < MAX_BYTES


def test_notebook_tells_nothing_of_the_machine_it_ran_on():
    text = NOTEBOOK.read_text(encoding="utf-8")
    homes = ("/home/", "/Users/", f"{Path.home()}/", f"{tempfile.gettempdir()}/")
    assert not [folder for folder in homes if folder in text]


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("redis_url")  # skips where there is none: the notebook needs one too
def test_notebook_runs_without_any_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for setting in ("FSDD_ROOT", "ENCODER"):
        monkeypatch.delenv(setting, raising=False)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    kept = kinds_of_output(notebook)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    assert kinds_of_output(notebook) == kept
    printed = "".join(
        output.text for cell in code_cells(notebook) for output in cell.outputs if "text" in output
    )
    assert "360 train and 120 test clips" in printed
    assert "all 360 labels: 9" in printed, printed
