"""A call as a value: the sync and the asyncio client only differ in how they run it."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from aloe.client.calls.translate import invalid_field
from aloe.client.errors import AloeError, Internal
from aloe.client.types import FieldViolation

T = TypeVar("T")

_PLACE = re.compile(r"\[([0-9]+)\]")
_NAMED_PLACE = re.compile(r"(\blabels)\[([0-9]+)\]")
"""Another place that a description names; a bare one may be a part of a clip's id."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """A call with one response."""

    rpc: str
    """The method of the stub."""
    request: Any
    """The request; a list of them where the RPC streams its requests."""
    parse: Callable[[Any], T]
    """Reads the response. Raises ValueError where it cannot."""
    places: Sequence[int] | None = None
    """Where the items of its list stand in the caller's, which was divided among several calls;
    None where it was not."""

    @property
    def streams_requests(self) -> bool:
        return isinstance(self.request, list)

    def argument(self) -> Any:
        """What to pass to the stub, anew for each attempt."""
        return iter(self.request) if self.streams_requests else self.request

    def check_size(self, max_bytes: int) -> None:
        """Refuse what the server would not read; the messages of streams are small.

        Raises:
            InvalidArgument: the request is larger than a message may be.
        """
        if not isinstance(self.request, Message):
            return
        byte_count = self.request.ByteSize()
        if byte_count > max_bytes:
            raise invalid_field(
                self.rpc,
                f"would take {byte_count:,} bytes, more than the {max_bytes:,} of a message; give"
                " it less at a time",
            )

    def failure(self, error: AloeError) -> AloeError:
        """Return an error of the call with the places that its items have in the caller's list."""
        if self.places is None or not error.violations:
            return error
        return error.blaming(
            tuple(
                FieldViolation(
                    _PLACE.sub(self._shifted, each.field, count=1),
                    _NAMED_PLACE.sub(
                        lambda found: found[1] + self._shifted_place(found[2]), each.description
                    ),
                )
                for each in error.violations
            )
        )

    def _shifted(self, found: re.Match[str]) -> str:
        return self._shifted_place(found[1])

    def _shifted_place(self, text: str) -> str:
        places, place = self.places or (), int(text)
        return f"[{places[place] if place < len(places) else place}]"

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
    unreadable: tuple[AloeError, ...] = ()
    """What is between the items and could not be read."""


class Listing(tuple[T, ...]):  # noqa: SLOT001 - a tuple has no room for slots
    """A whole list, and what of it could not be read."""

    unreadable: tuple[AloeError, ...]
    """Of those that are damaged in the server's store and so are not in the list, what is wrong;
    their names ("pools/...", "tasks/...") stand in `metadata` as "resource"."""

    def __new__(cls, items: Iterable[T], unreadable: Iterable[AloeError] = ()) -> "Listing[T]":
        listing = super().__new__(cls, items)
        listing.unreadable = tuple(unreadable)
        return listing


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
    after: Callable[[T], Any] | None = None
    """Makes the request that goes on behind an item; without it a stream begins anew."""

    @property
    def is_endless(self) -> bool:
        return self.key is None

    def request_after(self, last: T | None) -> Any:
        """Return the request of the next attempt, when an item came last."""
        return self.request if last is None or self.after is None else self.after(last)

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
