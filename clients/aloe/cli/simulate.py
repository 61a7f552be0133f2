"""`aloe simulate`: label a data set with simulated oracles and see how fast accuracy rises."""

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from aloe.bench.corpus import Corpus
from aloe.bench.datasets import load
from aloe.bench.datasets.recording import clip_id_of
from aloe.bench.plots import plot_learning_curves
from aloe.bench.pool_runs import PoolRuns
from aloe.bench.provenance import versions
from aloe.bench.results import Metadata, Simulation, ceilings_of, runs_of, summarize
from aloe.bench.spec import ClassAwareRandom, DatasetSpec, Spec
from aloe.bench.task_run import PATIENCE
from aloe.cli.console import complain, notes, percent, plain, print_json, print_table
from aloe.cli.experiment_progress import run_with_progress
from aloe.cli.options import Encoder, Json, parse_acquisition_functions, split_list
from aloe.cli.up import REDIS_URL_HELP, start_stack
from aloe.client import SelectionRule, connect_async
from aloe.local import StackOptions
from aloe.oracle import PERFECT, parse_oracle


def simulate(
    dataset: Annotated[
        str, typer.Argument(help="fsdd, a CSV manifest, or a folder with one folder per class")
    ],
    root: Annotated[Path | None, typer.Option(help="folder of a data set by name")] = None,
    encoder: Encoder = "logmel",
    tasks: Annotated[str, typer.Option(help="tasks, separated by commas; by default all")] = "",
    strategies: Annotated[str, typer.Option(help="separated by commas")] = "margin,random",
    sampling: Annotated[
        SelectionRule, typer.Option(help="one clip per predicted class, or any")
    ] = SelectionRule.CLASS_AWARE,
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
    redis_url: Annotated[str, typer.Option(envvar="REDIS_URL", help=REDIS_URL_HELP)] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="JSON file")] = None,
    plot: Annotated[Path | None, typer.Option(help="learning curves, as .png, .svg, .pdf")] = None,
    json: Json = False,
) -> None:
    """Label a data set with simulated oracles, over gRPC, and compare strategies."""
    settings = {
        name: plain(str(value) if isinstance(value, Path) else value)
        for name, value in locals().items()
        if name not in ("redis_url", "server", "output", "plot", "json")
    }
    answering = parse_oracle(oracle)
    data = load(dataset, root)
    for warning in data.warnings:
        complain(warning)
    corpus = Corpus.of_dataset(data, split_list(tasks))
    for classes in corpus.classes.values():
        answering.check_classes(classes)
    spec = Spec(
        datasets=(DatasetSpec(dataset, tasks=tuple(corpus.classes)),),
        strategies=parse_acquisition_functions(strategies),
        sampling=(sampling,),
        oracles=(str(answering),),
        rounds=rounds,
        seeds=seeds,
        seed_labels=seed_labels,
        class_aware_batch=batch or 0,
        class_agnostic_batch=batch or 0,
        stop=(),
        class_aware_random=ClassAwareRandom.PER_CLASS,
    )
    with _learner(server, encoder, redis_url) as address:
        simulation = asyncio.run(_simulate(address, corpus, spec, clip_id_of(Path(data.name).name)))
    simulation = replace(simulation, metadata=replace(simulation.metadata, settings=settings))
    if output:
        output.write_text(dumps(simulation.to_json(), indent=2) + "\n", encoding="utf-8")
    if plot:
        plot_learning_curves(simulation.runs, simulation.ceilings, plot)
    if json:
        print_json(simulation.to_json())
    else:
        _print_summary(simulation)


async def _simulate(address: str, corpus: Corpus, spec: Spec, pool_id: str) -> Simulation:
    """Run on a pool, which stays, and on tasks, which are deleted."""
    async with connect_async(address) as client:
        pool = await client.create_pool(pool_id, timeout=PATIENCE)
        prefix = f"sim-{secrets.token_hex(4)}"
        runs = PoolRuns([client], corpus, spec, pool_id=pool_id, prefix=prefix)
        records = await run_with_progress(runs, corpus, spec)
    metadata = Metadata(pool.encoder_id, pool.encoder_fingerprint, versions(), {})
    return Simulation(runs_of(records), ceilings_of(records), metadata)


@contextlib.contextmanager
def _learner(server: str, encoder: str, redis_url: str) -> Iterator[str]:
    if server:
        notes.print(f"using the learner at {server} and its default encoder", style="dim")
        yield server
        return
    with start_stack(StackOptions(encoder=encoder, redis_url=redis_url)) as stack:
        yield stack.learner_address


def _print_summary(simulation: Simulation) -> None:
    ceilings = {ceiling.task: ceiling for ceiling in simulation.ceilings}
    print_table(
        ["task", "strategy", "sampling", "runs", "labels", "test accuracy", "+-", "all labels"],
        [
            [
                each.task,
                each.strategy,
                each.selection,
                each.run_count,
                each.labels,
                percent(each.accuracy_mean),
                percent(each.accuracy_std),
                f"{percent(ceilings[each.task].accuracy)} of {ceilings[each.task].labels:,}",
            ]
            for each in summarize(simulation.runs)
        ],
    )
