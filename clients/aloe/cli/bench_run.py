"""`aloe bench run`: an experiment, from a file or from flags."""

from pathlib import Path
from typing import Annotated, Any

import typer

from aloe.bench.spec import ClassAwareRandom, ExperimentError, MarginOn, Reading
from aloe.cli.console import counted, notes, print_json, progress, results
from aloe.cli.experiment_progress import Bars, needing_bench
from aloe.cli.options import HEAD_RECIPE_HELP, Json, SkipBad, split_list
from aloe.cli.up import start_stack
from aloe.values.named_recipes import RECIPES


def run(
    experiment: Annotated[
        Path | None, typer.Argument(help="a TOML file; flags override it")
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            help="a name, a manifest, a folder of classes, or a file of embeddings; repeatable"
        ),
    ] = None,
    root: Annotated[Path | None, typer.Option(help="folder of a data set by name")] = None,
    tasks: Annotated[
        str | None, typer.Option(help="of the data set, separated by commas; by default all")
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="names, SavedModel folders or TF Hub handles, separated by commas"),
    ] = None,
    acquisition_functions: Annotated[
        str | None, typer.Option(help="separated by commas, such as smallest_margin,random")
    ] = None,
    selection_rules: Annotated[
        str | None, typer.Option(help="separated by commas, such as class-aware,class-agnostic")
    ] = None,
    strategies: Annotated[
        str | None,
        typer.Option(
            help="query strategies by name, in place of the two above, separated by commas, such as"
            " random,margin,margin-class-aware,herding,badge,mcv-opt, or own for each recipe's"
        ),
    ] = None,
    oracle: Annotated[
        list[str] | None, typer.Option(help="who answers, such as noise:0.1; repeatable")
    ] = None,
    head_recipe: Annotated[
        list[str] | None,
        typer.Option(metavar="RECIPE", help=f"{HEAD_RECIPE_HELP}; repeatable"),
    ] = None,
    representations: Annotated[
        str | None, typer.Option(help="what heads read: none, linear, kernel, separated by commas")
    ] = None,
    recipes: Annotated[
        str | None,
        typer.Option(
            help=f"by name, in place of the two above, separated by commas: {', '.join(RECIPES)};"
            " with several labels a clip best is kernel"
        ),
    ] = None,
    audit_shares: Annotated[
        str | None,
        typer.Option(
            help="parts of the picks to draw at random, such as 0,0.05, where heads get estimates"
            " of their accuracy"
        ),
    ] = None,
    max_expected_error: Annotated[
        float | None,
        typer.Option(
            help="how many of the predictions that heads may accept may be wrong; 0 asks for none"
        ),
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(help="batches after the seed labels, at most; 100 without --labels"),
    ] = None,
    labels: Annotated[
        int | None, typer.Option(help="labels in all, seed labels included, at most")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="repetitions, with seeds 0, 1, ...")] = None,
    seed_labels: Annotated[
        int | None, typer.Option(help="seed labels per class; 0 for none, -1 for each recipe's own")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="labels in every round, instead of the next two")
    ] = None,
    class_aware_batch: Annotated[
        int | None, typer.Option(help="labels in a class-aware round; 0: one per class")
    ] = None,
    class_agnostic_batch: Annotated[
        int | None, typer.Option(help="labels in a class-agnostic round; 0: one per class")
    ] = None,
    batches_at_once: Annotated[
        int | None,
        typer.Option(
            help="batches that a slow oracle holds; with more than 1, picks depend on timing"
        ),
    ] = None,
    stop: Annotated[
        list[str] | None,
        typer.Option(help="a rule whose advice is kept, as aloe task create takes it; repeatable"),
    ] = None,
    reading: Annotated[
        Reading | None,
        typer.Option(
            "--as",
            help="where the paper and its code differ, which sets the five below; or the best",
        ),
    ] = None,
    margin_on: Annotated[MarginOn | None, typer.Option(help="what a margin is taken of")] = None,
    class_aware_random: Annotated[
        ClassAwareRandom | None, typer.Option(help="what random draws under the class-aware rule")
    ] = None,
    split_per_seed: Annotated[
        bool | None,
        typer.Option(
            "--split-per-seed/--one-split",
            help="whether each seed draws train and test clips of data sets without splits",
        ),
    ] = None,
    ignore_splits: Annotated[
        bool | None,
        typer.Option("--ignore-splits/--own-splits", help="also where data sets have splits"),
    ] = None,
    int16_divisor: Annotated[int | None, typer.Option(help="of 16-bit samples")] = None,
    length_policy: Annotated[
        str | None, typer.Option(help="as python -m aloe.embedding takes it; empty: the encoder's")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="folder of the experiment; run again to go on")
    ] = Path("bench"),
    embeddings: Annotated[
        Path | None, typer.Option(help="folder of embeddings; by default in the output folder")
    ] = None,
    server: Annotated[
        str, typer.Option(help="host:port of a learner that runs; without it some are started")
    ] = "",
    jobs: Annotated[int | None, typer.Option(min=1, help="runs at a time")] = None,
    skip_bad: SkipBad = False,
    json: Json = False,
) -> None:
    """Label data sets with simulated oracles in every way that is asked for, and keep it all."""
    with needing_bench():
        from aloe.bench.run.experiment import Means, load_datasets, run_experiment
        from aloe.bench.run.pool_runs import JOB_COUNT
    from aloe.bench.spec.toml import make_spec, read_table, with_flags

    flags = {
        "encoders": _located(encoder),
        "acquisition_functions": _listed("acquisition_functions", acquisition_functions),
        "selection_rules": _listed("selection_rules", selection_rules),
        "strategies": _listed("strategies", strategies),
        "oracles": oracle or None,
        "head_recipes": head_recipe or None,
        "representations": _listed("representations", representations),
        "recipes": _listed("recipes", recipes),
        "audit_shares": _numbers("audit_shares", audit_shares),
        "max_expected_error": max_expected_error,
        "rounds": rounds,
        "labels": labels,
        "seeds": seeds,
        "seed_labels": seed_labels,
        "batch_size": batch_size,
        "class_aware_batch": class_aware_batch,
        "class_agnostic_batch": class_agnostic_batch,
        "batches_at_once": batches_at_once,
        "stop": stop or None,
        "as": reading and reading.value,
        "margin_on": margin_on and margin_on.value,
        "class_aware_random": class_aware_random and class_aware_random.value,
        "split_per_seed": split_per_seed,
        "ignore_splits": ignore_splits,
        "int16_divisor": int16_divisor,
        "length_policy": length_policy,
    }
    given = {key: value for key, value in flags.items() if value is not None}
    table = with_flags(read_table(experiment) if experiment else {}, given)
    table["datasets"] = _datasets(table.get("datasets", []), dataset, root, _listed("tasks", tasks))
    spec = make_spec(table)
    means = Means(
        embeddings=embeddings or output / "embeddings",
        start_stack=start_stack,
        server=server,
        job_count=jobs or JOB_COUNT,
        skip_bad=skip_bad,
    )
    try:
        with progress() as bar:
            file = run_experiment(spec, load_datasets(spec), output, means, Bars(bar))
    except KeyboardInterrupt:
        notes.print("finished runs are kept: the same command goes on from there", style="dim")
        raise
    _tell(file, json)


