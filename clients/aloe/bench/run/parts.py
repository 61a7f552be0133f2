"""The parts of an experiment, each one data set under one encoder; embedded once, or before."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from aloe.bench.datasets import Dataset, Embeddings
from aloe.bench.datasets.recording import clip_id_of
from aloe.bench.run.corpus import Corpus
from aloe.bench.run.embeddings import EmbeddingFolder, StoredEncoder, complete
from aloe.bench.spec import DatasetSpec, ExperimentError, Spec, encoder_name
from aloe.bench.spec.run_keys import RunKey, run_keys
from aloe.client import EmbeddingClient, NewClip, Split, connect_embedding
from aloe.local import LocalStack, StackOptions

StartStack = Callable[[StackOptions], AbstractContextManager[LocalStack]]


class Watcher(Protocol):
    """Shows how far an experiment is."""

    def begin(self, what: str, total: int) -> Callable[[], None]:
        """Begin something of so many steps; return what is to be called at each step."""

    def note(self, text: str) -> None:
        """Tell the user something."""


@dataclass(frozen=True, slots=True)
class Part:
    """A data set under an encoder."""

    dataset: str
    """What the results call it."""
    encoder: str
    """What the results call it."""
    location: str
    """What the embedding service calls the encoder; empty where the data set is embedded already,
    so that none is needed."""
    data: Dataset
    tasks: tuple[str, ...]
    folder: Path
    """Of its embeddings; not there where the data set brings them."""

    @property
    def name(self) -> str:
        return f"{self.dataset}, {self.encoder}"

    def run_keys(self, spec: Spec) -> tuple[RunKey, ...]:
        """Return the runs that an experiment has on it."""
        return run_keys(spec, self.tasks, self.data.multi_label_tasks)

    def clip_counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Count the clips: task to split, as drawn once where they are, to class to how many."""
        return {
            task: {
                split.value: dict(of_split) for split, of_split in self.data.counts(task).items()
            }
            for task in self.tasks
        }


@dataclass(frozen=True, slots=True)
class EmbeddedPart:
    """The clips of a part with their embeddings."""

    corpus: Corpus
    encoder: StoredEncoder
    digest: str
    """Hexadecimal SHA-256 of clips, splits, labels and embeddings: all that the runs see."""
    splits_of: Callable[[int], Mapping[str, Split]] | None = None
    """Seed to clip id to split where each seed draws its own, None where all share the corpus's."""

    def corpus_of(self, seed: int) -> Corpus:
        """Return the corpus with the splits of a seed: the same for all runs of that seed."""
        if self.splits_of is None:
            return self.corpus
        return self.corpus.with_splits(self.splits_of(seed))

    def digest_of(self, seed: int) -> str:
        """Return the digest of what the runs of a seed see."""
        if self.splits_of is None:
            return self.digest
        digest = hashlib.sha256(self.digest.encode())
        for clip_id, split in self.corpus_of(seed).splits.items():
            digest.update(f"{clip_id}\0{split.value}\0".encode())
        return digest.hexdigest()


def parts_of(spec: Spec, datasets: Mapping[str, Dataset], embeddings: Path) -> list[Part]:
    """List the parts of an experiment; a data set of embeddings is one, whatever the encoders are.

    Args:
        spec: the experiment, its tasks named.
        datasets: short name to data set.
        embeddings: the folder of all embeddings.
    """
    contents = {location: _content_of(location) for location in spec.encoders}

    def part(each: DatasetSpec, encoder: str, location: str, content: str) -> Part:
        folder = embeddings / _folder_name(each.short_name, location, content, spec)
        data = datasets[each.short_name]
        return Part(each.short_name, encoder, location, data, each.tasks, folder)

    brought = [
        part(each, vectors.encoder, "", vectors.fingerprint)
        for each in spec.datasets
        if (vectors := datasets[each.short_name].embeddings) is not None
    ]
    return brought + [
        part(each, encoder_name(location), location, contents[location])
        for location in spec.encoders
        for each in spec.datasets
        if datasets[each.short_name].embeddings is None
    ]


def _folder_name(dataset: str, location: str, content: str, spec: Spec) -> str:
    """Name the folder of embeddings after all that decides them except the audio."""
    settings = f"{content}\0{spec.int16_divisor}\0{spec.length_policy}"
    digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
    return clip_id_of(f"{dataset}/{encoder_name(location)}/{digest}")


