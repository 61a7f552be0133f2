"""`aloe label` in a terminal: real keys, real players, real signals."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.chaos.proxy import to_tcp
from tests.e2e.terminals import Terminal
from tests.rpc.learner.recordings import encoded, tone

from aloe.client import LearnerClient, NewClip, SegmentCut, connect
from aloe.local import LocalStack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
CLASSES = ["cough", "sneeze", "other"]


@pytest.fixture(scope="module")
def learner(stack: LocalStack) -> Iterator[LearnerClient]:
    with connect(stack.learner_address) as client:
        client.create_pool("heard", keep_audio=True)
        clips = [NewClip(f"tone{n}", encoded(tone(200 + 50 * n))) for n in range(6)]
        assert client.import_clips("heard", clips).imported_count == 6
        yield client


@pytest.fixture
def task(learner: LearnerClient, request: pytest.FixtureRequest) -> str:
    name = re.sub(r"\W+", "_", request.node.name)
    return learner.create_task(name, "heard", CLASSES).task_id


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """What the player writes to: a line for each of its processes."""
    return tmp_path / "notes"


@pytest.fixture
def label(
    stack: LocalStack, task: str, tmp_path: Path, notes: Path
) -> Iterator[Callable[..., Terminal]]:
    """Starts `aloe label` on the task, with a shell script as the player, or with none."""
    terminals: list[Terminal] = []
    programs = tmp_path / "bin"
    programs.mkdir()

    def start(*options: str, player: str = "", server: str = "", task_id: str = task) -> Terminal:
        if player:
            program = programs / "ffplay"
            program.write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin\nnotes="{notes}"\n{player}\n')
            program.chmod(0o755)
        environment = {"PATH": str(programs), "ALOE_SERVER": server or stack.learner_address}
        terminals.append(Terminal("label", task_id, "--json", *options, environment=environment))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.end()


def lines(notes: Path) -> list[str]:
    return notes.read_text().split("\n")[:-1] if notes.exists() else []


def counts(learner: LearnerClient, task: str) -> tuple[int, int, int]:
    """Clips that are labeled, abstained, leased."""
    found = learner.get_task(task).clip_counts
    return found.labeled, found.abstained, found.leased


def wait_for(read: Callable[[], object], expected: object) -> None:
    deadline = time.monotonic() + 15
    while (value := read()) != expected:
        assert time.monotonic() < deadline, value
        time.sleep(0.01)


def is_there(pid: int) -> bool:
    """Whether a process runs or is a zombie of somebody who runs."""
    status = Path(f"/proc/{pid}/status")
    try:
        text = status.read_text()
    except OSError:
        return False
    return "\nState:\tZ" not in text or "\nPPid:\t1\n" not in text


def test_keys_label_skip_and_take_back(learner, task, label):
    terminal = label("--no-play")
    terminal.expect("cannot tell  > skip, comes back")
    terminal.press("cs>-")
    terminal.expect("cannot tell: the clip leaves the pool")
    terminal.press("<")
    terminal.expect("taken back: tone")
    wait_for(lambda: counts(learner, task)[:2], (2, 0))
    terminal.press("?o")
    terminal.expect("no such key: '?'")
    terminal.expect("other")
    terminal.press(".")
    code, result = terminal.finish()
    assert code == 0
    assert (
        '"label_count": 3, "abstention_count": 0, "skip_count": 1, "retraction_count": 1' in result
    )
    assert counts(learner, task) == (3, 0, 0)


def test_a_class_is_found_while_its_candidates_are_shown(learner, label, task):
    learner.delete_task(task)
    learner.create_task(task, "heard", [f"kind {n:03d}" for n in range(70)])
    terminal = label("--no-play")
    terminal.expect("70 classes: type a part of a name")
    terminal.press("06")
    terminal.expect("11: kind 006, kind 060")
    terminal.press("\r")
    terminal.expect("'06' may mean 11 classes: kind 006")
    terminal.press("9")
    terminal.expect("1: kind 069")
    terminal.press("\r")
    terminal.expect("  kind 069")
    terminal.press("x\x1b.")
    assert terminal.finish()[0] == 0
    assert [each.label for each in learner.export_labels(task)] == ["kind 069"]


def test_a_key_pressed_while_a_clip_plays_stops_it_and_counts(learner, task, label, notes):
    terminal = label(player='echo $$ >> "$notes"; exec sleep 600')
    for place, (key, name) in enumerate(zip("cso", CLASSES, strict=True)):
        wait_for(lambda: len(lines(notes)), place + 1)
        terminal.press(key)
        terminal.expect(f"  {name}")
    wait_for(lambda: len(lines(notes)), 4)
    terminal.press("=")
    wait_for(lambda: len(lines(notes)), 5)
    terminal.press(".")
    assert terminal.finish()[0] == 0
    assert not any(is_there(int(line)) for line in lines(notes))
    assert counts(learner, task) == (3, 0, 0)


@pytest.mark.slow
def test_a_window_is_played_with_what_is_around_it(learner, label, notes, tmp_path):
    learner.create_pool("terminal_nights")
    file = tmp_path / "night.wav"
    file.write_bytes(encoded(tone(300, duration_s=10)))
    learner.import_recording("terminal_nights", "night", file, SegmentCut(((4.0, 6.0),)))
    learner.create_task("night_calls", "terminal_nights", CLASSES)
    player = 'for file; do :; done; wc -c < "$file" >> "$notes"'
    terminal = label("--context", "1.5s", player=player, task_id="night_calls")
    terminal.expect("night~4000-6000  at 0:04.0")
    wait_for(lambda: [round(int(each), -3) for each in lines(notes)], [2 * 16_000 * 5])
    terminal.press("c")
    wait_for(lambda: counts(learner, "night_calls"), (1, 0, 0))


@pytest.mark.slow
def test_a_player_that_hangs_is_told_and_the_session_goes_on(learner, task, label):
    terminal = label(player="sleep 600")
    terminal.expect("not heard: ffplay hung and was stopped after 5.5 s")
    terminal.expect("install ffmpeg or sox")
    terminal.press("c.")
    assert terminal.finish()[0] == 0
    assert counts(learner, task) == (1, 0, 0)


def test_a_player_that_fails_is_told_each_time_and_the_remedy_once(learner, task, label):
    terminal = label(player="echo no sound card >&2; exit 1")
    for key in "cs.":
        terminal.expect("not heard: ffplay failed: no sound card")
        terminal.press(key)
    assert terminal.finish()[0] == 0
    assert terminal.screen.count("install ffmpeg or sox") == 1
    assert counts(learner, task) == (2, 0, 0)


@pytest.mark.slow
def test_a_player_that_is_missing_is_told_once(learner, task, label):
    terminal = label()
    terminal.expect("nothing is played, since there is no audio player: install ffmpeg or sox")
    terminal.press("cs.")
    assert terminal.finish()[0] == 0
    assert terminal.screen.count("no audio player") == 1
    assert counts(learner, task) == (2, 0, 0)


def test_a_clip_without_audio_is_told_and_no_path_is_played(learner, task, label, notes, tmp_path):
    pool, other = f"{task}_pool", tmp_path / "other.wav"
    other.write_bytes(encoded(tone(100)))
    learner.create_pool(pool)
    away = tmp_path / "away.wav"
    learner.import_clips(pool, [NewClip("gone", encoded(tone()), uri=away.as_uri())])
    away.write_bytes(other.read_bytes())
    learner.delete_task(task)
    learner.create_task(task, pool, CLASSES)
    terminal = label(player='echo played > "$notes"')
    terminal.expect("not heard: ")
    terminal.press("c")
    assert terminal.finish()[0] == 0
    assert terminal.screen.count("not heard") == 1
    assert not notes.exists()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["ctrl-c", "kill", "close", "kill -9"])
def test_no_player_and_no_lease_outlives_the_session(learner, task, label, notes, how):
    terminal = label(player='echo $$ > "$notes"; sleep 600 & echo $! >> "$notes"; wait')
    wait_for(lambda: len(lines(notes)), 2)
    itself, started = map(int, lines(notes))
    _end(terminal, how)
    terminal.process.wait(20)
    wait_for(lambda: is_there(itself), expected=False)
    if how == "kill -9":  # What the player started is beyond anybody's reach then.
        os.kill(started, signal.SIGKILL)
        return
    wait_for(lambda: is_there(started), expected=False)
    assert counts(learner, task) == (0, 0, 0)
    if how != "close":
        code, result = terminal.finish()
        assert code == 0
        assert '"label_count": 0' in result


def _end(terminal: Terminal, how: str) -> None:
    match how:
        case "ctrl-c":
            terminal.press("\x03")
        case "kill":
            terminal.process.terminate()
        case "close":
            terminal.close()
        case _:
            terminal.process.kill()


@pytest.mark.slow
async def test_a_learner_that_goes_away_is_waited_for_until_ctrl_c(stack, learner, task, label):
    proxy = to_tcp(stack.learner_address)
    terminal = label("--no-play", server=await proxy.listen())

    def answer(key: str, words: str) -> None:
        terminal.expect("\ntone")
        terminal.press(key)
        terminal.expect(words)

    await asyncio.to_thread(answer, "c", "  cough")
    await asyncio.to_thread(terminal.expect, "\ntone")
    await proxy.close()
    terminal.press("s")
    await asyncio.to_thread(terminal.expect, "waiting (Ctrl-C ends): cannot reach")
    began = time.monotonic()
    terminal.press("\x03")
    code, result = await asyncio.to_thread(terminal.finish)
    assert time.monotonic() - began < 10
    assert code == 1
    assert '"label_count": 1' in result
    assert "was not acknowledged and may not be stored: sneeze" in terminal.screen
    assert "the clips in hand come back only when their leases end" in terminal.screen
    assert terminal.screen.count("aloe: ") == 1
    assert "Traceback" not in terminal.screen
    assert counts(learner, task) == (1, 0, 3)
