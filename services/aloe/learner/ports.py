"""What the learner needs of the world: a store, an encoder, and a place for recordings.

Guarantees of every Store, whatever its adapter (tests/contract holds each to them, and compares
all of them call by call):

- Each method is one atomic change: it happens whole or not at all, also when the caller dies. What
  a method returned is as durable as the store itself.
- Methods may be called at once by any number of tasks and processes.
- `lease` and `submit` answer a repeated request id with their first answer, for REQUEST_LIFE.
- Methods that take a Task are fenced by its epoch: TaskChanged if the task was made anew,
  TaskNotFound if it is gone. Those that take a Pool raise PoolNotFound in both cases. Of the rest
  of a Task or Pool nothing counts: what is stored does.
- Every method raises StoreUnavailable while the store cannot be reached. Then a change may or may
  not have happened; repeating it is safe. Those that change something raise StoreFull while there
  is no room for it, and then nothing has happened.
- Times are kept, and leases timed, to the millisecond.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.clip_index import FoundClip, ImportRules, Placement, Removal
from aloe.learner.domain.errors import InvalidInput, LearnerError
from aloe.learner.domain.events import Event
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import (
    LabelChange,
    LabelsOutcome,
    LeaseOutcome,
    LeaseRequest,
    StoredLabel,
)
from aloe.learner.domain.pool import Audio, ChangedClip, Clip, EncoderInfo, Pool
from aloe.learner.domain.round_work import RoundTicket
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task, TaskProgress
from aloe.values.audio import NOTHING_FOUND, AudioReport

CHUNK_ROWS = 255
"""Vectors that a store keeps in one piece: appending whole pieces saves it work. One short of a
power of two, which saves a quarter of Redis's memory."""
KEPT_HEADS = 5
"""Of each task, the newest ones; rounds are kept for good."""
REQUEST_LIFE = timedelta(days=1)
"""How long the answer to a request id is remembered."""
ENDED_LEASE_LIFE = timedelta(days=7)
"""How long a lease is remembered after it ended; until then a late answer or a correction can be
taken, and after it the lease is unknown."""
NO_RULES = ImportRules()
"""What an import does that says nothing."""


