"""A call as a value: the sync and the asyncio client only differ in how they run it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aloe.client.errors import Internal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """A call with one response."""

    rpc: str
    """The method of the stub."""
    request: Any
    """The request; a list of them where the RPC streams its requests."""
    parse: Callable[[Any], T]
    """Reads the response. Raises ValueError where it cannot."""

    @property
    def streams_requests(self) -> bool:
        return isinstance(self.request, list)

    def argument(self) -> Any:
        """What to pass to the stub, anew for each attempt."""
        return iter(self.request) if self.streams_requests else self.request

    def result(self, response: Any) -> T:
        """Read the response.

        Raises:
            Internal: it cannot be read.
        """
        return _parsed(self.rpc, self.parse, response)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    next_token: str
    """Empty on the last page."""


ListOperation = Callable[[str], Operation[Page[T]]]
"""A list: the token of a page (empty for the first) to the call that gets it."""


@dataclass(frozen=True, slots=True)
class StreamOperation(Generic[T]):
    """A call with a stream of responses."""

    rpc: str
    request: Any
    parse: Callable[[Any], Iterable[T]]
    """Reads one response. Raises ValueError where it cannot."""
    key: Callable[[T], str] | None
    """Tells items apart, so that a stream taken up again skips those that have come; None for
    a stream that never ends, which has no deadline and is taken up again as it is."""

    @property
    def is_endless(self) -> bool:
        return self.key is None

    def fresh_items(self, response: Any, seen: set[str]) -> Iterator[T]:
        """Read a response, less the items in `seen`, which grows.

        Raises:
            Internal: it cannot be read.
        """
        for item in _parsed(self.rpc, lambda message: tuple(self.parse(message)), response):
            if self.key is not None:
                key = self.key(item)
                if key in seen:
                    continue
                seen.add(key)
            yield item


def _parsed(rpc: str, parse: Callable[[Any], T], response: Any) -> T:
    try:
        return parse(response)
    except ValueError as error:
        raise Internal(
            f"the answer to {rpc} cannot be read: {error}; are client and server of one version?",
            code="INTERNAL",
        ) from error
