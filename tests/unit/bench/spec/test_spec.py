import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aloe.bench.spec import (
    PAPER_HEAD_RECIPE,
    ClassAwareRandom,
    DatasetSpec,
    ExperimentError,
    MarginOn,
    Reading,
    Spec,
    encoder_name,
)
from aloe.bench.spec.growth import check_extends
from aloe.bench.spec.run_keys import run_keys
from aloe.bench.spec.toml import (
    make_spec,
    public_table,
    read_table,
    resolve,
    to_toml,
    with_flags,
)
from aloe.client.types import AcquisitionFunction, QueryStrategy, Representation, SelectionRule
from aloe.values.named_recipes import RECIPES

MARGIN, RANDOM = AcquisitionFunction.SMALLEST_MARGIN, AcquisitionFunction.RANDOM
AWARE, AGNOSTIC = SelectionRule.CLASS_AWARE, SelectionRule.CLASS_AGNOSTIC
_KAGGLE = "https://www.kaggle.com/models/google"
_FRILL = f"{_KAGGLE}/nonsemantic-speech-benchmark/frameworks/TensorFlow2/variations/frill"
ASKED_BEFORE = ("margin-class-aware", "random-class-aware")
FSDD: dict[str, Any] = {"name": "fsdd", "root": "/data", "tasks": ["digit"]}


def spec_of(**table: Any) -> Spec:
    return make_spec({"datasets": [FSDD], **table})


def functions_of(spec: Spec) -> list[AcquisitionFunction]:
    (recipe,) = spec.followed()
    return [each.acquisition_function for each in spec.asked_by(recipe)]


def complaint(**table: Any) -> str:
    with pytest.raises(ExperimentError) as caught:
        spec_of(**table)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_not_given_is_the_papers() -> None:
    spec = spec_of()
    assert (spec.rounds, spec.seeds, spec.seed_labels, spec.encoders) == (100, 10, 5, ("logmel",))
    assert functions_of(spec) == [MARGIN, RANDOM]
    assert spec.query_strategy(RANDOM, AWARE) == QueryStrategy(RANDOM, AGNOSTIC)
    assert spec.query_strategy(MARGIN, AWARE) == QueryStrategy(MARGIN, AWARE)
    assert (spec.labels_a_round(AWARE, 12), spec.labels_a_round(AGNOSTIC, 12)) == (12, 1)
    assert (spec.int16_divisor, spec.length_policy) == (32768, "")


def test_the_codes_reading_differs_where_the_code_does() -> None:
    spec = spec_of(**{"as": "code", "acquisition_functions": ["smallest_margin", "entropy"]})
    assert functions_of(spec) == [AcquisitionFunction.MARGIN_LOGITS, AcquisitionFunction.ENTROPY]
    assert spec.query_strategy(RANDOM, AWARE) == QueryStrategy(RANDOM, AWARE)
    assert (spec.int16_divisor, spec.length_policy) == (32767, "window(16000)")


def test_what_is_given_wins_over_the_reading() -> None:
    spec = spec_of(**{"as": "code", "margin_on": "probabilities", "length_policy": ""})
    assert (spec.reading, spec.margin_on) == (Reading.CODE, MarginOn.PROBABILITIES)
    assert spec.length_policy == ""
    assert spec.class_aware_random is ClassAwareRandom.PER_CLASS


def test_a_reading_given_as_a_flag_wins_over_a_written_experiment(tmp_path: Path) -> None:
    file = tmp_path / "experiment.toml"
    file.write_text(to_toml(spec_of(rounds=7)))
    given = make_spec(with_flags(read_table(file), {"as": "code", "int16_divisor": 32768}))
    assert given == spec_of(**{"as": "code", "rounds": 7, "int16_divisor": 32768})
    assert given.margin_on is MarginOn.LOGITS
    kept = make_spec(with_flags(read_table(file) | {"length_policy": "exact"}, {"rounds": 8}))
    assert kept == spec_of(length_policy="exact", rounds=8)


def test_what_is_public_names_no_folder_of_the_machine() -> None:
    handle = "https://tfhub.dev/google/trillsson5/1"
    table = public_table(
        spec_of(datasets=[FSDD, {"name": "/ann/a.csv"}], encoders=["/ann/net", "logmel", handle])
    )
    assert table["datasets"] == [
        {"name": "fsdd", "root": "", "tasks": ["digit"]},
        {"name": "a.csv", "root": "", "tasks": []},
    ]
    assert table["encoders"] == ["net", "logmel", handle]