class PoolStore(Protocol):
    """Keeps pools, their clips and their vectors.

    Rows are only ever added, behind the last, and their vectors never change. What names a row may
    change (domain/clip_index says how); each such change is counted by the pool and kept in order.
    """

    async def create_pool(self, pool: Pool) -> Pool:
        """Create it, or return the one that is there with the same content.

        Raises:
            AlreadyExists: the id is taken by another.
        """

    async def read_pool(self, pool_id: str) -> Pool:
        """Return the pool as it is now. Raises PoolNotFound."""

    async def list_pool_ids(self) -> list[str]:
        """Return the ids, sorted."""

    async def delete_pool(self, pool_id: str) -> None:
        """Delete it. Raises PoolNotFound, and PoolInUse while it has tasks."""

    async def find_clips(self, pool_id: str, clip_ids: Sequence[str]) -> list[FoundClip | None]:
        """Look clips up by any of their ids, one result for each; no pool holds none."""

    async def append_clips(
        self,
        pool: Pool,
        clips: Sequence[Clip],
        vectors: Float32Array,
        rules: ImportRules = NO_RULES,
    ) -> list[Placement]:
        """Add clips in order, where the rules let them; say what became of each.

        Args:
            pool: the pool.
            clips: with ids that differ from each other.
            vectors: (n_clips, embedding_dim) float32.
            rules: what to do with ids and contents that are there.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def remove_clips(self, pool: Pool, clip_ids: Sequence[str]) -> Removal:
        """Delete clips, all or none, as ClipIndex.remove says.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
            ClipNotFound: the pool never held one of them.
        """

    async def rename_clip(self, pool: Pool, clip_id: str, new_id: str) -> None:
        """Give one of a clip's names another id; repeating it changes nothing.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
            ClipNotFound: there is no such clip.
            AlreadyExists: the new id is taken.
        """

    async def read_clips(self, pool: Pool, first_row: int, count: int) -> Sequence[Clip]:
        """Return up to `count` clips from a row on, retired ones too.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def read_changes(self, pool: Pool, first: int, count: int) -> Sequence[ChangedClip]:
        """Return up to `count` changes to clips that were there, from one on, in order.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def read_vectors(
        self,
        pool: Pool,
        first_row: int,
        at_most: int | None = None,
        out: Float32Array | None = None,
    ) -> Float32Array:
        """Return vectors from a row on, all or up to a number.

        When this ends, in an error or a cancellation too, nobody writes to `out` any more.

        Args:
            pool: the pool.
            first_row: of the first one.
            at_most: how many; None for all there are.
            out: (at_most, embedding_dim) float32, filled from its first row on if it is given.

        Returns:
            (n, embedding_dim) float32, the filled rows of `out` if it was given.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """


class TaskStore(Protocol):
    """Keeps tasks with their labels, leases, heads, rounds and events."""

    async def create_task(self, task: Task) -> Task:
        """Create it, or return the one that is there with the same content.

        Raises:
            AlreadyExists: the id is taken by another.
            PoolNotFound: it has no pool.
        """

    async def read_task(self, task_id: str) -> tuple[Task, TaskProgress]:
        """End a task's overdue leases; return it and how far it is. Raises TaskNotFound."""

    async def list_task_ids(self, pool_id: str | None) -> list[str]:
        """Return the ids, of one pool or all, sorted.

        Some may be of tasks that have just gone or that are on another pool by now: read each.
        """

    async def update_task(self, task: Task) -> None:
        """Replace the stored task by `task`, whose revision is then one higher.

        Only settings may differ: id, pool, classes, seed and times are fixed.

        Raises:
            TaskChanged: another update came since `task` was read; nothing is changed.
        """

    async def delete_task(self, task_id: str) -> None:
        """Delete it with all that belongs to it. Raises TaskNotFound."""

    async def import_labels(
        self,
        task: Task,
        labels: Sequence[LabelChange],
        *,
        replace: bool = False,
        validate_only: bool = False,
    ) -> LabelsOutcome:
        """Set labels, each clip once; a lease on one is lost.

        A label that agrees in state and class with what is stored changes nothing. Labels that an
        oracle gave count against the label budget, but are not refused by it.

        Args:
            task: the task.
            labels: no clip twice.
            replace: set those that differ from what is stored as well.
            validate_only: store nothing, and tell what would change.

        Raises:
            LabelsDiffer: some differ from what is stored, and `replace` is not set.
            ClipNotFound: a row is retired in this task; nothing is changed.
        """

    async def retire_rows(self, task: Task, rows: Sequence[int]) -> None:
        """Take rows that their pool retired out of a task, with labels and leases; for good.

        Repeating it changes nothing.
        """

    async def lease(self, task: Task, request: LeaseRequest) -> LeaseOutcome:
        """Lease the first free clips of a ranking, as many as asked for and as may be held.

        The label budget leaves room for what is neither labeled nor held; max_leases_per_oracle
        counts what the oracle holds.

        Raises:
            RankingTooShort: clips outside the ranking are free that should have been leased.
        """

    async def submit(
        self,
        task: Task,
        oracle_id: str,
        answers: Sequence[tuple[str, int]],
        request_id: str,
    ) -> LabelsOutcome:
        """Store answers: pairs of lease id and class index, NO_CLASS abstaining.

        An answer ends its lease. A late one is taken while nobody else holds the clip or has
        answered it. A second answer under one lease corrects the first; RETRACTED takes it back,
        and the clip is unlabeled again.

        Args:
            task: the task.
            oracle_id: who answers.
            answers: no lease twice.
            request_id: chosen by the caller.

        Raises:
            InvalidInput: a lease is unknown or another oracle's; violations by their place.
            LeaseLost: a clip went to another oracle or was answered by one, or is retired, or the
                lease ended and its place in the label budget has been taken.
        """

    async def release(self, task: Task, oracle_id: str, lease_ids: Sequence[str]) -> int:
        """End leases of an oracle, all of them if no id is given; return how many did.

        Raises:
            InvalidInput: a lease is unknown or another oracle's.
        """

    async def renew(
        self, task: Task, oracle_id: str, lease_ids: Sequence[str], duration: timedelta
    ) -> datetime:
        """Let leases of an oracle last `duration` from now, all or none; return until when.

        One that has ended is renewed while nobody else holds the clip.

        Raises:
            InvalidInput: a lease is unknown or another oracle's; violations by their place.
            LeaseLost: a clip is answered or retired, or went to another oracle, or the lease ended
                and its place in the label budget has been taken.
        """

    async def read_events(self, task: Task, after: str, at_most: int | None = None) -> list[Event]:
        """Return the events after an event id, in order."""

    async def read_labels(self, task: Task) -> list[StoredLabel]:
        """Return every label and abstention, by row; none of retired rows."""

    async def begin_round(self, task: Task, trainer_id: str, hold: timedelta) -> RoundTicket | None:
        """Take the right to train the next head, if one is due and nobody else has it.

        A head is due once training labels changed since the last one's cutoff, and two classes
        have some. A round whose trainer let its hold run out is given to the next who asks, with
        the same version, cutoff and settings, so that its head comes out the same. A trainer that
        has the ticket gets it again, with a new hold.
        """

    async def publish_head(self, ticket: RoundTicket, head: Head, round_: Round) -> bool:
        """Store a head with its round; False, and nothing stored, if the ticket was lost."""

    async def read_head(self, task: Task, version: int) -> Head | None:
        """Return a head, or None if it is not trained or no longer kept (KEPT_HEADS)."""

    async def read_rounds(self, task: Task, first_version: int, count: int) -> list[Round]:
        """Return up to `count` rounds from a head version on, by version."""


