"""`aloe simulate`: label a data set with simulated oracles and see how fast accuracy rises."""

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aloe.bench.spec import ClassAwareRandom, DatasetSpec, Spec
from aloe.cli.console import plain, print_json, print_table
from aloe.cli.experiment_progress import needing_bench
from aloe.cli.options import (
    HEAD_RECIPE_HELP,
    Encoder,
    Json,
    RedisUrl,
    SkipBad,
    parse_acquisition_functions,
    parse_recipe,
    split_list,
)
from aloe.client import SelectionRule, head_recipe_text
from aloe.local import StackOptions
from aloe.oracle import PERFECT, parse_oracle
from aloe.values.recipes import PAPER_RECIPE

if TYPE_CHECKING:
    from aloe.bench.report.runs import Run
    from aloe.cli.quick_look import QuickLook


def simulate(
    dataset: Annotated[
        str,
        typer.Argument(help="a name, a manifest, a folder of classes, or a file of embeddings"),
    ],
    root: Annotated[Path | None, typer.Option(help="folder of a data set by name")] = None,
    encoder: Encoder = "logmel",
    tasks: Annotated[str, typer.Option(help="tasks, separated by commas; by default all")] = "",
    acquisition_functions: Annotated[
        str, typer.Option(help="separated by commas")
    ] = "smallest_margin,random",
    selection_rule: Annotated[
        SelectionRule, typer.Option(help="how a batch is picked")
    ] = SelectionRule.CLASS_AWARE,
    head_recipe: Annotated[
        str, typer.Option(metavar="RECIPE", help=HEAD_RECIPE_HELP)
    ] = head_recipe_text(PAPER_RECIPE, short=True),
    rounds: Annotated[int, typer.Option(min=1, help="batches after the seed labels")] = 40,
    seeds: Annotated[int, typer.Option(min=1, help="repetitions, with seeds 0, 1, ...")] = 1,
    seed_labels: Annotated[int, typer.Option(min=1, help="seed labels per class")] = 5,
    batch: Annotated[
        int | None, typer.Option(min=1, help="labels in a round; by default one per class")
    ] = None,
    oracle: Annotated[
        str, typer.Option(metavar="ORACLE", help="who answers, such as noise:0.1+abstain:0.05")
    ] = PERFECT,
    server: Annotated[
        str, typer.Option(help="host:port of a learner that runs; without it one is started")
    ] = "",
    redis_url: RedisUrl = "",
    skip_bad: SkipBad = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="JSON file")] = None,
    plot: Annotated[Path | None, typer.Option(help="learning curves, as .png, .svg, .pdf")] = None,
    json: Json = False,
) -> None:
    """Label a data set with simulated oracles, over gRPC, and compare acquisition functions."""
    with needing_bench():
        from aloe.bench.run.experiment import load_datasets
        from aloe.cli.quick_look import check_plot, look, temporary_folder

    check_plot(plot)
    spec = Spec(
        datasets=(DatasetSpec(dataset, str(root or ""), tuple(split_list(tasks))),),
        encoders=(encoder,),
        acquisition_functions=parse_acquisition_functions(acquisition_functions),
        selection_rules=(selection_rule,),
        oracles=(str(parse_oracle(oracle)),),
        head_recipes=(head_recipe_text(parse_recipe(head_recipe)),),
        rounds=rounds,
        seeds=seeds,
        seed_labels=seed_labels,
        class_aware_batch=batch or 0,
        class_agnostic_batch=batch or 0,
        stop=(),
        class_aware_random=ClassAwareRandom.PER_CLASS,
    )
    datasets = load_datasets(spec)
    is_embedded = all(each.embeddings is not None for each in datasets.values())
    services = StackOptions(
        encoder=None if is_embedded else encoder,
        redis_url=redis_url,
        learner_count=0 if server else 1,
        embedding_flags=("--deterministic",),
    )
    with temporary_folder() as folder:
        found = look(spec, datasets, folder, services, server=server, skip_bad=skip_bad)
    if output:
        text = dumps(plain(_to_json(found)), indent=2, ensure_ascii=False)
        output.write_text(f"{text}\n", encoding="utf-8")
    if plot:
        found.draw(plot)
    if json:
        print_json(_to_json(found))
    else:
        _print_table(found)


def _to_json(found: "QuickLook") -> dict[str, Any]:
    about = found.results.metadata
    (part,) = about["parts"]
    return {
        "runs": [_run_to_json(run) for run in found.results.runs],
        "ceilings": {
            each.setting.task: {
                "accuracy": each.ceiling and each.ceiling.value,
                "labels": each.ceiling_label_count,
                "seeds": [
                    run.seed
                    for run in found.results.ceilings
                    if run.setting.task == each.setting.task
                ],
            }
            for each in found.figures
        },
        "encoder": {"id": part["encoder_id"], "fingerprint": part["encoder_fingerprint"]},
        "versions": about["versions"],
        "settings": about["spec"],
    }


def _run_to_json(run: "Run") -> dict[str, Any]:
    return {
        "task": run.setting.task,
        "measure": run.setting.measure,
        "acquisition_function": run.acquisition_function,
        "selection_rule": run.selection_rule,
        "seed": run.seed,
        "labels": int(run.labels[-1]),
        "accuracy": run.last("test_accuracy"),
        "curve": _curve_to_json(run, "validation_accuracy"),
        "test_curve": _curve_to_json(run, "test_accuracy"),
    }


def _curve_to_json(run: "Run", figure: str) -> list[dict[str, Any]]:
    return [
        {"labels": int(labels), "accuracy": accuracy}
        for labels, accuracy in zip(run.labels, run.figures[figure], strict=True)
    ]


def _print_table(found: "QuickLook") -> None:
    from aloe.bench.report.panels import spoken
    from aloe.bench.report.table import estimate_text, percent_text

    (group, *_) = found.figures[0].groups
    several = any(len(each.seeds) > 1 for each in group.strategies)
    print_table(
        ["task", "acquisition function", "runs", "labels", "test accuracy, %", "all labels, %"],
        [
            [
                setting.setting.task
                + (f", {setting.setting.measure}" if setting.setting.is_several else ""),
                spoken(each.name),
                len(each.seeds),
                estimate_text(each.labels, digits=0),
                percent_text(each.accuracy),
                f"{percent_text(setting.ceiling)} of {setting.ceiling_label_count or 0:,}",
            ]
            for setting in found.figures
            for group in setting.groups
            for each in group.strategies
        ],
        title=f"Last heads, {group.name}"
        + ("; in brackets 95 % intervals over the runs" if several else ""),
    )
