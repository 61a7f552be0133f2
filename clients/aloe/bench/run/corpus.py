"""The clips of an experiment, and for each task the true class, or classes, of every clip."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aloe.bench.datasets import Dataset
from aloe.client import KnownLabel, Label, LabelMode, LabelSet, NewClip, Split


@dataclass(frozen=True, slots=True)
class Corpus:
    """Clips, and for each task the true class, or classes, of every clip."""

    clips: Callable[[], Iterable[NewClip]]
    """Yields the clips one by one, anew at each call: together they may not fit in memory."""
    splits: Mapping[str, Split]
    """Clip id to split, in the order of the clips."""
    classes: Mapping[str, tuple[str, ...]]
    """Task to classes."""
    truth: Mapping[str, Mapping[str, Label]]
    """Task to clip id to class, or of several labels a clip to all of them."""

    @classmethod
    def of_dataset(cls, dataset: Dataset, tasks: Sequence[str]) -> "Corpus":
        """Take some tasks of a data set.

        Raises:
            DatasetError: it has no such task.
        """
        classes = dataset.trainable(tasks)
        recordings = dataset.recordings
        return cls(
            clips=lambda: (NewClip(r.clip_id, audio=r.audio(), uri=r.uri) for r in recordings),
            splits={r.clip_id: r.split for r in recordings},
            classes=classes,
            truth={name: {r.clip_id: r.label(name) for r in recordings} for name in classes},
        )

    @property
    def clip_count(self) -> int:
        return len(self.splits)

    def of_clips(self, clips: Iterable[NewClip]) -> "Corpus":
        """Return the part of the corpus that has these clips, with what they bring: embeddings."""
        known = {clip.clip_id: clip for clip in clips}
        kept = [clip_id for clip_id in self.splits if clip_id in known]
        return replace(
            self,
            clips=lambda: (known[clip_id] for clip_id in kept),
            splits={clip_id: self.splits[clip_id] for clip_id in kept},
            truth={
                task: {clip_id: of_task[clip_id] for clip_id in kept if clip_id in of_task}
                for task, of_task in self.truth.items()
            },
        )

    def with_splits(self, splits: Mapping[str, Split]) -> "Corpus":
        """Return the same clips and truth with other splits: clip id to split, others ignored."""
        return replace(self, splits={clip_id: splits[clip_id] for clip_id in self.splits})

    def known_labels(self, task: str, splits: Iterable[Split]) -> list[KnownLabel]:
        """Return the truth of a task on some splits."""
        wanted = set(splits)
        return [
            KnownLabel(clip_id, label, self.splits[clip_id])
            for clip_id, label in self.truth[task].items()
            if self.splits[clip_id] in wanted
        ]

    def label_mode(self, task: str) -> LabelMode:
        """Return how many labels a clip has in a task."""
        is_several = any(isinstance(label, LabelSet) for label in self.truth[task].values())
        return LabelMode.MULTIPLE if is_several else LabelMode.SINGLE

    def truth_of(self, task: str, split: Split) -> dict[str, Label]:
        """Return the clips of a split, each with its class, or classes, in a task."""
        return {
            clip_id: label
            for clip_id, label in self.truth[task].items()
            if self.splits[clip_id] is split
        }

    def seed_labels(self, task: str, per_class: int, seed: int) -> list[KnownLabel]:
        """Draw the same number of train clips of each class, by seed.

        Of several labels a clip one may be drawn for each of them, and stands once.
        """
        generator = np.random.default_rng([seed, 0x5EED])
        drawn: dict[str, KnownLabel] = {}
        for name in self.classes[task]:
            clip_ids = [
                clip_id
                for clip_id, label in self.truth[task].items()
                if _has(label, name) and self.splits[clip_id] is Split.TRAIN
            ]
            count = min(per_class, len(clip_ids))
            places = sorted(generator.choice(len(clip_ids), count, replace=False).tolist())
            drawn |= {
                clip_ids[place]: KnownLabel(
                    clip_ids[place], self.truth[task][clip_ids[place]], Split.TRAIN
                )
                for place in places
            }
        return list(drawn.values())


def _has(label: Label, name: str) -> bool:
    return name in label.positive if isinstance(label, LabelSet) else label == name
