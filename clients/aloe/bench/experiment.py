"""The experiment: data sets embedded once, then every run that its folder does not have yet."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

from aloe.bench import provenance, rows
from aloe.bench.corpus import Corpus
from aloe.bench.datasets import Dataset, load
from aloe.bench.datasets.recording import clip_id_of
from aloe.bench.embeddings import EmbeddingFolder, StoredEncoder, complete
from aloe.bench.runs import CORE_COUNT, JOB_COUNT, PATIENCE, PoolRuns, RunKey, RunRecord, run_keys
from aloe.bench.spec import ExperimentError, Spec, encoder_name
from aloe.bench.spec_file import to_table
from aloe.bench.storage import ExperimentFolder
from aloe.client import EmbeddingClient, ImportSummary, NewClip, connect_async, connect_embedding
from aloe.local import LocalStack, StackOptions

_MAX_FAILED_PART = 0.01
"""Of a data set's clips: with more, it is not the data set that was meant."""


class Watcher(Protocol):
    """Is told how far an experiment is."""

    def begin(self, what: str, total: int) -> Callable[[], None]:
        """Begin something of so many steps; return what is to be called at each step."""

    def note(self, text: str) -> None:
        """Take notice of something."""


@dataclass(frozen=True, slots=True)
class Means:
    """With what an experiment is done; nothing here changes its results."""

    embeddings: Path
    """Where embeddings are kept."""
    start_stack: Callable[[StackOptions], LocalStack]
    server: str = ""
    """host:port of a learner that runs; empty starts some."""
    learner_count: int = CORE_COUNT
    """Learners to start."""
    job_count: int = JOB_COUNT
    """Runs at a time."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A data set under an encoder."""

    dataset: str
    encoder: str
    """What the results call it."""
    location: str
    """What the embedding service calls it."""
    recordings: Dataset
    tasks: tuple[str, ...]
    folder: Path
    """Of its embeddings."""


@dataclass(frozen=True, slots=True)
class _Embedded:
    """The clips of a part with their embeddings."""

    corpus: Corpus
    encoder: StoredEncoder
    digest: str
    """Of clips, splits, labels and embeddings: all that the runs see."""


def run_experiment(spec: Spec, output: Path, means: Means, watcher: Watcher) -> Path:
    """Do what is missing of an experiment; return the file of its results.

    Raises:
        ExperimentError: it cannot be done, or not in this folder.
        DatasetError: a data set cannot be used.
        AloeError: a service failed.
    """
    datasets = {each.short_name: load(each.name, _root(each.root)) for each in spec.datasets}
    spec = _with_tasks(spec, datasets)
    with ExperimentFolder(output) as folder:
        folder.adopt(spec)
        parts = _parts(spec, datasets, means.embeddings)
        failures = _embed(parts, spec, means, watcher)
        with ExitStack() as ending:
            addresses = cache(partial(_learners, means, ending))
            about = [
                _run_part(part, spec, folder, means, addresses, watcher, failures[part.folder])
                for part in parts
            ]
        runs = [
            rows.run_columns(part.dataset, part.encoder, key)
            for part in parts
            for key in run_keys(spec, part.tasks)
        ]
        folder.write_results(runs, _metadata(spec, about))
        return folder.results_file


def _root(root: str) -> Path | None:
    return Path(root) if root else None


def _with_tasks(spec: Spec, datasets: Mapping[str, Dataset]) -> Spec:
    """Name the tasks of each data set where all are meant."""
    named = []
    for each in spec.datasets:
        known = datasets[each.short_name].tasks
        for task in each.tasks:
            if task not in known:
                raise ExperimentError(
                    f"tasks has {task!r}, but {each.short_name} has {', '.join(known)}"
                )
        named.append(replace(each, tasks=each.tasks or tuple(known)))
    return replace(spec, datasets=tuple(named))


def _parts(spec: Spec, datasets: Mapping[str, Dataset], embeddings: Path) -> list[_Part]:
    return [
        _Part(
            dataset=each.short_name,
            encoder=encoder_name(location),
            location=location,
            recordings=datasets[each.short_name],
            tasks=each.tasks,
            folder=embeddings / _folder_name(each.short_name, location, spec),
        )
        for location in spec.encoders
        for each in spec.datasets
    ]


def _folder_name(dataset: str, location: str, spec: Spec) -> str:
    """Name the folder of some embeddings after all that decides them but the audio."""
    settings = f"{location}\0{spec.int16_divisor}\0{spec.length_policy}"
    digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
    return clip_id_of(f"{dataset}/{encoder_name(location)}/{digest}")


def _embed(
    parts: Sequence[_Part], spec: Spec, means: Means, watcher: Watcher
) -> dict[Path, dict[str, str]]:
    """Make the embeddings that are missing; return the clips that have none, by folder."""
    failures = {}
    for location in spec.encoders:
        with ExitStack() as ending:
            connect = cache(partial(_embedding_client, location, spec, means, ending))
            for part in parts:
                if part.location != location:
                    continue
                recordings = part.recordings.recordings
                step = watcher.begin(f"{part.dataset}, {part.encoder}: embedding", len(recordings))
                found = complete(EmbeddingFolder.open(part.folder), recordings, connect, step)
                _check_failures(part, found, watcher)
                failures[part.folder] = found
    return failures


