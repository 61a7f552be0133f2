import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from tests.audio_files import made, speechlike
from tests.unit.audio.processes import children

from aloe.audio import process
from aloe.audio.decoder import Limits, decode
from aloe.audio.errors import BadAudio
from aloe.audio.isolation import Bounds, IsolatedDecoder, NoDecoder, NotWanted
from aloe.values.audio import AudioProblem, ChannelRule, Decoding

LIMITS = Limits(max_clip_s=6_000.0)
FLAC = made("flac", speechlike())
LONG = made("flac", np.zeros(16_000 * 3_600, np.float32))


@pytest.fixture(scope="module")
def decoder():
    with IsolatedDecoder(2) as isolated:
        isolated.start()
        yield isolated


@pytest.mark.parametrize("kind", ["flac", "mp3", "webm", "wav"])
def test_a_process_gives_what_the_decoder_gives(decoder: IsolatedDecoder, kind: str) -> None:
    content = made(kind, np.stack([speechlike(), speechlike(seed=3)], axis=1))
    decoding = Decoding(ChannelRule.LOUDEST)
    here, there = (each(content, decoding, LIMITS) for each in (decode, decoder.decode))
    np.testing.assert_array_equal(here.samples, there.samples)
    assert here.report == there.report


def test_refusals_and_warnings_come_through(decoder: IsolatedDecoder) -> None:
    half = FLAC[: len(FLAC) // 2]
    with pytest.raises(BadAudio, match="cut off: holds"):
        decoder.decode(half, Decoding(), LIMITS)
    warnings = decoder.decode(half, Decoding(accept_damaged=True), LIMITS).report.warnings
    assert warnings[0].problem is AudioProblem.CUT_OFF
    assert decoder.measure(FLAC) == (16_000, 16_000)
    assert len(decoder.cut(FLAC, 0.25, 0.75)) == 44 + 2 * 8_000


def test_a_process_that_is_killed_costs_no_clip(decoder: IsolatedDecoder) -> None:
    for pid in children():
        os.kill(pid, signal.SIGKILL)
    for _ in range(3):
        assert decoder.decode(FLAC, Decoding(), LIMITS).duration_s == 1.0


def test_a_clip_that_crashes_a_fresh_decoder_too_is_bad(decoder: IsolatedDecoder) -> None:
    ended = threading.Event()

    def crash_again_and_again() -> None:
        while not ended.wait(0.02):
            for pid in children():
                os.kill(pid, signal.SIGSEGV)

    saboteur = threading.Thread(target=crash_again_and_again)
    saboteur.start()
    try:
        # It is killed once more in the fresh process that tries again, or while that starts.
        with pytest.raises((BadAudio, NoDecoder), match=r"crashed on it \(SIGSEGV\)|started"):
            decoder.decode(LONG, Decoding(), LIMITS)
    finally:
        ended.set()
        saboteur.join()
    assert decoder.decode(FLAC, Decoding(), LIMITS).duration_s == 1.0


@pytest.mark.slow
def test_a_clip_that_takes_too_long_or_too_much_fails_alone() -> None:
    with IsolatedDecoder(1, Bounds(cpu_s=0.05)) as hurried:
        with pytest.raises(BadAudio, match=r"takes over 0\.05 s of processor time"):
            hurried.decode(LONG, Decoding(), LIMITS)
        assert hurried.decode(FLAC, Decoding(), LIMITS).duration_s == 1.0
    with IsolatedDecoder(1, Bounds(memory_bytes=500 << 20)) as cramped:
        with pytest.raises(BadAudio, match=r"takes over 500 MiB of memory"):
            cramped.decode(LONG, Decoding(), LIMITS)
        assert cramped.decode(FLAC, Decoding(), LIMITS).duration_s == 1.0


def test_an_answer_that_nobody_took_is_not_the_next_clips(
    decoder: IsolatedDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    decoder.decode(FLAC, Decoding(), LIMITS)
    with monkeypatch.context() as patched:
        patched.setattr(process, "read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            decoder.decode(FLAC, Decoding(), LIMITS)
    other = made("flac", speechlike(2.0))
    for _ in range(3):
        assert decoder.decode(other, Decoding(), LIMITS).duration_s == 2.0


def test_more_threads_than_processes_wait_for_each_other() -> None:
    before = set(children())
    with IsolatedDecoder(2) as isolated:
        results: list[float] = []
        threads = [
            threading.Thread(
                target=lambda: results.append(isolated.decode(FLAC, Decoding(), LIMITS).duration_s)
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [1.0] * 8
        assert len(set(children()) - before) <= 2


def test_closing_ends_what_is_being_decoded() -> None:
    isolated = IsolatedDecoder(1)
    isolated.start()
    outcomes: list[NoDecoder] = []

    def decode_long() -> None:
        try:
            for _ in range(50):
                isolated.decode(LONG, Decoding(), LIMITS)
        except NoDecoder as error:
            outcomes.append(error)

    thread = threading.Thread(target=decode_long)
    thread.start()
    time.sleep(0.3)
    began = time.monotonic()
    isolated.close()
    thread.join()
    assert time.monotonic() - began < 5
    assert "have ended" in str(outcomes[0])


def test_closing_leaves_no_process_behind() -> None:
    before = set(children())
    with IsolatedDecoder(2) as isolated:
        isolated.start()
        mine = set(children()) - before
        assert len(mine) == 2
    deadline = time.monotonic() + 5
    while mine & set(children()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not mine & set(children())


def test_nobody_waits_for_a_decoder_that_has_ended() -> None:
    isolated = IsolatedDecoder(1)
    assert isolated.decode(FLAC, Decoding(), LIMITS).duration_s == 1.0
    isolated.close()
    isolated.close()
    for _ in range(2):
        with pytest.raises(NoDecoder, match="have ended"):
            isolated.decode(FLAC, Decoding(), LIMITS)
    assert isolated.decode(made("wav", speechlike()), Decoding(), LIMITS).duration_s == 1.0


def test_a_decoder_that_cannot_start_is_told_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with IsolatedDecoder(2) as isolated:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "executable", "/no/such/python")
            for attempt in (isolated.start, lambda: isolated.decode(FLAC, Decoding(), LIMITS)) * 2:
                with pytest.raises(NoDecoder, match="cannot be started"):
                    attempt()
        isolated.start()
        assert isolated.decode(FLAC, Decoding(), LIMITS).duration_s == 1.0


def test_what_nobody_wants_any_more_is_broken_off() -> None:
    with IsolatedDecoder(1) as isolated:
        isolated.start()
        heavy = made("flac", np.zeros((192_000 * 40, 8), np.int16), 192_000)
        asked = 0

        def is_wanted() -> bool:
            nonlocal asked
            asked += 1
            return asked < 2

        began = time.monotonic()
        with pytest.raises(NotWanted):
            isolated.decode(heavy, Decoding(), LIMITS, is_wanted)
        assert asked == 2
        assert isolated.decode(FLAC, Decoding(), LIMITS, is_wanted).duration_s == 1.0
        assert time.monotonic() - began < 5


def test_a_process_whose_parent_has_ended_complains_to_nobody() -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "aloe.audio.worker", str(1 << 34), "10"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert started.stdin is not None
    assert started.stdout is not None
    assert started.stderr is not None
    started.stdout.close()
    started.stdin.close()
    assert started.stderr.read() == b""
    assert started.wait(60) == 1
    started.stderr.close()
