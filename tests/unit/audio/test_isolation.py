import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tests.audio_files import made, speechlike

from aloe.audio.decoder import Limits, decode
from aloe.audio.errors import BadAudio
from aloe.audio.isolation import Bounds, IsolatedDecoder, NoDecoder
from aloe.values.audio import AudioProblem, ChannelRule, Decoding

LIMITS = Limits(max_clip_s=6_000.0)
FLAC = made("flac", speechlike())


@pytest.fixture(scope="module")
def decoder():
    with IsolatedDecoder(2) as isolated:
        isolated.start()
        yield isolated


def children() -> list[int]:
    """Return the decoders among the processes that this one started."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == os.getpid() and b"aloe.audio.worker" in command:
            found.append(int(process.name))
    return found


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


def test_a_process_that_is_killed_costs_no_clip_but_the_one_that_kills_it_again(
    decoder: IsolatedDecoder,
) -> None:
    for pid in children():
        os.kill(pid, signal.SIGKILL)
    assert decoder.decode(FLAC, Decoding(), LIMITS).duration_s == 1.0
    assert decoder.decode(FLAC, Decoding(), LIMITS).duration_s == 1.0


def test_a_clip_that_takes_too_long_or_too_much_fails_alone() -> None:
    long = made("flac", np.zeros(16_000 * 3_600, np.float32))
    assert len(long) < 1_000_000
    with IsolatedDecoder(1, Bounds(cpu_s=0.05)) as hurried:
        with pytest.raises(BadAudio, match=r"takes over 0\.05 s of processor time"):
            hurried.decode(long, Decoding(), LIMITS)
        assert hurried.decode(FLAC, Decoding(), LIMITS).duration_s == 1.0
    with IsolatedDecoder(1, Bounds(memory_bytes=500 << 20)) as cramped:
        with pytest.raises(BadAudio, match=r"takes over 500 MiB of memory|crashed on it"):
            cramped.decode(long, Decoding(), LIMITS)
        assert cramped.decode(FLAC, Decoding(), LIMITS).duration_s == 1.0


def test_more_threads_than_processes_wait_for_each_other() -> None:
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
        assert len(children()) >= 2


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
