"""What a failed call raises: one class for each kind of failure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Self

from aloe.client.types import FieldViolation


class AloeError(Exception):
    """A call failed; str() says why in one line, the wrong fields included."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        reason: str = "",
        violations: tuple[FieldViolation, ...] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        """Name of the gRPC status code: "NOT_FOUND"."""
        self.reason = reason
        """An ErrorReason: "TASK_NOT_FOUND"; empty where the failure came from the network."""
        self.violations = violations
        """The wrong fields of the request."""
        self.metadata = dict(metadata or {})
        """What else the server tells, by key."""
        self.retry_after = retry_after
        """How long the server asks to wait before the same call, if it does."""

    def blaming(self, violations: tuple[FieldViolation, ...], message: str = "") -> Self:
        """Return the same error for other fields, by default with no more to say than those."""
        told = "; ".join(f"{each.field}: {each.description}" for each in violations)
        return type(self)(
            f"{message}{told}",
            code=self.code,
            reason=self.reason,
            violations=violations,
            metadata=self.metadata,
            retry_after=self.retry_after,
        )

    @property
    def violation_count(self) -> int:
        """Wrong fields in all; a server names the first ones."""
        return max(len(self.violations), int(self.metadata.get("violation_count", 0)))

    def __str__(self) -> str:
        told = [f"{v.field}: {v.description}" for v in self.violations]
        # Servers may repeat a violation in the message.
        extra = [
            text
            for text, violation in zip(told, self.violations, strict=True)
            if violation.description not in self.message
        ]
        return " ".join("; ".join([self.message, *extra]).split())


class InvalidArgument(AloeError):
    """The request is wrong, whatever the state of the server; `violations` names the fields."""


class NotFound(AloeError):
    """No pool, task, clip, recording, encoder or audio of that name."""


class AlreadyExists(AloeError):
    """The name is taken by something that differs."""


class FailedPrecondition(AloeError):
    """The server is not in a state to do it."""


class EncoderMismatch(FailedPrecondition):
    """The embeddings come from another encoder than the pool's."""


class LeaseLost(FailedPrecondition):
    """A lease ran out and its clip went to someone else; nothing of the request was stored."""


class HeadNotTrained(FailedPrecondition):
    """The task has no head yet; label two classes first."""


class Aborted(AloeError):
    """The task was deleted or made anew while the call ran."""


class ResourceExhausted(AloeError):
    """A limit was passed, such as the size of a message; repeating the call does not help."""


class Overloaded(ResourceExhausted):
    """The server's queue or its store is full; the call may be repeated after `retry_after`."""


class DataLoss(AloeError):
    """What the server stored is damaged or not whole; `aloe doctor --repair` may mend it."""


class Unavailable(AloeError):
    """The server, or something that it needs, cannot be reached."""


class DeadlineExceeded(AloeError):
    """The call did not end within its timeout."""


class Internal(AloeError):
    """A defect of the server; its log has the trace."""
