"""The files of a report, and what is said of results that it cannot be made from."""

import html
import json
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.bench.report.results_files import planted_rows, run_rows, write_results

from aloe.bench.report import ReportError, write_report
from aloe.bench.results.schema import METADATA_KEY, RESULTS_FILE
from aloe.cli.bench_report import report
from aloe.cli.console import CommandError


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """The folder of a report of three acquisition functions and ten seeds."""
    folder = write_results(tmp_path_factory.mktemp("bench"), planted_rows())
    write_report(folder, folder / "report")
    return folder / "report"


@pytest.fixture(scope="module")
def page(written: Path) -> str:
    """The page of the report."""
    return (written / "index.html").read_text(encoding="utf-8")


def test_page_says_what_was_found(page):
    assert "above random picks by area: smallest margin +" in page
    assert "no difference from random picks is shown for entropy" in page
    for title in ("Findings", "The paper's tables", "Definitions", "Reproducibility"):
        assert f">{title}</h2>" in page


def test_page_asks_for_nothing_from_elsewhere(page):
    assert "://" not in page
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    assert not re.findall(r"@import|<script|<link|<img|<iframe|url\((?!#)", page)


def test_every_figure_in_the_page_is_valid_and_named(page):
    figures = re.findall(r"<svg .*?</svg>", page, flags=re.DOTALL)
    labels = []
    for figure in figures:
        root = ET.fromstring(figure)  # noqa: S314 - we wrote it
        assert root.get("role") == "img"
        labels.append(root.get("aria-label"))
    assert labels == [
        "Labels needed, as part of those of margin-class-aware",
        "How arms begin, beside random picks, over all settings",
        "fsdd, digit, yamnet: class-aware, against labels",
        "fsdd, digit, yamnet: class-aware, against rounds",
    ]


def test_ids_in_the_page_are_unique_and_references_lead_somewhere(page):
    ids = Counter(re.findall(r'\bid="([^"]*)"', page))
    assert set(ids.values()) == {1}
    assert set(re.findall(r'(?:url\(|href=")#([^")]*)', page)) <= ids.keys()


def test_figures_of_the_page_take_its_colours(page):
    body = page[page.index("</style>") :]
    assert "var(--curve-1)" in body
    assert not re.findall(r"#[0-9a-fA-F]{6}\b", body)


@pytest.mark.slow
def test_estimates_and_what_heads_would_accept_have_a_section(tmp_path):
    rows = planted_rows(("smallest_margin", "random"), seed_count=6)
    for row in rows:
        if row["label_count"] in (50, 100, 200):
            accuracy = row["test_accuracy"] - 0.02
            row |= {
                "estimated_accuracy": accuracy,
                "estimated_low": accuracy - 0.05,
                "estimated_high": accuracy + 0.05,
                "rest_clip_count": 300,
                "rest_accepted_count": 150,
                "rest_wrong_count": 6,
            }
    found = write_report(
        write_results(tmp_path, rows, {"spec": {"max_expected_error": 0.02}}), tmp_path / "report"
    )
    page = found.page.read_text(encoding="utf-8")
    assert '<h2 id="estimates">How right heads say that they are</h2>' in page
    assert "Predictions accepted so that 2% of them are wrong, over all settings" in page
    (margin, _) = found.estimates
    assert [each.label_count for each in margin.errors] == [50, 100, 200]
    assert margin.errors[0].error.value == pytest.approx(-0.02)
    accepting = margin.errors[0].rest
    assert accepting is not None
    assert accepting.error is not None
    assert accepting.error.value == pytest.approx(0.04)
    assert {"estimates-overall", "accepted-overall"} <= {each.name for each in found.overview}
    assert (tmp_path / "report" / "figures" / "estimates.svg").is_file()


def test_metadata_of_the_results_is_shown(page):
    assert "<dt>experiment</dt>" in page
    assert "&#34;rounds&#34;: 20" in page


def test_versions_and_machines_of_several_are_each_a_line(tmp_path):
    versions = [{"python": "3.11.7", "numpy": "2.4.6"}, {"python": "3.12.1", "numpy": "2.4.6"}]
    metadata = {
        "spec": {"datasets": [{"name": "fsdd"}], "encoders": ["yamnet"], "stop": []},
        "versions": versions,
        "machine": [{"system": "Linux", "cores": 2}, {"system": "Darwin", "cores": 8}],
    }
    folder = write_results(tmp_path, run_rows("smallest_margin", 0)[:2], metadata)
    text = html.unescape(write_report(folder, tmp_path / "report").page.read_text("utf-8"))
    lines = [line.strip(" ,") for line in text.splitlines()]
    assert all(json.dumps(each) in lines for each in (*versions, *metadata["machine"]))
    shown = re.search(r"<dt>spec</dt>\n<dd><pre>(.*?)</pre>", text, flags=re.DOTALL)
    assert shown is not None
    assert json.loads(shown[1]) == metadata["spec"]


