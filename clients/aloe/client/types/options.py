"""How calls are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """How calls are made."""

    timeout: timedelta = timedelta(seconds=30)
    """Deadline of a call, its retries included."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Sent with every call."""
    max_message_bytes: int = 64 * 1024 * 1024
