"""Bounds on what the work in one process takes, from its arrival to its answer."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from aloe.admission.errors import Overloaded, ShuttingDown, TooMuch
from aloe.admission.pace import Pace, retry_after_s


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of one resource may be in use at once."""

    most: int
    field: str = "clips"
    """Of requests, that asks for it."""
    remedy: str = "send several calls"
    """What a caller does that wants more than that."""


class Hold:
    """What one piece of work takes of each resource."""

    __slots__ = ("amounts",)

    def __init__(self) -> None:
        self.amounts: dict[str, int] = {}


class Budget:
    """Counts what is in use of some resources, such as clips and bytes. For one event loop.

    Calls are refused when there is no room. Bulk streams wait instead, and take no more once half
    of any resource is in use, so that they never shut the others out.
    """

    def __init__(self, bounds: Mapping[str, Bound], *, unit_s: Mapping[str, float]) -> None:
        """Start with everything free.

        Args:
            bounds: the resources by name, a plural such as "clips".
            unit_s: of those resources whose units tell how long the work takes that uses them: a
                first guess of how long one does, in seconds.
        """
        self._bounds = bounds
        self._used = dict.fromkeys(bounds, 0)
        self._released = asyncio.Event()
        self._closed = False
        self._paces = {resource: Pace(guess_s) for resource, guess_s in unit_s.items()}

    def record(self, resource: str, unit_count: int, duration_s: float) -> None:
        """Learn from some units of a resource how long one takes."""
        self._paces[resource].record(unit_count, duration_s)

    def most(self, resource: str) -> int:
        """Return how much of a resource there is."""
        return self._bounds[resource].most

    def used(self, resource: str) -> int:
        """Return how much of a resource is in use."""
        return self._used[resource]

    @contextmanager
    def enter(self, **amounts: int) -> Iterator[Hold]:
        """Take in a piece of work while the context lasts, by how much it takes of resources.

        Raises:
            TooMuch: it takes more than the whole bound.
            Overloaded: there is no room for it now.
        """
        hold = self.take(**amounts)
        try:
            yield hold
        finally:
            self.release(hold)

    def take(self, **amounts: int) -> Hold:
        """Take in a piece of work until its Hold is released; raises as `enter` does."""
        hold = Hold()
        self.grow(hold, **amounts)
        return hold

    async def enter_bulk(self, **amounts: int) -> Hold:
        """Take in a part of a stream, once less than half of every resource is in use.

        Raises:
            ShuttingDown: the budget is closed.
        """
        while not self._closed and any(
            used > self._bounds[resource].most // 2 for resource, used in self._used.items()
        ):
            self._released.clear()
            await self._released.wait()
        if self._closed:
            raise ShuttingDown("the server is shutting down; send the rest again in a moment")
        hold = Hold()
        self.force(hold, **amounts)
        return hold

    def grow(self, hold: Hold, **amounts: int) -> None:
        """Take more for a piece of work: all that is asked for, or nothing.

        Raises:
            TooMuch: it now takes more than the whole bound.
            Overloaded: there is no room for it now.
        """
        for resource, amount in amounts.items():
            bound, wanted = self._bounds[resource], hold.amounts.get(resource, 0) + amount
            if wanted > bound.most:
                raise TooMuch(
                    bound.field,
                    f"{wanted:,} {resource} in one call; at most {bound.most:,} are taken:"
                    f" {bound.remedy}",
                )
            if self._used[resource] + amount > bound.most:
                wait_s = self._wait_s()
                raise Overloaded(
                    f"the server is full, {self._used[resource]:,} {resource} are in work: try"
                    f" again in {wait_s:.2f} s",
                    wait_s,
                )
        self.force(hold, **amounts)

    def force(self, hold: Hold, **amounts: int) -> None:
        """Take more even if there is no room: for work that can no longer be refused."""
        for resource, amount in amounts.items():
            hold.amounts[resource] = hold.amounts.get(resource, 0) + amount
            self._used[resource] += amount

    def give_back(self, hold: Hold, **amounts: int) -> None:
        """Give back some of what a piece of work takes, which it needs no more."""
        self.force(hold, **{resource: -amount for resource, amount in amounts.items()})
        self._released.set()

    def release(self, hold: Hold) -> None:
        """Give back all that a piece of work takes."""
        for resource, amount in hold.amounts.items():
            self._used[resource] -= amount
        hold.amounts.clear()
        self._released.set()

    def close(self) -> None:
        """Let streams take in no more. Calls need no such stop: gRPC refuses them itself."""
        self._closed = True
        self._released.set()

    def _wait_s(self) -> float:
        """Return when to try again, by what is in use."""
        waits_s = (self._used[resource] * pace.s for resource, pace in self._paces.items())
        return retry_after_s(max(waits_s))