class Store(PoolStore, TaskStore, Protocol):
    """All that the learner keeps."""

    async def identity(self) -> str:
        """Return an id, one path segment, that the data has for good; emptied, it has another."""

    async def prepare(self) -> None:
        """Bring what older servers left up to date; to be called once, before other methods.

        Raises:
            SchemaTooNew: a newer server has been here.
            StoreUnfit: the store is none, or deletes what it is given, by how it is set up.
        """

    async def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, slots=True)
class EmbeddedAudio:
    """What the encoder made of one recording."""

    embedding: Float32Array
    """(embedding_dim,) float32"""
    duration_s: float
    report: AudioReport = NOTHING_FOUND
    """What was found in decoding it."""


class EncoderPort(Protocol):
    """Makes embeddings of audio, as the embedding service does.

    Methods raise EncoderUnavailable while it cannot be reached, Overloaded when it is full,
    EncoderNotFound and EncoderMismatch.
    """

    async def describe(self, encoder_id: str) -> EncoderInfo:
        """Describe an encoder; an empty id means the default one."""

    async def embed(
        self, encoder: EncoderInfo, recordings: Sequence[Audio]
    ) -> Sequence[EmbeddedAudio | InvalidInput]:
        """Embed some recordings for a caller who waits, ahead of streams.

        What is wrong with one recording is its result; what is wrong with all is raised.
        """

    def embed_stream(
        self, encoder: EncoderInfo, recordings: AsyncIterator[tuple[int, Audio]]
    ) -> AsyncIterator[tuple[int, EmbeddedAudio | LearnerError]]:
        """Embed any number of numbered recordings; results come as they are ready, in any order.

        What is wrong with one recording is its result; what is wrong with all is raised.
        """


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A recording to be heard."""

    content: bytes
    media_type: str


class AudioStore(Protocol):
    """Keeps recordings by content hash, their key, and reads others where they lie.

    Methods raise StoreUnavailable while the store of the pools cannot be reached.
    """

    async def keep(self, audio: Audio, content_hash: str) -> str:
        """Keep a recording and return its key.

        Repeating it mends what was damaged, and lets the recording count as new to `discard`.

        Raises:
            AudioNotKept: it could not be written; nothing of it is kept.
            InvalidInput: it is no recording.
        """

    async def read(self, clip: Clip) -> AudioFile:
        """Return what was kept of a clip. Raises AudioNotFound, also where that is damaged."""

    async def read_uri(self, uri: str) -> AudioFile:
        """Return what lies at a URI. Raises AudioNotFound, also where reading is forbidden."""

    async def read_recording(self, clip: Clip) -> AudioFile:
        """Return the recording that lies at the clip's URI, if it is still the clip's.

        More may be read than by `read_uri`, since what is returned is known by its hash.

        Raises:
            AudioNotFound: it is not there, is another by now, or reading it is forbidden.
        """

    async def keys(self) -> set[str]:
        """Return the keys of all that is kept for the pools of this store."""

    async def discard(self, keys: set[str], older_than_s: float) -> int:
        """Delete what was last kept so long ago, and what crashes left; return how many."""