def _embedding_client(
    location: str, spec: Spec, means: Means, ending: ExitStack
) -> EmbeddingClient:
    # Deterministic: an embedding made after a kill, in another batch, must have the same bits.
    flags = ["--deterministic", "--int16-divisor", str(spec.int16_divisor)]
    if spec.length_policy:
        flags += ["--length-policy", spec.length_policy]
    options = StackOptions(encoder=location, learner_count=0, embedding_flags=tuple(flags))
    stack = ending.enter_context(means.start_stack(options))
    return ending.enter_context(connect_embedding(stack.embedding_address))


def _check_failures(part: _Part, failures: Mapping[str, str], watcher: Watcher) -> None:
    total = len(part.recordings.recordings)
    if not failures:
        return
    clip_id, why = next(iter(failures.items()))
    told = f"{len(failures):,} of {total:,} clips of {part.dataset} have no embedding"
    if len(failures) > _MAX_FAILED_PART * total:
        raise ExperimentError(f"{told}, more than 1 %: repair them; {clip_id}: {why}")
    watcher.note(f"{told} and are left out: {', '.join(failures)}")


def _learners(means: Means, ending: ExitStack) -> tuple[str, ...]:
    if means.server:
        return (means.server,)
    options = StackOptions(encoder=None, learner_count=means.learner_count)
    return ending.enter_context(means.start_stack(options)).learner_addresses


def _run_part(
    part: _Part,
    spec: Spec,
    folder: ExperimentFolder,
    means: Means,
    addresses: Callable[[], tuple[str, ...]],
    watcher: Watcher,
    failures: Mapping[str, str],
) -> dict[str, Any]:
    """Do the runs of a part that are missing; return what the metadata say of it."""
    embedded = _read(part)
    keys = [
        key
        for key in run_keys(spec, part.tasks)
        if not folder.has_run(rows.run_columns(part.dataset, part.encoder, key), embedded.digest)
    ]
    if keys:
        asyncio.run(_run(part, embedded, keys, spec, folder, means, addresses(), watcher))
    return {
        "dataset": part.dataset,
        "encoder": part.encoder,
        "encoder_id": embedded.encoder.encoder_id,
        "encoder_fingerprint": embedded.encoder.fingerprint,
        "embedding_dim": embedded.encoder.embedding_dim,
        "clip_counts": {
            task: {
                split.value: dict(of_split)
                for split, of_split in part.recordings.counts(task).items()
            }
            for task in part.tasks
        },
        "failures": dict(failures),
    }


def _read(part: _Part) -> _Embedded:
    """Read the embeddings of a part."""
    folder = EmbeddingFolder.open(part.folder)
    if folder.encoder is None:
        raise ExperimentError(f"{part.dataset} has no clip with an embedding")
    clips = [
        NewClip(r.clip_id, embedding=stored.embedding)
        for r in part.recordings.recordings
        if (stored := folder.clips.get(r.clip_id)) and stored.embedding is not None
    ]
    corpus = Corpus.of_dataset(part.recordings, part.tasks).of_clips(clips)
    return _Embedded(corpus, folder.encoder, _digest(corpus))


def _digest(corpus: Corpus) -> str:
    digest = hashlib.sha256()
    for clip in corpus.clips():
        labels = [corpus.truth[task].get(clip.clip_id, "") for task in corpus.truth]
        line = "\0".join((clip.clip_id, corpus.splits[clip.clip_id].value, *labels, ""))
        digest.update(line.encode())
        digest.update(clip.embedding)  # type: ignore[arg-type]
    return digest.hexdigest()


async def _run(
    part: _Part,
    embedded: _Embedded,
    keys: Sequence[RunKey],
    spec: Spec,
    folder: ExperimentFolder,
    means: Means,
    addresses: Sequence[str],
    watcher: Watcher,
) -> None:
    step = watcher.begin(
        f"{part.dataset}, {part.encoder}: rounds",
        spec.rounds * sum(1 for key in keys if key.strategy),
    )
    async with AsyncExitStack() as ending:
        clients = [await ending.enter_async_context(connect_async(each)) for each in addresses]
        pool_id = f"bench-{embedded.digest[:16]}"
        await clients[0].create_pool(
            pool_id,
            encoder_id=embedded.encoder.encoder_id,
            encoder_fingerprint=embedded.encoder.fingerprint,
            embedding_dim=embedded.encoder.embedding_dim,
            timeout=PATIENCE,
        )
        own = hashlib.sha256(str(folder.path.resolve()).encode()).hexdigest()[:8]
        runs = PoolRuns(clients, embedded.corpus, spec, pool_id=pool_id, prefix=f"bench-{own}")
        _check_import(await runs.import_clips(lambda _: None))

        async def keep(record: RunRecord, _: str) -> None:
            run = rows.run_columns(part.dataset, part.encoder, record.key)
            table = rows.run_table(run, record)
            await asyncio.to_thread(folder.write_run, run, table, embedded.digest)

        await runs.run(keys, job_count=means.job_count, on_record=keep, on_batch=lambda _: step())


def _check_import(summary: ImportSummary) -> None:
    if summary.failures:
        first = summary.failures[0]
        raise ExperimentError(
            f"the learner refused {len(summary.failures):,} embeddings;"
            f" {first.clip_id}: {first.message}"
        )


def _metadata(spec: Spec, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "spec": to_table(spec),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "parts": list(parts),
    }
