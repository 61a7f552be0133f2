from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.unit.bench.datasets.miniatures import ramp, read, write_archive, write_audio

from aloe.bench.datasets import DatasetError, Recording
from aloe.client.types import Split


def part(path: Path, start_s: float, end_s: float | None, member: str = "") -> Recording:
    return Recording("clip", path, Split.TRAIN, {}, member=member, start_s=start_s, end_s=end_s)


def test_whole_file_is_its_path_and_has_a_uri(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a b.wav")
    whole = part(path, 0, None)
    assert whole.audio() == path
    assert whole.uri == (tmp_path / "a b.wav").as_uri()


def test_part_of_a_file_has_no_uri(tmp_path: Path) -> None:
    assert part(tmp_path / "a.wav", 0.5, None).uri == ""
    assert part(tmp_path / "a.wav", 0, 1).uri == ""
    assert part(tmp_path / "a.tgz", 0, None, "x/wav/a.wav").uri == ""


@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_part_has_the_files_own_samples_and_rate(tmp_path: Path, rate_hz: int) -> None:
    path = write_audio(tmp_path / "a.flac", 0.7, rate_hz)
    cut = part(path, 0.25, 0.5)
    assert read(cut) == ramp(0.7, rate_hz)[round(0.25 * rate_hz) : round(0.5 * rate_hz)].tolist()
    (tmp_path / "cut.wav").write_bytes(cut.audio())  # type: ignore[arg-type]
    info = soundfile.info(tmp_path / "cut.wav")
    assert (info.samplerate, info.format, info.subtype) == (rate_hz, "WAV", "PCM_16")


def test_part_of_a_float_file_loses_nothing_and_is_the_same_each_time(tmp_path: Path) -> None:
    samples = np.linspace(-0.9, 0.9, 16_000, dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    content = part(tmp_path / "a.wav", 0.5, 0.75).audio()
    assert content == part(tmp_path / "a.wav", 0.5, 0.75).audio()
    assert b"PEAK" not in content  # type: ignore[operator]  # it holds the time of writing
    (tmp_path / "cut.wav").write_bytes(content)  # type: ignore[arg-type]
    cut, _ = soundfile.read(tmp_path / "cut.wav", dtype="float32")
    np.testing.assert_allclose(cut, samples[8_000:12_000], atol=1e-7)


def test_channels_stay(tmp_path: Path) -> None:
    stereo = np.stack([ramp(1), -ramp(1)], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, 16_000)
    assert read(part(tmp_path / "a.wav", 0.5, 0.6)) == stereo[8_000:9_600].tolist()


def test_part_past_the_end_is_cut_there(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", 1.0)
    assert read(part(path, 0.75, 9.0)) == ramp(1.0)[12_000:].tolist()


def test_part_that_starts_past_the_end_is_refused(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", 1.0)
    with pytest.raises(
        DatasetError, match=r"a\.wav: it lasts 1\.000 s, and the segment starts at 3 s"
    ):
        part(path, 3.0, 4.0).audio()


def test_part_of_a_file_that_is_no_audio_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"no audio")
    with pytest.raises(DatasetError, match=r"a\.wav: 8 bytes are no audio file .*: get it again"):
        part(tmp_path / "a.wav", 0.5, 1.0).audio()


def test_member_of_an_archive_is_read_and_cut(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.tgz", ["x/wav/a.wav", "x/wav/b.wav"])
    assert read(part(archive, 0, None, "x/wav/b.wav")) == ramp(0.02).tolist()
    assert read(part(archive, 0.005, None, "x/wav/b.wav")) == ramp(0.02)[80:].tolist()


def test_member_that_is_gone_is_named(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "b.tgz", ["x/wav/a.wav"])
    with pytest.raises(DatasetError, match=r"b\.tgz no longer holds x/wav/z\.wav"):
        part(archive, 0, None, "x/wav/z.wav").audio()
