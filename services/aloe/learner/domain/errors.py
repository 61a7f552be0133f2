"""Everything that can go wrong in the learner, on one screen."""

from dataclasses import dataclass


class LearnerError(Exception):
    """An error that the caller is told about; any other exception is a defect."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field of a request."""

    field: str
    description: str


class Blaming(LearnerError):
    """Fields of the request are to blame; nothing was stored."""

    def __init__(self, *violations: Violation, count: int | None = None) -> None:
        """Name what is wrong: all of it, or the first ones of `count`."""
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = violations
        self.count = len(violations) if count is None else count


class InvalidInput(Blaming):
    """Fields of the request are wrong."""

    @classmethod
    def of(cls, field: str, description: str) -> "InvalidInput":
        """Name one wrong field."""
        return cls(Violation(field, description))


class PoolNotFound(LearnerError):
    """No pool has that id."""


class TaskNotFound(LearnerError):
    """No task has that id."""


class ClipNotFound(LearnerError):
    """The pool holds no clip of that id."""


class EncoderNotFound(LearnerError):
    """The embedding service hosts no encoder of that id."""


class AudioNotFound(LearnerError):
    """There is no recording that is surely that of the clip, or none that this server may read."""


class AudioNotKept(LearnerError):
    """A recording cannot be kept: the disk is full, for instance."""


class AlreadyExists(LearnerError):
    """The id is taken by something that differs."""


class LabelConflict(Blaming):
    """Clips are answered otherwise than labels to import say."""


class EncoderMismatch(LearnerError):
    """The encoder is not the pool's."""


class LeaseLost(LearnerError):
    """The clip went to another oracle, is answered, or has no room left in the label budget."""


class HeadNotTrained(LearnerError):
    """The task has no head yet."""


class HeadVersionUnknown(LearnerError):
    """No head of that version is kept or in the making."""


class RecordingNotFound(LearnerError):
    """The pool holds no recording of that id."""


class PromotionNotFound(LearnerError):
    """No head of the task has that name."""


class PoolInUse(LearnerError):
    """Tasks still use the pool."""


class NothingToFit(LearnerError):
    """The pool has no clips, or no task on it reads a map."""


class TaskChanged(LearnerError):
    """The task was deleted, made anew or updated by another while the call ran."""


class ClassesChanged(TaskChanged):
    """The task's classes were changed by another while the call ran."""


class Overloaded(LearnerError):
    """A queue is full."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StreamIdle(LearnerError):
    """A stream sent nothing for too long."""


class StoreFull(Overloaded):
    """The store has no room for a change, in memory or on disk. Nothing was stored; reads go on."""


class StoreUnavailable(LearnerError):
    """The store cannot be reached, or cannot serve for a while."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreForbidden(LearnerError):
    """The store refuses this server's login, or forbids its user what it needs."""


class StoreDamaged(LearnerError):
    """The store holds what no server wrote, or lacks some of it. Nothing was stored."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(
            f"the store is damaged at {key or 'some key'} ({what}); nothing was changed;"
            " `aloe doctor --repair` says what can be mended"
        )
        self.key = key


class StoreWentBack(StoreUnavailable):
    """The store is in an earlier state than was seen of it, or in another that followed on one."""

    ADVICE = 'what to do: deploy/REDIS.md, "When it goes back"'
    """For its operator, in the log."""


class SchemaTooNew(Exception):
    """The store holds data of a newer version than this server knows: it cannot start."""


class StoreUnfit(Exception):
    """The store is none, or set up so that it loses what it is given: the server does not start."""


class EncoderUnavailable(LearnerError):
    """The embedding service cannot be reached, or cannot load the encoder."""
