"""The experiment: data sets embedded once, then every run that its folder does not have yet."""

import asyncio
import hashlib
import platform
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path

from aloe.bench.datasets import Dataset, load
from aloe.bench.datasets.split_notes import about_splits
from aloe.bench.results import rows
from aloe.bench.results.rows import RunRecord
from aloe.bench.results.storage import ExperimentFolder
from aloe.bench.run.checking import PATIENCE
from aloe.bench.run.parts import (
    EmbeddedPart,
    Part,
    StartStack,
    Watcher,
    about_part,
    embed_parts,
    parts_of,
    read_part,
)
from aloe.bench.run.pool_runs import CORE_COUNT, JOB_COUNT, PoolRuns
from aloe.bench.spec import ExperimentError, Spec
from aloe.bench.spec.run_keys import RunKey, run_keys
from aloe.bench.spec.toml import public_table
from aloe.client import (
    AloeError,
    AsyncLearnerClient,
    RidgeRecipe,
    connect_async,
    parse_head_recipe,
)
from aloe.local import StackOptions
from aloe.oracle import OracleError, parse_oracle
from aloe.values.named_recipes import BEST_OF_SEVERAL, RecipeName

_CLEAN_UP = timedelta(seconds=30)

OnRun = Callable[[RunKey, AsyncLearnerClient, str], Awaitable[None]]
"""Called with the run's key, a client of its learner, and the id of its task."""


async def nothing_on_run(_: RunKey, __: AsyncLearnerClient, ___: str) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Means:
    """Where and with which services an experiment is done; nothing here changes its results."""

    embeddings: Path
    """Where embeddings are kept."""
    start_stack: StartStack
    """Starts services."""
    server: str = ""
    """host:port of a learner that runs; empty starts one per core."""
    on_run: OnRun = nothing_on_run
    """Told of each run that is done, while its task is still there."""
    job_count: int = JOB_COUNT
    """Runs at a time."""
    skip_bad: bool = False
    """Leave out clips that cannot be embedded, which the results then name."""


def load_datasets(spec: Spec) -> dict[str, Dataset]:
    """Read the data sets of an experiment from disk; short name to data set.

    Raises:
        DatasetError: a data set cannot be used.
    """
    return {
        each.short_name: load(each.name, Path(each.root) if each.root else None)
        for each in spec.datasets
    }


def run_experiment(
    spec: Spec, datasets: Mapping[str, Dataset], output: Path, means: Means, watcher: Watcher
) -> Path:
    """Do what is missing of an experiment; return the file of its results.

    Args:
        spec: what to do.
        datasets: short name to data set.
        output: the experiment's folder; may hold a part of it already.
        means: with what.
        watcher: told how far it is.

    Raises:
        ExperimentError: it cannot be done, or not in this folder.
        DatasetError: a data set has no such task.
        AloeError: a service failed.
        ChildFailed: a service did not start.
    """
    spec = _with_tasks(spec, datasets)
    _check_oracles(spec, datasets)
    _check_several(spec, datasets)
    _check_budget(spec, datasets)
    for dataset in datasets.values():
        drawn = about_splits(dataset, per_seed=spec.split_per_seed, ignored=spec.ignore_splits)
        for warning in (*dataset.warnings, *drawn):
            watcher.note(warning)
    for note in _about_best(spec, datasets):
        watcher.note(note)
    with ExperimentFolder(output) as folder:
        folder.adopt(spec)
        parts = parts_of(spec, datasets, means.embeddings)
        failures = embed_parts(parts, spec, means.start_stack, watcher, skip_bad=means.skip_bad)
        about = []
        with ExitStack() as ending:
            runner = _Runner(spec, folder, means, watcher, parts=parts, ending=ending)
            for part in parts:
                embedded = read_part(part, spec)
                runner.do_missing(part, embedded)
                about.append(about_part(part, embedded, failures[part.name]))
        runs = [
            rows.run_columns(part.dataset, part.encoder, key)
            for part in parts
            for key in part.run_keys(spec)
        ]
        kept = folder.write_results(runs, {"spec": public_table(spec), "parts": about})
        for key, told in (("versions", "with the same versions"), ("machine", "on one machine")):
            if isinstance(kept[key], list):
                watcher.note(
                    f"not all runs were made {told}: {folder.results_file.name} lists"
                    f" {len(kept[key])} in its metadata"
                )
        return folder.results_file


def _with_tasks(spec: Spec, datasets: Mapping[str, Dataset]) -> Spec:
    """Return the spec with the tasks of each data set named, also where all were meant."""
    return replace(
        spec,
        datasets=tuple(
            replace(each, tasks=tuple(datasets[each.short_name].trainable(each.tasks)))
            for each in spec.datasets
        ),
    )


def _check_oracles(spec: Spec, datasets: Mapping[str, Dataset]) -> None:
    """Check that every oracle fits the classes of every task, before anything is embedded."""
    for each in spec.datasets:
        for task, classes in datasets[each.short_name].trainable(each.tasks).items():
            for oracle in spec.oracles:
                try:
                    parse_oracle(oracle).check_classes(classes)
                    if task in datasets[each.short_name].multi_label_tasks:
                        parse_oracle(oracle).check_several()
                except OracleError as error:
                    raise ExperimentError(
                        f"oracles has {oracle!r}, but of {each.short_name}, task {task}: {error};"
                        " drop the oracle, or name the tasks that it fits"
                    ) from error


