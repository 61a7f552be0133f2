"""`aloe simulate`: the quick look, on a learner that runs already."""

from pathlib import Path

import pytest

from .conftest import CommandLine


def test_simulate_runs_on_a_folder_of_classes(aloe: CommandLine, recordings: Path, tmp_path: Path):
    plot = tmp_path / "curves.png"
    found = aloe.json(
        "simulate", recordings, "--server", aloe.server, "--rounds", 2, "--seed-labels", 1,
        "--acquisition-functions", "smallest_margin,random", "--plot", plot,
    )  # fmt: skip
    assert [(run["acquisition_function"], run["labels"]) for run in found["runs"]] == [
        ("smallest_margin", 15),
        ("random", 15),
    ]
    assert set(found["ceilings"]) == {"label"}
    assert len(found["runs"][0]["test_curve"]) == 3
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert not [each for each in aloe.json("task", "list") if each["task_id"].startswith("bench-")]
    assert not [each for each in aloe.json("pool", "list") if each["pool_id"].startswith("bench-")]


@pytest.mark.slow
def test_simulate_shows_a_row_for_each_acquisition_function(aloe: CommandLine, recordings: Path):
    shown = aloe.output(
        "simulate", recordings, "--server", aloe.server, "--rounds", 1, "--seed-labels", 1,
        "--acquisition-functions", "entropy", "--selection-rule", "class-agnostic",
    )  # fmt: skip
    assert "class-agnostic" in shown
    assert "entropy" in shown
    assert "of 20" in shown


@pytest.mark.slow
def test_simulated_oracles_may_err_or_abstain(aloe: CommandLine, recordings: Path):
    found = aloe.json(
        "simulate", recordings, "--server", aloe.server, "--rounds", 2, "--seed-labels", 1,
        "--acquisition-functions", "random", "--oracle", "noise:0.5+abstain:1",
    )  # fmt: skip
    assert [run["labels"] for run in found["runs"]] == [5]
    assert found["settings"]["oracles"] == ["noise:0.5+abstain:1"]
