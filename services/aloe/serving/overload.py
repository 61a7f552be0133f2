"""Overload, told to the operator: calls that are refused are counted, and logged by their kinds."""

import asyncio
import logging
from dataclasses import dataclass

from aloe.admission.gate import Gate

OVERLOADED = "OVERLOADED"
"""The reason, as in ErrorReason, of a call that is refused because too much is in work."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Window:
    """What was refused at one gate since it was last told."""

    refused_before: int
    working_count: int = 0
    waiting_count: int = 0
    why: str = ""
    """This, and the counts, are of the last one."""


class OverloadLog:
    """Counts refused calls at their gates, and writes a line a kind every `pause_s` at most."""

    def __init__(self, remedy: str, *, pause_s: float = 10.0) -> None:
        """Take what an operator can do about it, if there is something, and the pause."""
        self._remedy = f"; {remedy}" if remedy else ""
        self._pause_s = pause_s
        self._windows: dict[Gate, _Window] = {}

    def refused(self, gate: Gate, why: str) -> None:
        """Note one call of those that a gate bounds, on the event loop; `why` is one sentence."""
        window = self._windows.get(gate)
        if window is None:
            self._windows[gate] = window = _Window(gate.refused_count)
            asyncio.get_running_loop().call_later(self._pause_s, self._tell, gate)
        gate.refused_count += 1
        window.working_count, window.waiting_count = gate.working_count, gate.waiting_count
        window.why = why

    def _tell(self, gate: Gate) -> None:
        window = self._windows.pop(gate)
        _log.warning(
            "refused %s %s in the last %g s: %s (%s of %s places taken, %s waiting)%s",
            f"{gate.refused_count - window.refused_before:,}",
            gate.kind,
            self._pause_s,
            window.why,
            f"{window.working_count:,}",
            f"{gate.width:,}",
            f"{window.waiting_count:,}",
            self._remedy,
        )