def _listed(key: str, text: str | None) -> list[str] | None:
    found = None if text is None else split_list(text)
    if found == []:  # As of a shell's variable that is not set.
        raise ExperimentError(f"{key} is empty; give at least one, or leave it out")
    return found


def _numbers(key: str, text: str | None) -> list[float] | None:
    listed = _listed(key, text)
    try:
        return None if listed is None else [float(each) for each in listed]
    except ValueError:
        raise ExperimentError(f"{key} is {text!r}; give numbers, separated by commas") from None


def _located(text: str | None) -> list[str] | None:
    from aloe.bench.spec.toml import resolve

    listed = _listed("encoders", text)
    return None if listed is None else [resolve(each, Path.cwd()) for each in listed]


def _datasets(
    known: list[dict[str, Any]],
    names: list[str] | None,
    root: Path | None,
    tasks: list[str] | None,
) -> list[dict[str, Any]]:
    """Override the data sets of a file, or name some."""
    from aloe.bench.spec.toml import resolve

    if names:
        known = [{"name": each if root else resolve(each, Path.cwd())} for each in names]
    more: dict[str, Any] = {"root": str(root.resolve())} if root else {}
    more |= {"tasks": tasks} if tasks else {}
    if more and len(known) != 1:
        raise ExperimentError(
            f"{', '.join(more)} given for {len(known)} data sets; name one by --dataset"
        )
    return [{**each, **more} for each in known]


def _tell(file: Path, as_json: bool) -> None:
    import pyarrow.parquet as pq

    from aloe.bench.results import schema

    table = pq.read_table(file, columns=[*schema.RUN_COLUMNS])
    run_count = table.group_by(list(schema.RUN_COLUMNS)).aggregate([]).num_rows
    if as_json:
        print_json({"results": str(file), "runs": run_count, "heads": table.num_rows})
        return
    results.print(
        f"{counted(run_count, 'run')} with {counted(table.num_rows, 'head')} in {file}",
        highlight=False,
        soft_wrap=True,
    )
