import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from aloe.bench.plots import PlotError, plot_learning_curves
from aloe.bench.results import Ceiling, CurvePoint, Run
from aloe.client.types import AcquisitionFunction, SelectionRule

CEILINGS = (Ceiling("digit", 2400, 0.8), Ceiling("speaker", 2400, None))


def make_run(
    task: str,
    strategy: AcquisitionFunction,
    accuracies: Sequence[float | None],
    selection: SelectionRule = SelectionRule.CLASS_AWARE,
) -> Run:
    points = tuple(CurvePoint(10 * (i + 1), value) for i, value in enumerate(accuracies))
    return Run(task, strategy, selection, 0, points[-1].labels, accuracies[-1], (), points)


RUNS = [
    make_run(task, strategy, accuracies)
    for task in ("digit", "speaker")
    for strategy in (AcquisitionFunction.SMALLEST_MARGIN, AcquisitionFunction.RANDOM)
    for accuracies in ((0.3, 0.5, 0.6), (0.4, None, 0.7, 0.75))
]


@pytest.mark.parametrize(
    ("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")]
)
def test_file_ending_decides_the_format(tmp_path: Path, suffix: str, magic: bytes) -> None:
    path = tmp_path / f"curves{suffix}"
    plot_learning_curves(RUNS, CEILINGS, path)
    assert path.read_bytes().startswith(magic)


def svg_of(tmp_path: Path, runs: Sequence[Run]) -> str:
    path = tmp_path / "curves.svg"
    plot_learning_curves(runs, CEILINGS, path)
    # Text is drawn as outlines; matplotlib leaves each string in a comment.
    return path.read_text()


def test_picture_names_tasks_strategies_and_ceiling(tmp_path: Path) -> None:
    svg = svg_of(tmp_path, RUNS)
    for text in ("digit", "speaker", "margin", "random", "lowest to highest of 2 runs"):
        assert f"<!-- {text} -->" in svg
    assert svg.count("<!-- all 2,400 labels: 80.0% -->") == 1
    assert "class-aware" not in svg


def test_selection_rule_is_named_where_there_are_two(tmp_path: Path) -> None:
    other = make_run("digit", AcquisitionFunction.ENTROPY, [0.4], SelectionRule.CLASS_AGNOSTIC)
    svg = svg_of(tmp_path, [*RUNS, other])
    assert "<!-- margin, class-aware -->" in svg
    assert "<!-- entropy, class-agnostic -->" in svg


def test_same_runs_give_the_same_file(tmp_path: Path) -> None:
    assert svg_of(tmp_path, RUNS) == svg_of(tmp_path, RUNS)


def test_seven_tasks_and_every_strategy_find_a_place(tmp_path: Path) -> None:
    runs = [
        make_run(f"task {i}", strategy, [0.4, 0.5])
        for i in range(7)
        for strategy in AcquisitionFunction
    ]
    svg = svg_of(tmp_path, runs)
    assert all(f"<!-- task {i} -->" in svg for i in range(7))
    assert "<!-- least confidence -->" in svg


def test_unknown_file_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlotError, match=r"let its name end in \.png, \.svg, \.pdf"):
        plot_learning_curves(RUNS, CEILINGS, tmp_path / "curves.jpg")


def test_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlotError, match=r"cannot write .*nowhere.*: No such file"):
        plot_learning_curves(RUNS, CEILINGS, tmp_path / "nowhere" / "curves.png")


def test_runs_without_test_accuracy_are_refused(tmp_path: Path) -> None:
    runs = [make_run("digit", AcquisitionFunction.RANDOM, [None])]
    with pytest.raises(PlotError, match="no run has a test accuracy"):
        plot_learning_curves(runs, CEILINGS, tmp_path / "curves.png")


def test_missing_matplotlib_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PlotError, match=r"pip install 'aloe-speech\[all\]'"):
        plot_learning_curves(RUNS, CEILINGS, tmp_path / "curves.png")
