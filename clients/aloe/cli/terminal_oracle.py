"""A person at a terminal: hears or reads which clip, and answers with a key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from aloe.cli.class_menu import Choice, ClassMenu, Command, SetMenu
from aloe.cli.console import CommandError, tell
from aloe.cli.held_clips import GONE, HeldClips, Wish
from aloe.cli.keyboard import open_answers
from aloe.cli.player import PLAYER_REMEDY, Player, PlayerFailed, find_player
from aloe.cli.stopping import advice_text
from aloe.client import (
    AloeError,
    InvalidArgument,
    Label,
    LabelMode,
    LabelSet,
    LearnerClient,
    Lease,
    LeaseLost,
    NotFound,
    PoolState,
    StopVerdict,
    Unavailable,
)


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """What a person has done."""

    label_count: int
    abstention_count: int
    """Clips of which the person could not tell; they have left the pool."""
    skip_count: int
    """Clips left unlabeled; they come back."""
    retraction_count: int
    """Answers taken back, whatever came after."""
    lost_count: int
    """Answers that came too late and were not stored."""
    oracle_id: str
    pool_state: PoolState
    """OPEN if the person stopped first."""
    failure: str | None
    """What ended the session, if something failed."""


class _Stop(Exception):
    """The person has had enough."""


class TerminalSession:
    """Labels one task until there is nothing to ask or the person stops."""

    def __init__(
        self,
        learner: LearnerClient,
        task_id: str,
        oracle_id: str,
        *,
        batch: int,
        play: bool,
        wishes: Sequence[Wish] = (Wish(),),
        context: timedelta = timedelta(),
    ) -> None:
        """Take what is labeled by whom, clips by one wish after the other.

        Of a window, so much `context` of its recording is played before and behind it.
        """
        self._learner, self._oracle_id = learner, oracle_id
        self._clips = HeldClips(learner, task_id, oracle_id, batch, wishes)
        self._menu = self._make_menu()
        self._answers = open_answers()
        self._player = _find_player() if play else None
        self._player_failed, self._context = False, context
        self._stop_advised = False
        self._done: dict[str, tuple[Lease, Choice]] = {}
        """By clip, in order: a label, CANNOT_TELL or SKIP."""
        self._retraction_count = self._lost_count = 0

    def run(self) -> SessionOutcome:
        """Ask and answer; clips that are held and unanswered at the end go back."""
        tell(f"{self._menu.legend()}\nanswers are stored as those of {self._oracle_id}")
        failures = []
        try:
            with self._answers:
                self._ask_all()
        except (_Stop, EOFError, KeyboardInterrupt):
            pass
        except (AloeError, CommandError) as error:
            failures.append(str(error))
        finally:
            failures += self._give_back()
        for failure in failures[1:]:
            tell(failure)
        return self._outcome(failures[0] if failures else None)

    def _give_back(self) -> list[str]:
        """Give back what is held; return what went wrong with it, if anything."""
        try:
            self._clips.give_back()
        except NotFound:  # The task has gone, and its leases with it.
            return []
        except AloeError as error:
            if not self._clips.are_in_hand:
                return []  # What went wrong before it was said already.
            return [f"the clips in hand come back only when their leases end: {error}"]
        return []

    def _outcome(self, failure: str | None) -> SessionOutcome:
        choices = [choice for _, choice in self._done.values()]
        return SessionOutcome(
            label_count=sum(not isinstance(choice, Command) for choice in choices),
            abstention_count=choices.count(Command.CANNOT_TELL),
            skip_count=choices.count(Command.SKIP),
            retraction_count=self._retraction_count,
            lost_count=self._lost_count,
            oracle_id=self._oracle_id,
            pool_state=self._clips.pool_state,
            failure=failure,
        )

    def _make_menu(self) -> ClassMenu:
        self._classes = self._clips.task.class_details
        is_several = self._clips.task.label_mode is LabelMode.MULTIPLE
        kind = SetMenu if is_several else ClassMenu
        return kind(self._clips.task.classes, self._classes)

    def _follow_classes(self) -> None:
        """Tell what can be answered now, where the classes were changed."""
        if self._clips.task.class_details != self._classes:
            self._menu = self._make_menu()
            tell(f"the classes were changed\n{self._menu.legend()}")

    def _ask_all(self) -> None:
        while (lease := self._clips.next()) is not None:
            self._follow_classes()
            self._tell_stop_advice()
            self._ask(lease)

    def _tell_stop_advice(self) -> None:
        """Say once that labels are enough; going on is up to the person."""
        advice = self._clips.task.stop_advice
        advised = advice is not None and advice.verdict is StopVerdict.STOP
        if advice is not None and advised and not self._stop_advised:
            tell(f"labels are enough ({advice_text(advice)}); {Command.STOP.value} stops")
        self._stop_advised = advised

    def _ask(self, lease: Lease) -> None:
        """Get one clip answered; the answer is stored at once."""
        choice: Choice = Command.AGAIN
        while choice is Command.AGAIN:
            guess = f"  (head says {lease.predicted_class})" if lease.predicted_class else ""
            tell(lease.clip_id + _place(lease) + guess)
            self._play(lease)
            choice = self._answers.read(self._menu)
        if choice is Command.STOP:
            raise _Stop
        if choice is Command.TAKE_BACK:
            self._clips.ask_next(lease)
            self._take_back()
        elif choice is Command.SKIP:
            self._clips.skip(lease)
            self._remember(lease, choice, "skipped: it comes back when the others are done")
        else:
            self._store(lease, choice)

    def _store(self, lease: Lease, choice: Choice) -> None:
        label = None if isinstance(choice, Command) else choice
        if choice is Command.NONE:
            label = LabelSet()
        words = _words(label)
        try:
            self._clips.answer(lease, label)
        except LeaseLost:
            self._lost_count += 1
            tell(f"  too late for {lease.clip_id}: {GONE}")
        except InvalidArgument as error:
            # The class was retired since: the clip is asked again, by the classes of now.
            if not label or not self._clips.are_classes_changed():
                raise
            tell(f"  {lease.clip_id} is asked again: {error}")
            self._clips.ask_next(lease)
        except (AloeError, KeyboardInterrupt):
            tell(f"  {lease.clip_id} was not acknowledged and may not be stored: {words}")
            raise
        else:
            self._remember(lease, choice if label is None else label, words)

    def _remember(self, lease: Lease, choice: Choice, words: str) -> None:
        self._done.pop(lease.clip_id, None)
        self._done[lease.clip_id] = lease, choice
        tell(f"  {words}", "bold")

    def _take_back(self) -> None:
        """Undo the last thing done, at the learner too, and ask about its clip again."""
        undone = next((each for each in reversed(self._done) if not self._clips.holds(each)), None)
        if undone is None:
            tell("  nothing to take back")
            return
        lease, choice = self._done[undone]
        if choice is not Command.SKIP and not self._retract(lease):
            return
        del self._done[undone]
        try:
            self._clips.take_up(lease)
        except LeaseLost:
            tell(f"  {undone} is taken back, but not asked again: {GONE}")
        else:
            tell(f"  taken back: {undone}")

    def _retract(self, lease: Lease) -> bool:
        """Take an answer back at the learner; return whether it was this session's still."""
        try:
            self._clips.retract(lease)
        except LeaseLost:
            tell(f"  {lease.clip_id} cannot be taken back: {GONE}")
            return False
        except (AloeError, KeyboardInterrupt):
            tell(f"  {lease.clip_id} is perhaps not taken back: that was not acknowledged")
            raise
        self._retraction_count += 1
        return True

    def _play(self, lease: Lease) -> None:
        """Play a clip until a key is pressed; say why where it cannot be heard."""
        if self._player is None or self._answers.waits(0):
            return
        try:
            around = self._context if lease.recording_id else timedelta()
            audio = self._learner.get_clip_audio(
                self._clips.task.pool_id, lease.clip_id, before=around, after=around
            )
            duration = None if lease.duration is None else lease.duration + 2 * around
            self._player.play(audio, duration, self._answers.waits)
        except Unavailable:
            raise
        except (AloeError, PlayerFailed) as error:
            tell(f"  not heard: {error}")
            if isinstance(error, PlayerFailed) and not self._player_failed:
                self._player_failed = True
                tell(f"  {PLAYER_REMEDY}; = plays again, --no-play asks without sound")


def _words(label: Label | None) -> str:
    """Write what was answered."""
    if label is None:
        return "cannot tell: the clip leaves the pool"
    return str(label) or "none of them"


def _find_player() -> Player | None:
    command = find_player()
    if command is None:
        tell(f"nothing is played, since there is no audio player: {PLAYER_REMEDY}")
        return None
    return Player(command)


def _place(lease: Lease) -> str:
    """Return where in its recording a window begins, as players tell it: 1:02:03.5."""
    if lease.start is None:
        return ""
    tenths = lease.start // timedelta(milliseconds=100)
    minutes, seconds = tenths // 600, tenths % 600 / 10
    hours = f"{minutes // 60}:{minutes % 60:02}" if minutes >= 60 else f"{minutes}"
    return f"  at {hours}:{seconds:04.1f}"
