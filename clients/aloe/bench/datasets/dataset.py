"""A data set: recordings, the tasks they are labeled for, and checks that it can be used."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from aloe.bench.arrays import Float32Array
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.recording import Recording
from aloe.bench.datasets.seed_splits import draw_train_test
from aloe.client.types import Label, LabelSet, Split

SINGLE_TASK = "label"
"""The task name for a manifest or a folder, which does not name its task."""


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Vectors that came without audio."""

    encoder: str
    """What made them, by the name of their file."""
    fingerprint: str
    """A hash of the vectors."""
    vectors: Float32Array
    """(n_clips, embedding_dim), in the order of the recordings."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Recordings and the tasks they are labeled for.

    Raises:
        DatasetError: there are no recordings, a clip id occurs twice, a task has fewer than two
            classes, a class has no train recording, or there is no train or no test recording.
    """

    name: str
    recordings: tuple[Recording, ...]
    tasks: Mapping[str, tuple[str, ...]]
    """Task name to classes, in their official order."""
    multi_label_tasks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Likewise for tasks with several labels per recording."""
    warnings: tuple[str, ...] = ()
    """How this copy differs from the official data set, a line each."""
    groups: tuple[str, ...] = ()
    """Of each recording, what should not be in two splits, as of one speaker; a recording with an
    empty one is by itself. None where no group is known."""
    is_drawn: bool = False
    """Whether it has no splits of its own, so that those of its recordings were drawn."""
    embeddings: Embeddings | None = None
    """Of a data set that is embedded already, and has no audio."""

    def __post_init__(self) -> None:
        if not self.recordings:
            raise DatasetError(f"{self.name} holds no recordings: check that the path is right")
        (clip_id, count), *_ = Counter(r.clip_id for r in self.recordings).most_common(1)
        if count > 1:
            raise DatasetError(f"{self.name} lists {clip_id} {count} times: list it once")
        for task, classes in self.tasks.items():
            self._check_task(task, classes)
        self._check_splits()

    def trainable(self, names: Sequence[str] = ()) -> Mapping[str, tuple[str, ...]]:
        """Return task name to classes for the named tasks, or for all that can be trained.

        Raises:
            DatasetError: a task does not exist.
        """
        known = {**self.tasks, **self.multi_label_tasks}
        wanted = tuple(names) or tuple(known)
        for name in wanted:
            if name not in known:
                raise DatasetError(f"{self.name} has no task {name!r}; {', '.join(known)} exist")
        return {name: known[name] for name in wanted}

    def counts(self, task: str) -> Mapping[Split, Mapping[str, int]]:
        """Count the recordings of each split and class of a task, in the order of the classes.

        A recording with several labels counts once for each.

        Raises:
            KeyError: there is no such task.
        """
        if task in self.multi_label_tasks:
            classes = self.multi_label_tasks[task]
            found = Counter((r.split, name) for r in self.recordings for name in r.label_sets[task])
        else:
            classes = self.tasks[task]
            found = Counter((r.split, r.labels[task]) for r in self.recordings)
        return {split: {name: found[split, name] for name in classes} for split in Split}

    def draw_splits(self, seed: int) -> Mapping[str, Split]:
        """Return clip id to split as a seed draws it, 30 % test, whatever the recordings' are.

        No group is in both train and test, and each class, or each combination of them where there
        are several tasks of one label a clip, is divided as far as groups allow.

        Raises:
            DatasetError: its groups cannot be split.
        """
        labels = [self._divided(each) for each in self.recordings]
        try:
            splits = draw_train_test(labels, self.groups, seed)
        except DatasetError as error:
            raise DatasetError(f"{self.name}: {error}") from error
        return {r.clip_id: split for r, split in zip(self.recordings, splits, strict=True)}

    def _divided(self, recording: Recording) -> Label:
        """Return what is to be in both train and test as often as recordings like this allow."""
        combination = "\0".join(recording.labels[task] for task in self.tasks)
        if not self.multi_label_tasks:
            return combination
        names = (
            f"{task}\0{name}"
            for task in self.multi_label_tasks
            for name in recording.label_sets[task]
        )
        return LabelSet((*([combination] if self.tasks else ()), *names))

    def check_every_class(self) -> None:
        """Check that all classes of its tasks of several labels can be learned.

        Raises:
            DatasetError: a task has fewer than two classes, or one has no train recording.
        """
        for task, classes in self.multi_label_tasks.items():
            trained = {
                name
                for r in self.recordings
                if r.split is Split.TRAIN
                for name in r.label_sets[task]
            }
            self._check_classes(task, classes, trained)

    def _check_task(self, task: str, classes: tuple[str, ...]) -> None:
        trained = {r.labels[task] for r in self.recordings if r.split is Split.TRAIN}
        self._check_classes(task, classes, trained)

    def _check_classes(self, task: str, classes: tuple[str, ...], trained: Container[str]) -> None:
        if len(classes) < 2:
            known = f"one class for the task {task!r}, {classes[0]!r}" if classes else "no class"
            raise DatasetError(f"{self.name} has {known}: it takes two")
        for name in classes:
            if name not in trained:
                raise DatasetError(
                    f"{self.name} has no train recording of the class {name!r}: add one, or drop"
                    " the class"
                )

    def _check_splits(self) -> None:
        splits = {r.split for r in self.recordings}
        if Split.TRAIN not in splits:
            raise DatasetError(f"{self.name} has no train recordings: mark some as train")
        if Split.TEST not in splits:
            raise DatasetError(
                f"{self.name} has no test recordings to measure accuracy on: mark some as test"
            )