def test_figures_and_tables_are_files_too(written):
    names = {path.name for path in (written / "figures").iterdir()}
    stem = "fsdd-digit-yamnet-class-aware"
    assert names == {
        f"{name}.{kind}"
        for name in ("labels", "starts", f"{stem}-labels", f"{stem}-rounds")
        for kind in ("svg", "png")
    }
    svg = ET.parse(written / "figures" / f"{stem}-labels.svg")  # noqa: S314 - we wrote it
    assert svg.getroot().tag.endswith("svg")
    tables = {path.stem for path in (written / "tables").iterdir()}
    kinds = ("strategies", "against-random", "wins", "stops")
    assert tables == {
        "table-1",
        "labels-fsdd-digit-yamnet",
        "starts-overall",
        *(f"{stem}-{kind}" for kind in kinds),
    }
    assert len(list((written / "tables").glob("labels-fsdd-digit-yamnet.*"))) == 3


@pytest.mark.slow
def test_same_results_give_the_same_bytes(tmp_path):
    folder = write_results(tmp_path, planted_rows(("smallest_margin", "random"), seed_count=2))
    for name in ("one", "two"):
        write_report(folder, tmp_path / name)
    first, second = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in files}
        for name in ("one", "two")
        if (files := sorted(each for each in (tmp_path / name).rglob("*") if each.is_file()))
    )
    assert first == second


def test_results_that_miss_almost_everything_still_make_a_report(tmp_path):
    rows = [
        row | {"test_accuracy": None, "test_macro_f1": None, "round_s": None, "stop": None}
        for row in run_rows("smallest_margin", 0)
    ] + run_rows("norm", 3)[:1]
    found = write_report(write_results(tmp_path, rows, metadata=None), tmp_path / "report")
    assert "says nothing about how it was made" in found.page.read_text(encoding="utf-8")


def test_settings_of_one_name_keep_their_files_apart(tmp_path):
    rows = (
        run_rows("smallest_margin", 0, encoder="a/b")[:2]
        + run_rows("smallest_margin", 0, encoder="a-b")[:2]
    )
    write_report(write_results(tmp_path, rows), tmp_path / "report")
    assert len(list((tmp_path / "report" / "figures").glob("fsdd-*.png"))) == 4
    assert len(list((tmp_path / "report" / "tables").glob("labels-fsdd-*.csv"))) == 2


def test_long_oracles_have_files_of_their_own(tmp_path):
    oracles = [f"noise:{', '.join(['0.125'] * 60)}, {last}" for last in ("0.1", "0.2")]
    rows = [row for oracle in oracles for row in run_rows("smallest_margin", 0, oracle=oracle)[:2]]
    write_report(write_results(tmp_path, rows), tmp_path / "report")
    assert len(list((tmp_path / "report" / "figures").glob("*-class-aware-labels.png"))) == 2
    assert len(list((tmp_path / "report" / "tables").glob("*-class-aware-strategies.tex"))) == 2


def test_missing_results_are_named_with_the_remedy(tmp_path):
    with pytest.raises(ReportError, match=r"no results\.parquet in .*: give the folder"):
        write_report(tmp_path, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / RESULTS_FILE).write_text("no table")
    with pytest.raises(ReportError, match=r"cannot read .*; is it the results of a bench run\?$"):
        write_report(tmp_path, tmp_path / "report")


def test_foreign_table_is_refused_by_its_first_wrong_column(tmp_path):
    pq.write_table(pa.table({"dataset": [1]}), tmp_path / RESULTS_FILE)
    with pytest.raises(ReportError, match=r"its column 'dataset' is int64, not string$"):
        write_report(tmp_path, tmp_path / "report")


def test_results_without_runs_are_refused(tmp_path):
    with pytest.raises(ReportError, match="no run is in"):
        write_report(write_results(tmp_path, []), tmp_path / "report")


@pytest.mark.parametrize(
    "metadata",
    [
        b"[]",
        b"5",
        b'{"parts": 5}',
        b'{"spec": {"max_expected_error": "x"}}',
        b'{"spec": [1]}',
        b'{"spec": null}',
        b"{",
        b"\xff",
    ],
)
def test_metadata_that_are_none_are_told(tmp_path, metadata):
    folder = write_results(tmp_path, run_rows("smallest_margin", 0))
    table = pq.read_table(folder / RESULTS_FILE)
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: metadata}), folder / RESULTS_FILE)
    with pytest.raises(ReportError, match=r"^cannot read .*; is it the results of a bench run\?$"):
        write_report(folder, tmp_path / "report")


