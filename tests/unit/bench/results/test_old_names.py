"""A folder as the version before wrote it, when it said strategy, sampling and margin."""

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.bench.report.results_files import ceiling_rows, run_rows

from aloe.bench.report import write_report
from aloe.bench.report.arms import choice_text
from aloe.bench.report.runs import read_results
from aloe.bench.results import schema
from aloe.bench.results.rows import run_columns
from aloe.bench.results.storage import ExperimentFolder
from aloe.bench.spec import PAPER_HEAD_RECIPE, DatasetSpec, ExperimentError, Spec
from aloe.bench.spec.run_keys import run_keys
from aloe.client import AcquisitionFunction

CHECKED = {"clip_count", "right_count", "accepted_count", "wrong_count", "expected_error"}
BEFORE = Path(__file__).parent / "before_the_renaming"
SPEC = Spec(
    (DatasetSpec("vowels", tasks=("label",)),),
    acquisition_functions=(AcquisitionFunction.SMALLEST_MARGIN,),
    seeds=1,
    rounds=1,
    seed_labels=1,
)
RUNS = [run_columns("vowels", "logmel", key) for key in run_keys(SPEC, ["label"])]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BEFORE, tmp_path / "experiment"))


def digest_of(folder: Path) -> str:
    """Return what the runs were made from, as their files say."""
    file = next((folder / "runs").iterdir())
    return str(pq.read_schema(file).metadata[b"aloe.corpus"].decode())


def test_results_are_read_under_the_names_of_today(folder: Path):
    results = read_results(folder)
    (run,) = results.runs
    (ceiling,) = results.ceilings
    assert (run.acquisition_function, run.selection_rule) == ("smallest_margin", "class-aware")
    assert (ceiling.acquisition_function, ceiling.selection_rule) == ("all_labels", "")
    assert results.metadata["spec"]["acquisition_functions"] == ["smallest_margin"]
    assert results.metadata["spec"]["selection_rules"] == ["class-aware"]
    assert run.arm.choices == (
        ("representation", "none"),
        ("head_recipe", "adam"),
        ("audit_share", ""),
    )
    assert run.arm.is_papers
    assert run.labels.tolist() == [5, 10]


def test_a_report_is_made_of_them(folder: Path):
    page = write_report(folder, folder / "report").page.read_text(encoding="utf-8")
    assert "Smallest margin, class-aware, ends at" in page
    assert "&#34;strategies&#34;" not in page


KEPT_LATER = {"estimated_accuracy", "estimated_low", "estimated_high", "audit_label_count"} | {
    name
    for name in schema.SCHEMA.names
    if name.startswith("rest_")
    or name.removeprefix("test_") in CHECKED
    or name.endswith(("_average_precision", "_average_precisions", "_roc_auc"))
}


def test_its_runs_count_as_done_and_the_experiment_goes_on(folder: Path):
    digest = digest_of(folder)
    before = pq.read_table(folder / schema.RESULTS_FILE)
    grown = replace(
        SPEC, acquisition_functions=(*SPEC.acquisition_functions, AcquisitionFunction.RANDOM)
    )
    with ExperimentFolder(folder) as experiment:
        experiment.adopt(grown)
        # What is written now has the names of today, and can be taken up again.
        experiment.adopt(grown)
        keys = run_keys(grown, ["label"])
        done = [experiment.has_run(run_columns("vowels", "logmel", key), digest) for key in keys]
        assert done == [True, True, False]
        experiment.write_results(RUNS, {})
    after = pq.read_table(folder / schema.RESULTS_FILE)
    assert after.schema.equals(schema.SCHEMA)
    names = {"acquisition_function": "strategy", "selection_rule": "sampling"}
    new = {"head_recipe": PAPER_HEAD_RECIPE, "representation": "none", "audit_share": 0.0}
    for name, value in new.items():
        assert set(after[name].to_pylist()) == {value}
    for name in set(schema.SCHEMA.names) - new.keys():
        now = after[name].to_pylist()
        if name in KEPT_LATER:
            assert now == [None] * len(before)
            continue
        was = before[names.get(name, name)].to_pylist()
        if name == "acquisition_function":
            assert (was, now) == (
                ["all_labels", "margin", "margin"],
                ["all_labels", "smallest_margin", "smallest_margin"],
            )
        else:
            assert now == was


def test_only_runs_of_other_head_recipes_have_files_that_say_so(folder: Path):
    both = replace(SPEC, head_recipes=(*SPEC.head_recipes, "lbfgs:0.5"))
    runs = [run_columns("vowels", "logmel", key) for key in run_keys(both, ["label"])]
    with ExperimentFolder(folder) as experiment:
        experiment.adopt(both)
        digest = digest_of(folder)
        assert [experiment.has_run(run, digest) for run in runs] == [True, True, False, False]


def test_what_it_had_must_be_kept(folder: Path):
    other = replace(SPEC, acquisition_functions=(AcquisitionFunction.RANDOM,))
    with (
        ExperimentFolder(folder) as experiment,
        pytest.raises(ExperimentError, match=r"^acquisition_functions in .* has smallest_margin,"),
    ):
        experiment.adopt(other)


def test_runs_that_drew_audits_unsaid_are_told_from_those_without(tmp_path: Path):
    logistic = {"head_recipe": "logistic:l2_penalty=0.0005,iteration_count=40,class_balance=0.0"}
    rows = [
        *run_rows("smallest_margin", 0, **logistic),
        *run_rows("smallest_margin", 0),
        *ceiling_rows(0, **logistic),
    ]
    table = pa.Table.from_pylist(rows, schema=schema.SCHEMA)
    with_estimates = table.drop_columns(["audit_share"])
    for before, shares in (
        (with_estimates, {0.05, 0.0}),
        (with_estimates.drop_columns(["audit_label_count"]), {0.0}),
    ):
        pq.write_table(before, tmp_path / schema.RESULTS_FILE)
        results = read_results(tmp_path)
        texts = {dict(run.arm.choices)["audit_share"] for run in results.runs}
        assert texts == {choice_text("audit_share", share) for share in shares}
        assert dict(results.ceilings[0].arm.choices)["audit_share"] == ""


def test_an_experiment_does_not_go_on_with_runs_that_drew_audits_unsaid(folder: Path):
    both = replace(SPEC, head_recipes=(*SPEC.head_recipes, "logistic:l2_penalty=0.0005"))
    key = run_keys(both, ["label"])[-1]
    with ExperimentFolder(folder) as experiment:
        run = run_columns("vowels", "logmel", key)
        rows = [row | run for row in run_rows("smallest_margin", 0)]
        table = pa.Table.from_pylist(rows, schema=schema.SCHEMA)
        experiment.write_run(run, table.drop_columns(["audit_share"]), "digest")
        with pytest.raises(ExperimentError, match=r"with 0.05 of the picks at random; give"):
            experiment.has_run(run, "digest")
        experiment.write_run(run, table, "digest")
        assert experiment.has_run(run, "digest")
