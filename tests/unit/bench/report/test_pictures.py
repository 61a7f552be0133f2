"""The learning curves of every task in one picture."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.bench.report.results_files import (
    ceiling_rows,
    planted_rows,
    run_rows,
    write_results,
)

from aloe.bench.report.analysis import analyze
from aloe.bench.report.figures import check_picture_name, write_picture
from aloe.bench.report.runs import ReportError, read_results
from aloe.client.types import AcquisitionFunction

ROWS = planted_rows(("smallest_margin", "random"), seed_count=2)


def draw(folder: Path, rows: list[dict[str, Any]], name: str = "curves.svg") -> bytes:
    results = read_results(write_results(folder, rows))
    write_picture(analyze(results, ()).settings, results, folder / name)
    return (folder / name).read_bytes()


@pytest.mark.parametrize(
    ("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")]
)
def test_file_ending_decides_the_format(tmp_path: Path, suffix: str, magic: bytes) -> None:
    assert draw(tmp_path, ROWS, f"curves{suffix}").startswith(magic)


def test_picture_names_tasks_functions_and_ceilings(tmp_path: Path) -> None:
    other = [row | {"task": "speaker"} for row in ROWS]
    svg = draw(tmp_path, ROWS + other).decode()
    for text in ("digit", "speaker", "smallest margin", "random", "one run"):
        assert f">{text}</text>" in svg
    assert svg.count(">all 2,400 labels: 90.0%</text>") == 2
    assert "interval" not in svg


def test_bands_are_drawn_from_six_runs_on(tmp_path: Path) -> None:
    svg = draw(tmp_path, planted_rows(("smallest_margin", "random"), seed_count=6)).decode()
    assert ">95% interval of the mean</text>" in svg


def test_seven_tasks_and_every_acquisition_function_find_a_place(tmp_path: Path) -> None:
    rows = [
        row
        for number in range(7)
        for function in AcquisitionFunction
        for row in run_rows(function.value, 0, task=f"task {number}")
    ]
    svg = draw(tmp_path, rows + ceiling_rows(0)).decode()
    assert all(f">task {number}</text>" in svg for number in range(7))
    assert ">least confidence</text>" in svg
    # Too many for their single runs to be told apart.
    assert "one run" not in svg


def test_same_results_give_the_same_file(tmp_path: Path) -> None:
    assert draw(tmp_path, ROWS) == draw(tmp_path, ROWS)


def test_unknown_file_ending_is_refused() -> None:
    with pytest.raises(ReportError, match=r"let its name end in \.png, \.svg, \.pdf"):
        check_picture_name(Path("curves.jpg"))


def test_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"cannot write .*nowhere.*: No such file"):
        draw(tmp_path, ROWS, "nowhere/curves.png")


def test_runs_without_test_accuracy_are_refused(tmp_path: Path) -> None:
    rows = [row | {"test_accuracy": None} for row in run_rows("random", 0)]
    with pytest.raises(ReportError, match="no run has a test accuracy"):
        draw(tmp_path, rows)
