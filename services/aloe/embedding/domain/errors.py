"""What can go wrong when clips are embedded, in the service's own terms."""

from collections.abc import Sequence


class EmbeddingError(Exception):
    """Any failure that a caller can be told about."""


class InvalidAudio(EmbeddingError):
    """A clip that cannot be embedded; the fault is in one field of its Audio."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        """Path below the Audio message, such as "pcm.samples"; empty for the clip as a whole."""


class InvalidClips(EmbeddingError):
    """Some clips of one request cannot be embedded."""

    def __init__(self, faults: Sequence[tuple[int, InvalidAudio]]) -> None:
        super().__init__("; ".join(f"clip {index}: {fault}" for index, fault in faults))
        self.faults = tuple(faults)
        """Index in the request, and what is wrong with that clip."""


class InvalidRequest(EmbeddingError):
    """A request that is wrong as a whole."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class DecoderNotStarted(EmbeddingError):
    """The process that decodes cannot be started: the machine has no room for it."""


class EncoderNotFound(EmbeddingError):
    """This server hosts no encoder of that name."""


class EncoderNotLoaded(EmbeddingError):
    """The encoder is loaded on demand, and that failed."""


class EncoderMismatch(EmbeddingError):
    """The encoder is not the one whose fingerprint the caller expects."""


class DeadlineExpired(EmbeddingError):
    """The caller's deadline passed while its clip waited."""


class ConfigurationError(Exception):
    """The service cannot start as it was told to; the message is one line with the remedy."""
