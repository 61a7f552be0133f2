"""Whose turn it is: a bound on how many calls of one kind work at a time, fair between callers."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from aloe.admission.errors import Overloaded
from aloe.admission.pace import retry_after_s

_Turn = asyncio.Future[None]
_FIRST_GUESS_S = 0.001
_LEARNING_S = 0.25
_SWEEP = 0.25
"""Of the longest wait: so much longer a call may wait at most."""

_place: ContextVar["Place | None"] = ContextVar("place", default=None)
"""Of the running call."""


class Place:
    """A place among the calls that work."""

    __slots__ = ("_gate", "_is_held")

    def __init__(self, gate: "Gate") -> None:
        self._gate, self._is_held = gate, True

    def leave(self) -> None:
        """Give it back, if it is held."""
        if self._is_held:
            self._is_held = False
            self._gate.let_go()

    async def take_again(self) -> None:
        """Take one after `leave`, before calls that never had one; it is never refused."""
        await self._gate.enter_again()
        self._is_held = True


class Gate:
    """Lets `width` calls work at a time; the next ones wait for their turn, callers in rotation.

    A call that would wait for longer than `max_wait_s`, or than its caller does, is refused at
    once: an answer nobody waits for is work lost, and under load it is the work of others. Of a
    caller that waits with more calls than others the newest gives way to theirs.
    """

    def __init__(self, kind: str, width: int, *, max_wait_s: float = 3.0) -> None:
        """Open it.

        Args:
            kind: of calls, a plural for messages.
            width: how many work at a time.
            max_wait_s: how long a call may wait.
        """
        self.kind, self.width, self.max_wait_s = kind, width, max_wait_s
        self.refused_count = 0
        """Calls so far that were refused for any want of room; counted by what answers them."""
        self._working_count = 0
        self._waiting: OrderedDict[str, dict[_Turn, float]] = OrderedDict()
        """By caller, the one whose turn is next in front; of each the oldest call in front, with
        the time at which it came."""
        self._waiting_count = 0
        self._returning: deque[_Turn] = deque()
        """Calls that had a turn, waited for something else and go on."""
        self._s_per_call = _FIRST_GUESS_S
        """Of the time of all calls, while some wait."""
        self._learning_since: float | None = None
        self._ended_count = 0
        self._sweeping: asyncio.TimerHandle | None = None

    @property
    def working_count(self) -> int:
        """Calls that have a place."""
        return self._working_count

    @property
    def waiting_count(self) -> int:
        """Calls that wait for one."""
        return self._waiting_count + len(self._returning)

    def enter_now(self) -> Place | None:
        """Take a place if one is free and nobody waits for it."""
        if self._working_count >= self.width or self._waiting_count:
            return None
        self._working_count += 1
        place = Place(self)
        _place.set(place)
        return place

    async def enter(self, caller: str, deadline_s: float | None = None) -> Place:
        """Wait for a place.

        Args:
            caller: whose call it is.
            deadline_s: how long the caller waits for its answer from now on; None for ever.

        Raises:
            Overloaded: it would take too long.
        """
        self._make_room(caller, deadline_s)
        await self._wait(caller)
        place = Place(self)
        _place.set(place)
        return place

    async def enter_again(self) -> None:
        """Take a place that was let go of before; see Place."""
        if self._working_count < self.width:
            self._working_count += 1
            return
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._returning.append(turn)
        await self._turn_of(turn)

    def let_go(self) -> None:
        """Let the next call have a place; see Place."""
        self._working_count -= 1
        self._learn()
        self._let_in()

    def _make_room(self, caller: str, deadline_s: float | None) -> None:
        """Raise Overloaded unless one more call of this caller may wait."""
        wait_s = (self._waiting_count + 1) * self._s_per_call
        if wait_s <= min(self.max_wait_s, self.max_wait_s if deadline_s is None else deadline_s):
            return
        own_count = len(self._waiting.get(caller, ()))
        if self._waiting_count > len(self._waiting):
            greedy = max(self._waiting, key=lambda each: len(self._waiting[each]))
            if len(self._waiting[greedy]) > own_count + 1:
                self._refuse(greedy, next(reversed(self._waiting[greedy])))
                return
        raise self._overloaded(wait_s)

    def _overloaded(self, wait_s: float) -> Overloaded:
        retry_s = retry_after_s(wait_s)
        return Overloaded(
            f"the server has all the {self.kind} it can work on: try again in {retry_s:.2f} s",
            retry_s,
        )

    async def _wait(self, caller: str) -> None:
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, {})[turn] = time.monotonic()
        self._waiting_count += 1
        if self._sweeping is None:
            self._sweep_later()
        try:
            await self._turn_of(turn)
        finally:
            self._forget(caller, turn)

    async def _turn_of(self, turn: _Turn) -> None:
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.let_go()  # It got its turn as its caller went away.
            raise

    def _forget(self, caller: str, turn: _Turn) -> None:
        """Take a call that waits off the list, if it is still there."""
        turns = self._waiting.get(caller)
        if turns is None or turn not in turns:
            return
        del turns[turn]
        self._waiting_count -= 1
        if not turns:
            del self._waiting[caller]

    def _learn(self) -> None:
        """Learn how long a call takes of the time of all, while calls wait; else begin anew.

        Over a while, since calls may end in bursts.
        """
        if not self._waiting_count:
            self._s_per_call, self._learning_since = _FIRST_GUESS_S, None
            return
        now = time.monotonic()
        if self._learning_since is None:
            self._learning_since, self._ended_count = now, 0
            return
        self._ended_count += 1
        elapsed_s = now - self._learning_since
        if elapsed_s >= _LEARNING_S:
            self._s_per_call = elapsed_s / self._ended_count
            self._learning_since, self._ended_count = now, 0

    def _sweep_later(self) -> None:
        pause_s = self.max_wait_s * _SWEEP
        self._sweeping = asyncio.get_running_loop().call_later(pause_s, self._sweep)

    def _sweep(self) -> None:
        """Refuse what has waited too long: those that work may have come to a stop."""
        self._sweeping = None
        latest = time.monotonic() - self.max_wait_s
        for caller, turns in list(self._waiting.items()):
            for turn in [turn for turn, came in turns.items() if came < latest]:
                self._refuse(caller, turn)
        if self._waiting_count:
            self._sweep_later()

    def _refuse(self, caller: str, turn: _Turn) -> None:
        if not turn.done():
            turn.set_exception(self._overloaded((self._waiting_count + 1) * self._s_per_call))
        self._forget(caller, turn)

    def _let_in(self) -> None:
        while self._working_count < self.width:
            turn = self._next()
            if turn is None:
                return
            if not turn.done():
                self._working_count += 1
                turn.set_result(None)

    def _next(self) -> _Turn | None:
        if self._returning:
            return self._returning.popleft()
        if not self._waiting:
            return None
        caller, turns = next(iter(self._waiting.items()))
        turn = next(iter(turns))
        self._forget(caller, turn)
        if caller in self._waiting:
            self._waiting.move_to_end(caller)
        return turn


@asynccontextmanager
async def not_working() -> AsyncIterator[None]:
    """Leave the place of the running call to others while it only waits, as for a head."""
    place = _place.get()
    if place is None:
        yield
        return
    place.leave()
    yield
    await place.take_again()  # Not if it failed or was cancelled: then it works no more.