@pytest.mark.parametrize("reading", ["paper", "code"])
def test_written_experiment_is_read_as_it_was(tmp_path: Path, reading: str) -> None:
    spec = spec_of(
        **{"as": reading, "oracles": ["noise:0.1"], "class_agnostic_batch": 3},
        head_recipes=["logistic:class_balance=1", "adam"],
    )
    file = tmp_path / "experiment.toml"
    file.write_text(to_toml(spec))
    assert make_spec(read_table(file)) == spec
    assert set(tomllib.loads(to_toml(spec))) >= {"as", "margin_on", "int16_divisor", "rounds"}


def test_folders_lie_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "encoders" / "net").mkdir(parents=True)
    file = tmp_path / "e.toml"
    file.write_text('encoders = ["encoders/net", "logmel"]\n[[datasets]]\nname="fsdd"\nroot="data"')
    assert read_table(file) == {
        "encoders": [str(tmp_path / "encoders" / "net"), "logmel"],
        "datasets": [{"name": "fsdd", "root": str(tmp_path / "data")}],
    }


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"round": 3}, "'round' is no key of an experiment; datasets, encoders,"),
        ({"strategies": ["best"]}, "strategies has 'best': 'best' is no query strategy; there are"),
        ({"strategies": ["mcv_opt", "mcvopt"]}, "strategies has 'mcv-opt' twice; give it once"),
        (
            {"strategies": ["mcvopt+herding"]},
            r"mcv-opt\+herding is asked for, but mcv_opt goes with class-aware or class-agnostic",
        ),
        (
            {"acquisition_functions": ["v_opt"], "selection_rules": ["class-aware", "badge"]},
            r"v-opt\+badge is asked for, but v_opt goes with",
        ),
        (
            {"as": "code", "strategies": ["margin", "margin-of-logits"]},
            "strategies has smallest_margin and margin_logits, which are the same while",
        ),
        ({"sampling": ["class-aware"]}, "'sampling' is called 'selection_rules' now; rename"),
        ({"rounds": 0}, "rounds is 0; give at least 1"),
        ({"labels": -1}, "labels is -1; give 0 or more"),
        ({"labels": 9, "rounds": -1}, "rounds is -1; give at least 1, or labels"),
        ({"batch_size": -2}, "batch_size is -2; give 0 or more"),
        ({"seed_labels": -2}, "seed_labels is -2; give 0 or more, or -1 for what each recipe has"),
        ({"ignore_splits": True}, "ignore_splits is true, but split_per_seed false; set both"),
        ({"split_per_seed": "yes"}, "split_per_seed is 'yes'; give true or false"),
        ({"rounds": "many"}, "rounds is 'many'; give a whole number"),
        ({"seeds": True}, "seeds is True; give a whole number"),
        (
            {"acquisition_functions": ["best"]},
            "acquisition_functions has 'best'; there are smallest_margin,",
        ),
        (
            {"acquisition_functions": "smallest_margin"},
            "acquisition_functions is 'smallest_margin'; give a list",
        ),
        ({"acquisition_functions": []}, "acquisition_functions is empty; give at least one"),
        (
            {"acquisition_functions": ["smallest_margin", "smallest_margin"]},
            "acquisition_functions has 'smallest_margin' twice; give it once",
        ),
        (
            {"selection_rules": ["both"]},
            "selection_rules has 'both'; there are class-aware, class-agnostic",
        ),
        ({"as": "talk"}, "as has 'talk'; there are paper, code, best"),
        ({"recipes": ["tasty"]}, "recipes has 'tasty'; there are paper, linear, kernel, best"),
        ({"representations": ["big"]}, "representations has 'big'; there are none, linear, kernel"),
        ({"strategies": ["own"]}, "strategies has 'own', but there are no recipes; give some"),
        ({"seed_labels": -1}, "seed_labels is -1, what each recipe has, but there are none; give"),
        ({"oracles": ["noise"]}, "oracles has 'noise': "),
        ({"head_recipes": ["newton"]}, "head_recipes has 'newton': .* adam, lbfgs, logistic"),
        ({"head_recipes": ["logistic:class_balance=2"]}, "head_recipes has .*it must be 0 to 1"),
        (
            {"head_recipes": ["logistic", "logistic:l2_penalty=0.0005"]},
            "head_recipes has 'logistic:l2_penalty=0.0005,.*' twice; give it once",
        ),
        ({"stop": ["soon"]}, "stop has 'soon': .*'soon' is no rule; there are plateau"),
        ({"stop": ["plateau:round_count=0"]}, "stop has .*: round_count is 0; it must be 1 to"),
        ({"stop": ["label_count:5", "label_count:5"]}, "stop has 'label_count:5' twice; give it"),
        (
            {"stop": [f"label_count:{n}" for n in range(1, 22)]},
            "stop has 21 rules; give at most",
        ),
        ({"class_aware_batch": -1}, "class_aware_batch is -1; give 0 for one per class, or more"),
        ({"batches_at_once": 0}, "batches_at_once is 0; give at least 1"),
        ({"seeds": 10**12}, "seeds is 1,000,000,000,000; give at most 10,000"),
        ({"rounds": 2**63}, "rounds is 9,223,372,036,854,775,808; give at most 1,000,000"),
        ({"labels": 10**10}, "labels is 10,000,000,000; give at most 1,000,000,000"),
        ({"batch_size": 10_001}, "batch_size is 10,001; give at most 10,000"),
        ({"recipes": [["best"]]}, r"recipes has \['best'\]; there are paper, linear,"),
        ({"audit_shares": [10**400]}, "audit_shares has a number of 401 digits; give less"),
        ({"int16_divisor": 1}, "int16_divisor is 1; give 32768 or 32767"),
        ({"datasets": []}, "no data set"),
        ({"datasets": [{"name": ""}]}, "datasets has {'name': ''}; give a table with a name"),
        ({"datasets": [{"root": "x"}]}, "datasets has {'root': 'x'}; give a table with a name"),
        ({"datasets": [{"name": "x", "path": "y"}]}, "datasets has the key 'path'; name, root"),
        ({"datasets": [FSDD, {"name": "a/fsdd"}]}, "datasets has two that .* 'fsdd'; rename"),
        ({"encoders": ["a/net", "b/net/"]}, "encoders has two that .* 'net'; rename"),
        (
            {"as": "code", "acquisition_functions": ["smallest_margin", "margin_logits"]},
            "which are the same while",
        ),
    ],
)
def test_mistakes_are_told_with_key_and_value(table: dict[str, Any], message: str) -> None:
    assert re.search(message, complaint(**table))


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("logmel", "logmel"),
        ("https://tfhub.dev/google/trillsson5/1", "trillsson5"),
        ("https://tfhub.dev/google/trillsson5/1?tf-hub-format=compressed", "trillsson5"),
        (
            "https://tfhub.dev/google/nonsemantic-speech-benchmark/trill-distilled/3",
            "trill-distilled",
        ),
        ("google/trillsson/tensorFlow2/5/1", "trillsson5"),
        ("/home/ann/.cache/kagglehub/models/google/trillsson/tensorFlow2/1/1", "trillsson1"),
        ("https://www.kaggle.com/models/google/trillsson/TensorFlow2/3", "trillsson3"),
        (f"{_FRILL}/versions/1", "frill"),
        (f"{_KAGGLE}/yamnet/tensorFlow2/default/1", "yamnet"),
        ("/home/ann/tensorflow2/encoders/net", "net"),
        ("/encoders/yamnet/", "yamnet"),
        ("/encoders/yamnet/versions/2", "yamnet"),
        ("/7", "7"),
    ],
)
def test_an_encoder_goes_by_its_name_not_by_its_version(location: str, name: str) -> None:
    assert encoder_name(location) == name


