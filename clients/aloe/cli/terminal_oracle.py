"""A person at a terminal: hears or reads which clip, and answers with a key."""

import contextlib
import string
import sys
from dataclasses import dataclass

import typer

from aloe.cli.console import notes
from aloe.cli.player import Player
from aloe.client import (
    Answer,
    ClipAudio,
    LearnerClient,
    Lease,
    LeaseLost,
    NotFound,
    PoolState,
    Task,
)

_SKIP, _AGAIN, _UNDO, _QUIT = "-", "=", "<", "."
_CLASS_KEYS = string.digits[1:] + "0" + string.ascii_lowercase + string.ascii_uppercase


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """What a person has done."""

    label_count: int
    abstention_count: int
    pool_state: PoolState
    """OPEN if the person stopped first."""


class _Quit(Exception):
    """The person has had enough."""


class TerminalSession:
    """Labels one task until there is nothing to ask or the person stops."""

    def __init__(self, learner: LearnerClient, task_id: str, oracle_id: str, *, play: bool) -> None:
        self._learner, self._task_id, self._oracle_id = learner, task_id, oracle_id
        self._player = Player() if play else None
        self._answered: dict[str, tuple[Lease, str | None]] = {}

    def run(self, batch: int) -> SessionOutcome:
        """Ask and answer; clips that are held and unanswered at the end go back."""
        task = self._learner.get_task(self._task_id)
        keys = _keys(task)
        notes.print(_legend(task), highlight=False, markup=False)
        state = PoolState.OPEN
        try:
            while True:
                found = self._learner.query(self._task_id, self._oracle_id, max_clip_count=batch)
                if not found.leases:
                    state = found.pool_state
                    break
                for lease in found.leases:
                    self._label(lease, keys)
        except (_Quit, EOFError, KeyboardInterrupt):
            pass
        finally:
            self._learner.release_leases(self._task_id, self._oracle_id)
        labels = [label for _, label in self._answered.values()]
        abstention_count = labels.count(None)
        return SessionOutcome(len(labels) - abstention_count, abstention_count, state)

    def _label(self, lease: Lease, keys: dict[str, str]) -> None:
        """Get one clip answered; the answer is stored at once."""
        while True:
            guess = f"  (head says {lease.predicted_class})" if lease.predicted_class else ""
            notes.print(f"{lease.clip_id}{guess} ", end="", highlight=False, markup=False)
            self._play(lease)
            key = _read_key()
            if key == _QUIT:
                raise _Quit
            if key == _AGAIN:
                notes.print()
                continue
            if key == _UNDO:
                self._undo(keys)
                continue
            if key == _SKIP or key in keys:
                self._store(lease, keys.get(key))
                return
            notes.print(f"no such key: {key!r}", markup=False)

    def _undo(self, keys: dict[str, str]) -> None:
        notes.print()
        if not self._answered:
            notes.print("nothing to take back")
            return
        _, (lease, _) = self._answered.popitem()
        self._label(lease, keys)

    def _store(self, lease: Lease, label: str | None) -> None:
        try:
            self._learner.submit_labels(
                self._task_id, self._oracle_id, [Answer(lease.lease_id, label)]
            )
        except LeaseLost:
            notes.print("too late: somebody else has this clip now")
            return
        self._answered[lease.lease_id] = (lease, label)
        notes.print("skipped" if label is None else label, style="bold", markup=False)

    def _play(self, lease: Lease) -> None:
        if self._player is None:
            return
        with contextlib.suppress(NotFound):
            if not self._player.play_uri(lease.uri):
                task = self._learner.get_task(self._task_id)
                audio: ClipAudio = self._learner.get_clip_audio(task.pool_id, lease.clip_id)
                self._player.play(audio.content)


def _keys(task: Task) -> dict[str, str]:
    """Give each class a key: its first letter if the classes differ in it, else a number."""
    letters = [name[0].lower() for name in task.classes]
    if len(set(letters)) == len(letters) and all(
        letter in string.ascii_lowercase for letter in letters
    ):
        return dict(zip(letters, task.classes, strict=True))
    return dict(zip(_CLASS_KEYS, task.classes, strict=False))


def _legend(task: Task) -> str:
    classes = "  ".join(f"{key} {name}" for key, name in _keys(task).items())
    return f"{classes}    {_SKIP} skip  {_AGAIN} again  {_UNDO} take back  {_QUIT} stop"


def _read_key() -> str:
    if sys.stdin.isatty():
        key = typer.getchar()
        if key in ("\x03", "\x04"):
            raise _Quit
        return key
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()
