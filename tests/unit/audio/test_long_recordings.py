import hashlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.benchmarks.measuring import resident_mb
from tests.long_recordings import RATE_HZ, write_night
from tests.unit.audio.processes import children

from aloe.audio.cutting.cutter import cut
from aloe.audio.cutting.grid import Grid, GridPlan
from aloe.audio.cutting.spans import Window
from aloe.audio.decoder import Limits, Stretch
from aloe.audio.errors import BrokenOff
from aloe.audio.excerpts import View
from aloe.audio.isolation import IsolatedDecoder
from aloe.values.audio import Decoding

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HOURS = 2
WINDOW_COUNT = HOURS * 720
MOST_MIB = 150.0
LIMITS = Limits(1e5)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("long") / "night.flac"
    write_night(path, "flac", HOURS * 3_600)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def decoder() -> Iterator[IsolatedDecoder]:
    with IsolatedDecoder(1) as isolated:
        yield isolated


def plan(first_number: int = 0) -> GridPlan:
    return GridPlan(Grid.of(RATE_HZ, 5), first_number)


def digest(windows: Iterator[Window] | list[Window]) -> str:
    found = hashlib.sha256()
    for window in windows:
        found.update(window.samples.tobytes())
    return found.hexdigest()


def measured(path: Path, kind: str) -> tuple[int, list[int], float, float]:
    """Return how many windows there are, which are loud, and the memory of both processes."""
    count, loud = 0, []
    with IsolatedDecoder(1) as alone, alone.stream(path, Decoding(), LIMITS) as stream:
        for window in cut(stream.blocks(), plan()):
            count += 1
            if np.abs(window.samples).max() > 0.1:
                loud.append(window.span.number)
        mine, its = os.getpid(), children()
        memory = [resident_mb(pid, peak=True) for pid in (mine, *its)]
    assert kind == "wav" or its
    return count, loud, memory[0], memory[-1]


@pytest.mark.parametrize("kind", ["flac", "wav", "mp3", "m4a"])
def test_memory_does_not_grow_with_a_recording(kind: str, tmp_path: Path, night: Path) -> None:
    path, hours = night, HOURS
    if kind != "flac":
        path, hours = tmp_path / f"night.{kind}", 1
        write_night(path, kind, hours * 3_600)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        count, loud, reader_mib, decoder_mib = alone.submit(measured, path, kind).result()
    assert count == hours * 720 + (kind in ("mp3", "m4a") and count > hours * 720)
    # A call half a minute into each minute; what an encoder adds may move it by a little.
    assert set(loud) >= {6 + 12 * minute for minute in range(hours * 60)}
    assert len(loud) <= 2 * hours * 60
    assert reader_mib < MOST_MIB
    assert decoder_mib < MOST_MIB


def test_what_was_before_the_damage_is_kept(
    night: Path, tmp_path: Path, decoder: IsolatedDecoder
) -> None:
    damaged = tmp_path / "damaged.flac"
    damaged.write_bytes(night.read_bytes())
    with damaged.open("r+b") as file:
        file.seek(night.stat().st_size * 3 // 4)
        file.write(b"\0" * 100)
    windows: list[Window] = []
    with (
        decoder.stream(damaged, Decoding(), LIMITS) as stream,
        pytest.raises(
            BrokenOff, match=r"breaks off at 5,[34]\d\d\.\d{3} s of 7,200\.000 s: damaged: "
        ) as caught,
    ):
        windows.extend(cut(stream.blocks(), plan()))
    assert len(windows) == caught.value.frame_count // (5 * RATE_HZ)
    with decoder.stream(night, Decoding(), LIMITS) as stream:
        reading = cut(stream.blocks(), plan())
        assert digest(windows) == digest([next(reading) for _ in windows])


def test_an_import_goes_on_where_it_was_killed(night: Path, decoder: IsolatedDecoder) -> None:
    with decoder.stream(night, Decoding(), LIMITS) as stream:
        windows = list(cut(stream.blocks(), plan()))
    assert len(windows) == WINDOW_COUNT
    number = 1_000
    first = Grid.of(RATE_HZ, 5).span(number).first
    with decoder.stream(night, Decoding(), LIMITS, Stretch(first, is_sought=True)) as stream:
        assert first - 10_000 < stream.decoded_from <= first
        rest = list(cut(stream.blocks(), plan(number), first))
    assert [each.span for each in rest] == [each.span for each in windows[number:]]
    assert digest(rest) == digest(windows[number:])
    view = View(first, first + 5 * RATE_HZ, is_sought=True)
    excerpt = decoder.excerpt(night, Decoding(), LIMITS, view)
    np.testing.assert_array_equal(excerpt.window, windows[number].samples)


def test_a_decoder_that_is_killed_costs_no_window(night: Path, decoder: IsolatedDecoder) -> None:
    killed: list[int] = []

    def with_kills(windows: Iterator[Window]) -> Iterator[Window]:
        for window in windows:
            yield window
            if window.span.number in (100, 700):
                killed.extend(children())
                for pid in children():
                    os.kill(pid, signal.SIGKILL)

    with decoder.stream(night, Decoding(), LIMITS) as stream:
        found = digest(with_kills(cut(stream.blocks(), plan())))
    with decoder.stream(night, Decoding(), LIMITS) as stream:
        assert found == digest(cut(stream.blocks(), plan()))
    assert len(killed) == 2