def _content_of(location: str) -> str:
    """Return a digest of the files of an encoder's folder, or its name where it is no folder.

    After its weights were replaced, an encoder's embeddings go to another folder.
    """
    folder = Path(location).expanduser()
    if not folder.is_dir():
        return location
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("[!.]*")):
        if file.is_file():
            digest.update(f"\0{file.relative_to(folder)}\0{file.stat().st_size}\0".encode())
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def embed_parts(
    parts: Sequence[Part],
    spec: Spec,
    start_stack: StartStack,
    watcher: Watcher,
    *,
    skip_bad: bool,
) -> dict[str, dict[str, str]]:
    """Make the embeddings that are missing; an encoder is loaded only where some are.

    Returns:
        Name of a part to clip id to why the clip has no embedding.

    Raises:
        ExperimentError: clips cannot be embedded and are not to be skipped, or an encoder has
            changed.
    """
    failures: dict[str, dict[str, str]] = {part.name: {} for part in parts}
    for location in spec.encoders:
        with ExitStack() as ending:

            @cache
            def connect(location: str = location, ending: ExitStack = ending) -> EmbeddingClient:
                stack = ending.enter_context(start_stack(_encoder_options(location, spec)))
                return ending.enter_context(connect_embedding(stack.embedding_address))

            for part in parts:
                if part.location == location:
                    failures[part.name] = _embed(part, connect, watcher, skip_bad=skip_bad)
    return failures


def _encoder_options(location: str, spec: Spec) -> StackOptions:
    # Deterministic: an embedding made after a kill, in another batch, must have the same bits.
    flags = ["--deterministic", "--int16-divisor", str(spec.int16_divisor)]
    if spec.length_policy:
        flags += ["--length-policy", spec.length_policy]
    return StackOptions(encoder=location, learner_count=0, embedding_flags=tuple(flags))


def _embed(
    part: Part, connect: Callable[[], EmbeddingClient], watcher: Watcher, *, skip_bad: bool
) -> dict[str, str]:
    recordings = part.data.recordings
    step = watcher.begin(f"{part.name}: embedding", len(recordings))
    failures = complete(EmbeddingFolder.open(part.folder), recordings, connect, step)
    if failures:
        told = (
            f"{len(failures):,} of {len(recordings):,} clips of {part.dataset} cannot be embedded"
        )
        if not skip_bad:
            for clip_id, why in failures.items():
                watcher.note(f"{clip_id}: {why}")
            raise ExperimentError(
                f"{told}: get them again, take them out of the data set, or skip them (--skip-bad)"
            )
        watcher.note(f"{told} and are left out: {', '.join(failures)}")
    return failures


def read_part(part: Part, spec: Spec) -> EmbeddedPart:
    """Read the embeddings of a part that embed_parts made, or that its data set brings.

    Args:
        part: which.
        spec: says whether each seed draws its own splits.

    Raises:
        ExperimentError: no clip is embedded.
    """
    brought = part.data.embeddings
    encoder, clips = _stored(part) if brought is None else _brought(part, brought)
    corpus = Corpus.of_dataset(part.data, part.tasks).of_clips(clips)
    is_drawn = spec.split_per_seed and (part.data.is_drawn or spec.ignore_splits)
    splits_of = cache(part.data.draw_splits) if is_drawn else None
    return EmbeddedPart(corpus, encoder, _digest(corpus), splits_of)


def _stored(part: Part) -> tuple[StoredEncoder, list[NewClip]]:
    folder = EmbeddingFolder.open(part.folder)
    if folder.encoder is None:
        raise ExperimentError(f"{part.dataset} has no clip that can be embedded")
    return folder.encoder, [
        NewClip(recording.clip_id, embedding=stored.embedding)
        for recording in part.data.recordings
        if (stored := folder.clips.get(recording.clip_id)) and stored.embedding is not None
    ]


def _brought(part: Part, brought: Embeddings) -> tuple[StoredEncoder, list[NewClip]]:
    encoder = StoredEncoder(brought.encoder, brought.fingerprint, brought.vectors.shape[1])
    return encoder, [
        NewClip(recording.clip_id, embedding=vector)
        for recording, vector in zip(part.data.recordings, brought.vectors, strict=True)
    ]


def _digest(corpus: Corpus) -> str:
    digest = hashlib.sha256()
    for clip in corpus.clips():
        labels = [str(corpus.truth[task].get(clip.clip_id, "")) for task in corpus.truth]
        line = "\0".join((clip.clip_id, corpus.splits[clip.clip_id].value, *labels, ""))
        digest.update(line.encode())
        digest.update(np.asarray(clip.embedding, "<f4").tobytes())
    return digest.hexdigest()


def about_part(part: Part, embedded: EmbeddedPart, failures: Mapping[str, str]) -> dict[str, Any]:
    """Return what the results' metadata say of a part."""
    return {
        "dataset": part.dataset,
        "encoder": part.encoder,
        "encoder_id": embedded.encoder.encoder_id,
        "encoder_fingerprint": embedded.encoder.fingerprint,
        "embedding_dim": embedded.encoder.embedding_dim,
        "clip_counts": part.clip_counts(),
        "split_per_seed": embedded.splits_of is not None,
        "failures": dict(failures),
    }