def _check_several(spec: Spec, datasets: Mapping[str, Dataset]) -> None:
    """Check that learners take every choice for tasks of several labels a clip."""
    for each in spec.datasets:
        tasks = datasets[each.short_name].multi_label_tasks.keys() & set(each.tasks)
        for key in run_keys(spec, sorted(tasks), tasks):
            told = f"{each.short_name}, task {key.task}, has several labels a clip"
            if isinstance(parse_head_recipe(key.head_recipe), RidgeRecipe):
                raise ExperimentError(
                    f"{told}, and ridge heads are of one; take other heads, or --recipes best"
                )
            if key.acquisition_function is None or key.selection_rule is None:
                continue
            asked = spec.query_strategy(key.acquisition_function, key.selection_rule)
            if not asked.goes_with_several:
                raise ExperimentError(
                    f"{told}, which {key.acquisition_function.value}, {key.selection_rule.value}"
                    " does not go with"
                )


def _about_best(spec: Spec, datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """Say of which tasks the best recipe is another one."""
    if RecipeName.BEST.value not in spec.recipes:
        return
    for each in spec.datasets:
        for task in datasets[each.short_name].multi_label_tasks.keys() & set(each.tasks):
            yield f"{each.short_name}, task {task}: {BEST_OF_SEVERAL}"


def _check_budget(spec: Spec, datasets: Mapping[str, Dataset]) -> None:
    """Check that seed labels leave something of the budget, before anything is embedded."""
    for each in spec.datasets:
        for task, classes in datasets[each.short_name].trainable(each.tasks).items():
            seed_count = max(each.seed_labels for each in spec.followed()) * len(classes)
            if spec.labels and seed_count >= spec.labels:
                raise ExperimentError(
                    f"labels is {spec.labels:,}, but {each.short_name}, task {task}, takes"
                    f" {seed_count:,} seed labels; give more labels, or fewer seed_labels"
                )


class _Runner:
    """Does the runs of one part after the other, on learners that start with the first."""

    def __init__(
        self,
        spec: Spec,
        folder: ExperimentFolder,
        means: Means,
        watcher: Watcher,
        *,
        parts: Sequence[Part],
        ending: ExitStack,
    ) -> None:
        self._spec, self._folder, self._means = spec, folder, means
        self._watcher, self._parts, self._ending = watcher, parts, ending

    @cached_property
    def _addresses(self) -> tuple[str, ...]:
        if self._means.server:
            return (self._means.server,)
        options = StackOptions(encoder=None, learner_count=CORE_COUNT)
        return self._ending.enter_context(self._means.start_stack(options)).learner_addresses

    @cached_property
    def _step(self) -> Callable[[], None]:
        """Tells the watcher of a round; all that are missing in any part are one step of its."""
        return self._watcher.begin("rounds", sum(map(self._missing_count, self._parts)))

    def _missing_count(self, part: Part) -> int:
        classes = part.data.trainable(part.tasks)
        return sum(
            self._spec.round_count(key.selection_rule, len(classes[key.task]), key.seed_labels)
            for key in part.run_keys(self._spec)
            if key.selection_rule is not None
            and not self._folder.is_there(rows.run_columns(part.dataset, part.encoder, key))
        )

    def do_missing(self, part: Part, embedded: EmbeddedPart) -> None:
        every = part.run_keys(self._spec)
        digest_of = cache(embedded.digest_of)
        keys = [
            key
            for key in every
            if not self._folder.has_run(
                rows.run_columns(part.dataset, part.encoder, key), digest_of(key.seed)
            )
        ]
        self._watcher.note(f"{part.name}: {len(keys):,} of {len(every):,} runs to do")
        if keys:
            # Outside the event loop: starting services would replace its signal handler.
            addresses, _ = self._addresses, self._step
            asyncio.run(self._do(part, embedded, keys, addresses))

    async def _do(
        self,
        part: Part,
        embedded: EmbeddedPart,
        keys: Sequence[RunKey],
        addresses: Sequence[str],
    ) -> None:
        async def keep(record: RunRecord, client: AsyncLearnerClient, task_id: str) -> None:
            run = rows.run_columns(part.dataset, part.encoder, record.key)
            table = rows.run_table(run, record)
            digest = embedded.digest_of(record.key.seed)
            await asyncio.to_thread(self._folder.write_run, run, table, digest)
            await self._means.on_run(record.key, client, task_id)

        async with AsyncExitStack() as ending:
            clients = [await ending.enter_async_context(connect_async(each)) for each in addresses]
            prefix = _task_prefix(self._folder.path)
            pool = await clients[0].create_pool(
                f"{prefix}-{embedded.digest[:16]}",
                encoder_id=embedded.encoder.encoder_id,
                encoder_fingerprint=embedded.encoder.fingerprint,
                embedding_dim=embedded.encoder.embedding_dim,
                timeout=PATIENCE,
            )
            runs = PoolRuns(
                clients,
                embedded,
                self._spec,
                pool_id=pool.pool_id,
                prefix=prefix,
            )
            refused = (await runs.import_clips()).failures
            if refused:
                raise ExperimentError(
                    f"the learner refused {len(refused):,} embeddings of {part.name};"
                    f" {refused[0].clip_id}: {refused[0].message}"
                )
            await runs.run(
                keys,
                job_count=self._means.job_count,
                on_batch=self._step,
                on_record=keep,
            )
            await self._delete_pool(clients[0], pool.pool_id)

    async def _delete_pool(self, client: AsyncLearnerClient, pool_id: str) -> None:
        """Delete the pool. The runs are kept already, so failing to is only noted."""
        try:
            await client.delete_pool(pool_id, timeout=_CLEAN_UP)
        except AloeError as error:
            self._watcher.note(f"the pool {pool_id} stays on the learner: {error}")


def _task_prefix(folder: Path) -> str:
    """Return the prefix of an experiment's pools and tasks: the same again after a kill."""
    place = f"{platform.node()}\0{folder.resolve()}"
    return f"bench-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