@pytest.mark.parametrize("column", ["dataset", "seed", "round", "label_count"])
def test_rows_that_lack_what_every_row_has_are_told(tmp_path, column):
    folder = write_results(tmp_path, run_rows("smallest_margin", 0))
    table = pq.read_table(folder / RESULTS_FILE)
    place, kind = table.schema.get_field_index(column), table.schema.field(column).type
    table = table.set_column(place, pa.field(column, kind), pa.nulls(len(table), kind))
    pq.write_table(table, folder / RESULTS_FILE)
    with pytest.raises(ReportError, match=f"rows of its column '{column}' are empty"):
        write_report(folder, tmp_path / "report")


def test_acquisition_function_of_another_version_is_refused_by_name(tmp_path):
    rows = run_rows("badge", 0)
    with pytest.raises(ReportError, match=r"runs of 'badge', 'class-aware', which this version"):
        write_report(write_results(tmp_path, rows), tmp_path / "report")


def test_folder_that_cannot_be_written_is_named(tmp_path):
    folder = write_results(tmp_path, run_rows("smallest_margin", 0))
    (tmp_path / "taken").touch()
    with pytest.raises(ReportError, match=r"cannot write the report to .*taken"):
        write_report(folder, tmp_path / "taken")


def test_command_writes_below_the_experiment_and_prints_the_findings(tmp_path, capsys):
    report(write_results(tmp_path, run_rows("smallest_margin", 0)[:3]))
    assert (tmp_path / "report" / "index.html").is_file()
    assert "report in" in capsys.readouterr().out


def test_command_prints_the_labels_that_every_arm_needs(tmp_path, capsys):
    rows = planted_rows(("smallest_margin", "random"), seed_count=6)
    other = [row | {"task": "speaker"} for row in rows]
    report(write_results(tmp_path, rows + other), level=[0.8])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "Labels needed ÷ those of margin-class-aware, over all settings" in lines
    for task in ("digit", "speaker"):
        assert f"fsdd, {task}, yamnet: labels needed, and ÷ those of margin-class-aware" in lines
    assert any(line.startswith("random-class-aware") and "2 of 2" in line for line in lines)
    # What is said of a table stands below it, once.
    (place,) = (n for n, line in enumerate(lines) if line.startswith("÷: mean labels over"))
    assert place < next(n for n, line in enumerate(lines) if line.startswith("fsdd, speaker"))
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert page.index("over all settings") < page.index("fsdd, speaker, yamnet: labels needed")


@pytest.mark.slow
def test_arms_of_several_groups_are_drawn_together(tmp_path):
    rows = planted_rows(("smallest_margin", "random"), seed_count=2)
    agnostic = [row | {"selection_rule": "class-agnostic"} for row in rows]
    write_report(write_results(tmp_path, rows + agnostic), tmp_path / "both")
    curves = (tmp_path / "both" / "figures" / "arms.svg").read_text(encoding="utf-8")
    for text in ("fsdd, digit, yamnet", "margin-class-aware", "margin", "random"):
        assert f">{text}</text>" in curves
    assert "mean of each arm" in (tmp_path / "both" / "index.html").read_text(encoding="utf-8")


def test_command_compares_with_the_baseline_that_is_asked_for(tmp_path, capsys):
    folder = write_results(tmp_path, planted_rows(("smallest_margin", "random"), seed_count=6))
    report(folder, level=[0.8], baseline="random-class-aware", json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["baseline"] == "none/adam/random-class-aware"
    (margin, random) = found["settings"][0]["groups"][0]["strategies"]
    ratio = margin["labels_to_reach"][0]["ratio"]
    assert ratio["ratio"]["high"] < 1
    assert (ratio["bound"], random["labels_to_reach"][0]["ratio"]) == ("exact", None)
    with pytest.raises(
        CommandError, match="baseline 'badge' names no arm; give one of none/adam/margin-class"
    ):
        report(folder, baseline="badge")


def test_command_prints_every_figure_as_json(tmp_path, capsys):
    folder = write_results(tmp_path, planted_rows(("smallest_margin", "random"), seed_count=6))
    report(folder, output=tmp_path / "elsewhere", level=[0.99], json=True)
    found = json.loads(capsys.readouterr().out)
    (setting,) = found["settings"]
    (margin, random) = setting["groups"][0]["strategies"]
    assert margin["accuracy"]["value"] == pytest.approx(0.86, abs=0.01)
    assert margin["labels_to_reach"][0]["level"] == 0.99
    # It was never reached: infinity is no JSON.
    assert margin["labels_to_reach"][0]["labels"]["median"]["value"] is None
    assert random["utilisation"] is None
    assert found["page"] == str(tmp_path / "elsewhere" / "index.html")
    assert found["findings"][0]["sentences"]


def test_command_tells_a_mistake_in_one_line(tmp_path):
    with pytest.raises(CommandError) as caught:
        report(tmp_path / "nowhere")
    assert "\n" not in str(caught.value)