def test_no_name_is_not_the_folder_that_one_is_in(tmp_path: Path) -> None:
    assert resolve("", tmp_path) == ""
    assert resolve(".", tmp_path) == str(tmp_path.resolve())


@pytest.mark.parametrize(
    "content", ["rounds = ", f"seeds = {'9' * 5_000}", 'encoders = "logmel"\ndatasets = 3', b"\xff"]
)
def test_a_file_that_is_no_experiment_is_named(tmp_path: Path, content: str | bytes) -> None:
    file = tmp_path / "e.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ExperimentError, match=r"e\.toml"):
        make_spec(read_table(file))


@pytest.mark.parametrize(
    "more",
    [
        {"seeds": 11},
        {"acquisition_functions": ["random", "entropy", "smallest_margin"]},
        {"datasets": [{"name": "other.csv"}, {**FSDD, "root": "/moved", "tasks": ["digit", "x"]}]},
        {"encoders": ["/elsewhere/logmel", "frill"]},
        {"oracles": ["perfect", "noise:0.1"]},
        {"head_recipes": ["logistic", "adam"]},
    ],
)
def test_an_experiment_may_grow_and_its_folders_may_move(more: dict[str, Any]) -> None:
    check_extends(spec_of(), spec_of(**more), Path("out"))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"seeds": 9}, "seeds is 9, but out has 10; give as many, or another --output"),
        ({"rounds": 99}, "rounds is 99, but 100 in out; give another --output"),
        (
            {"acquisition_functions": ["smallest_margin"]},
            "acquisition_functions in out has random, which is missing now; keep it",
        ),
        ({"encoders": ["frill"]}, "encoders in out has logmel, which is missing now; keep it"),
        ({"datasets": [{**FSDD, "tasks": ["x"]}]}, "datasets in out has fsdd, task digit, which"),
        (
            {"head_recipes": ["logistic"]},
            "head_recipes in out has adam:learning_rate=0.001,epoch_count=100,batch_size=32, which",
        ),
        ({"as": "code"}, "margin_on is 'logits', but 'probabilities' in out"),
    ],
)
def test_an_experiment_must_keep_what_it_had(other: dict[str, Any], message: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        check_extends(spec_of(), spec_of(**other), Path("out"))
    assert str(caught.value).startswith(message)


def test_strategies_by_name_take_the_place_of_functions_and_rules() -> None:
    spec = spec_of(strategies=["random", "margin", "herding"], seeds=1)
    assert spec.strategies == ("random", "margin", "herding")
    asked = {
        (key.acquisition_function, key.selection_rule)
        for key in run_keys(spec, ["digit"])
        if key.selection_rule
    }
    assert asked == {(RANDOM, AGNOSTIC), (MARGIN, AGNOSTIC), (MARGIN, SelectionRule.HERDING)}
    of_code = spec_of(**{"as": "code", "strategies": ["margin-class-aware"]})
    assert functions_of(of_code) == [AcquisitionFunction.MARGIN_LOGITS]


def test_strategies_may_be_named_later_where_nothing_is_lost() -> None:
    before = spec_of()
    check_extends(
        before, spec_of(strategies=["herding", *ASKED_BEFORE], class_agnostic_batch=1), Path("out")
    )
    with pytest.raises(ExperimentError, match="strategies in out has random-class-aware, which is"):
        check_extends(before, spec_of(strategies=["margin-class-aware"]), Path("out"))


def test_labels_end_a_run_and_so_do_rounds_where_both_are_given() -> None:
    by_rounds = spec_of(rounds=7)
    assert by_rounds.round_count(AWARE, 10, 5) == 7
    by_labels = spec_of(labels=200, batch_size=7)
    assert by_labels.rounds == 0
    # 150 behind the seed labels, the last batch of 3.
    assert by_labels.round_count(AWARE, 10, 5) == by_labels.round_count(AGNOSTIC, 10, 5) == 22
    assert spec_of(labels=200).round_count(AGNOSTIC, 10, 5) == 150
    assert spec_of(labels=200, rounds=9).round_count(AWARE, 10, 5) == 9
    assert spec_of(labels=200).round_count(AWARE, 10, 0) == 20


def test_the_best_reading_starts_from_no_label_with_its_own_strategy_beside_random() -> None:
    spec = spec_of(**{"as": "best", "labels": 200})
    (recipe,) = spec.followed()
    assert recipe == RECIPES["best"]
    assert recipe.seed_labels == 0
    assert spec.split_per_seed
    assert spec.asked_by(recipe) == (QueryStrategy(RANDOM, AGNOSTIC), recipe.query_strategy)
    assert spec.labels_a_round(recipe.query_strategy.selection_rule, 12) == 12
    # What is given wins, whichever key names it.
    assert spec_of(**{"as": "best", "seed_labels": 5}).followed()[0].seed_labels == 5
    by_functions = spec_of(**{"as": "best", "acquisition_functions": ["entropy"]})
    assert by_functions.asked_by(recipe) == (QueryStrategy(AcquisitionFunction.ENTROPY, AWARE),)
    of_heads = spec_of(**{"as": "best", "head_recipes": ["logistic"]})
    assert [each.representation for each in of_heads.followed()] == [Representation.NONE]
    assert of_heads.seed_labels == 0


def test_recipes_by_name_bring_what_heads_read_how_they_are_trained_and_their_seed_labels() -> None:
    spec = spec_of(recipes=["paper", "kernel", "best", "linear"], seeds=1)
    assert spec.followed() == tuple(RECIPES[name] for name in spec.recipes)
    keys = run_keys(spec, ["digit"])
    assert len(set(keys)) == len(keys) == 4 * (1 + 2)
    papers = [key for key in keys if key.representation is Representation.NONE]
    assert {key.head_recipe for key in papers} == {PAPER_HEAD_RECIPE}
    assert {key.seed_labels for key in papers if key.selection_rule} == {5}
    assert {key.seed_labels for key in keys if key not in papers} == {0}
    own = [key for key in papers if key.acquisition_function is MARGIN]
    assert [key.selection_rule for key in own] == [AWARE]
    given_to_all = spec_of(recipes=["paper", "kernel"], seed_labels=3)
    assert {each.seed_labels for each in given_to_all.followed()} == {3}
    herding = spec_of(recipes=["kernel"], strategies=["herding", "own"])
    assert herding.asked_by(RECIPES["kernel"]) == (RECIPES["kernel"].query_strategy,)


def test_recipes_may_be_named_later_where_nothing_is_lost() -> None:
    before = spec_of(class_agnostic_batch=0)
    with_paper = {"recipes": ["paper", "linear"], "strategies": [*ASKED_BEFORE, "own"]}
    check_extends(before, spec_of(**with_paper), Path("out"))
    with pytest.raises(
        ExperimentError, match=r"recipes in out has none with adam.*, margin-class-"
    ):
        check_extends(before, spec_of(recipes=["linear"]), Path("out"))
    with pytest.raises(ExperimentError, match=r"recipes in out has .* after 5 seed labels, which"):
        check_extends(before, spec_of(**with_paper, seed_labels=4), Path("out"))


def test_runs_are_every_combination_and_the_ceilings() -> None:
    spec = replace(spec_of(), seeds=2, selection_rules=(AWARE, AGNOSTIC))
    keys = run_keys(spec, ("digit", "speaker"))
    assert len(keys) == len(set(keys)) == 2 * (2 + 2 * 2 * 2)
    ceilings = [key for key in keys if key.acquisition_function is None]
    assert [(key.task, key.seed) for key in ceilings] == [
        ("digit", 0),
        ("digit", 1),
        ("speaker", 0),
        ("speaker", 1),
    ]
    assert DatasetSpec("/a/b.csv").short_name == "b.csv"


@pytest.mark.parametrize("reading", ["paper", "code"])
def test_every_head_recipe_has_its_runs_and_ceilings_behind_those_that_there_were(
    reading: str,
) -> None:
    alone = run_keys(spec_of(**{"as": reading}), ("digit",))
    assert {key.head_recipe for key in alone} == {PAPER_HEAD_RECIPE}
    both = spec_of(**{"as": reading, "head_recipes": ["adam", "logistic"]})
    keys = run_keys(both, ("digit",))
    assert keys[: len(alone)] == alone
    others = {key.head_recipe for key in keys[len(alone) :]}
    assert others == {"logistic:l2_penalty=0.0005,iteration_count=40,class_balance=0.0"}
    paired = [replace(key, head_recipe=PAPER_HEAD_RECIPE) for key in keys[len(alone) :]]
    assert tuple(paired) == alone


def test_audits_are_drawn_where_they_help_estimates() -> None:
    spec = spec_of(
        recipes=["paper", "best"], strategies=["random", "herding"], audit_shares=[0, 1e-1]
    )
    keys = run_keys(replace(spec, seeds=1), ["digit"])
    asked = [(k.head_recipe[:4], k.selection_rule, k.audit_share) for k in keys if k.selection_rule]
    herding = SelectionRule.HERDING
    assert asked == [
        ("adam", AGNOSTIC, 0.0),
        ("adam", herding, 0.0),
        ("ridg", AGNOSTIC, 0.0),
        ("ridg", herding, 0.0),
        ("ridg", herding, 0.1),
    ]


def test_shares_and_errors_that_cannot_be_are_named() -> None:
    assert complaint(audit_shares=[0.6]) == "audit_shares has 0.6; give 0 to 0.5"
    assert complaint(audit_shares=["few"]) == "audit_shares has 'few'; give a number"
    assert complaint(audit_shares=[]) == "audit_shares is empty; give at least one"
    assert complaint(max_expected_error=2) == "max_expected_error is 2; give 0 to 1"
