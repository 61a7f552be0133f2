import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.bench.datasets.miniatures import (
    LANGUAGES,
    TREE,
    ramp,
    read,
    write_archive,
    write_audio,
    write_voxforge,
)

from aloe.bench.datasets import load
from aloe.bench.datasets.voxforge import split_speakers
from aloe.client.types import Split

Complaint = Callable[..., str]
NAME = "voxforge"


def paths(root: Path) -> set[str]:
    return {r.path.name for r in load(NAME, root).recordings}


def test_wav_files_are_read_out_of_the_archives(tmp_path: Path) -> None:
    dataset = load(NAME, write_voxforge(tmp_path))
    assert dataset.tasks == {"language": LANGUAGES}
    assert dataset.warnings == ()
    assert len(dataset.recordings) == 120
    second = dataset.recordings[1]
    assert second.clip_id == "de~de0-20100203-abc~a1.wav"
    assert second.path == tmp_path / "de" / TREE / "de0-20100203-abc.tgz"
    assert (second.labels, second.speaker) == ({"language": "de"}, "de0")
    assert read(second) == ramp(0.02).tolist()


def test_extracted_folders_are_read_instead_with_the_same_ids(tmp_path: Path) -> None:
    packed = load(NAME, write_voxforge(tmp_path))
    tree = tmp_path / "ru" / TREE
    for place, archive in enumerate(sorted(tree.glob("*.tgz"))):
        with tarfile.open(archive) as tar:
            tar.extractall(tree, filter="data")
        if place % 2:
            archive.unlink()
    extracted = load(NAME, tmp_path)
    assert [(r.clip_id, r.split) for r in packed.recordings] == [
        (r.clip_id, r.split) for r in extracted.recordings
    ]
    last = extracted.recordings[-1]
    assert last.audio() == tree / "ru9-20100203-abc" / "wav" / "a1.wav"


def test_no_speaker_is_in_two_splits_though_in_two_archives_and_languages(tmp_path: Path) -> None:
    write_voxforge(tmp_path)
    for language, date in (("de", "20110101"), ("fr", "20120101")):
        name = f"en3-{date}-xyz"
        write_archive(tmp_path / language / TREE / f"{name}.tgz", [f"{name}/wav/a.wav"])
    recordings = load(NAME, tmp_path).recordings
    of_speaker = [r for r in recordings if r.speaker == "en3"]
    assert {r.labels["language"] for r in of_speaker} == {"de", "en", "fr"}
    assert len({r.split for r in of_speaker}) == 1


def test_speakers_are_split_70_10_20() -> None:
    splits = split_speakers(str(number) for number in range(1000))
    assert Counter(splits.values()) == {Split.TRAIN: 700, Split.VALIDATION: 99, Split.TEST: 201}


def test_speakers_are_split_as_officially() -> None:
    """By hand: RandomState(0) shuffles ten to 2 8 4 9 1 6 7 3 0 5, and 0.7 + 0.1 < 0.8."""
    splits = split_speakers(reversed("01234567890123456789"))
    assert [s for s in splits if splits[s] is Split.TRAIN] == list("2849167")
    assert [s for s in splits if splits[s] is Split.TEST] == list("305")


def test_anonymous_is_no_speaker_but_stays_in_one_split(tmp_path: Path) -> None:
    write_voxforge(tmp_path)
    for date in ("20110101", "20120101", "20130101"):
        name = f"anonymous-{date}-xyz"
        write_archive(tmp_path / "it" / TREE / f"{name}.tgz", [f"{name}/wav/a.wav"])
    anonymous = [r for r in load(NAME, tmp_path).recordings if "anonymous" in r.clip_id]
    assert {r.speaker for r in anonymous} == {""}
    assert (len(anonymous), len({r.split for r in anonymous})) == (3, 1)


def test_archives_from_2020_on_are_left_out(tmp_path: Path) -> None:
    tree = write_voxforge(tmp_path) / "es" / TREE
    write_archive(tree / "es0-20191231-abc.tgz", ["es0-20191231-abc/wav/a.wav"])
    write_archive(tree / "es0-20200101-abc.tgz", ["es0-20200101-abc/wav/a.wav"])
    assert {name for name in paths(tmp_path) if "-20100203-" not in name} == {
        "es0-20191231-abc.tgz"
    }


def test_archive_without_date_is_kept_and_told(tmp_path: Path) -> None:
    tree = write_voxforge(tmp_path) / "es" / TREE
    write_archive(tree / "es0-spring-abc.tgz", ["es0-spring-abc/wav/a.wav"])
    (warning,) = load(NAME, tmp_path).warnings
    assert "1 archives bear no date, es0-spring-abc for one" in warning
    assert "es0-spring-abc.tgz" in paths(tmp_path)


def test_english_is_read_from_both_trees_each_archive_once(tmp_path: Path) -> None:
    write_voxforge(tmp_path)
    other = tmp_path / "SpeechCorpus" / TREE
    for name in ("en0-20100203-abc", "new-20100203-abc"):
        write_archive(other / f"{name}.tgz", [f"{name}/wav/a{i}.wav" for i in range(2)])
    english = [r for r in load(NAME, tmp_path).recordings if r.labels["language"] == "en"]
    assert len(english) == 22
    assert {r.path.parents[4].name for r in english if r.speaker == "new"} == {"SpeechCorpus"}


def test_other_languages_and_other_files_are_left_out(tmp_path: Path) -> None:
    write_voxforge(tmp_path)
    write_archive(tmp_path / "nl" / TREE / "a-20100203-abc.tgz", ["a/wav/a.wav"])
    write_archive(tmp_path / "en" / TREE / "a-20100203-abc.tgz", ["a/flac/a.flac"])
    (tmp_path / "en" / TREE / "index.html").touch()
    assert len(load(NAME, tmp_path).recordings) == 120


def test_upper_case_names_are_read(tmp_path: Path) -> None:
    write_voxforge(tmp_path)
    write_archive(tmp_path / "en" / TREE / "EN0-20100203-ABC.TGZ", ["E/WAV/A.WAV"])
    assert "en~EN0-20100203-ABC~A.WAV" in {r.clip_id for r in load(NAME, tmp_path).recordings}


def test_folders_that_wget_leaves_are_found(tmp_path: Path) -> None:
    write_voxforge(tmp_path / "www.repository.voxforge1.org" / "downloads")
    assert len(load(NAME, tmp_path).recordings) == 120


def test_links_in_an_archive_are_not_followed(tmp_path: Path) -> None:
    write_voxforge(tmp_path)
    secret = write_audio(tmp_path / "secret.wav")
    with tarfile.open(tmp_path / "en" / TREE / "x-20100203-abc.tgz", "w:gz") as tar:
        link = tarfile.TarInfo("x/wav/link.wav")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        tar.addfile(link)
        tar.add(secret, "../../wav/outside.wav")
    clips = {r.clip_id: r for r in load(NAME, tmp_path).recordings if r.speaker == "x"}
    assert list(clips) == ["en~x-20100203-abc~outside.wav"]
    assert read(clips["en~x-20100203-abc~outside.wav"]) == ramp(0.01).tolist()
    assert not list(tmp_path.rglob("outside.wav"))


def test_another_sampling_rate_is_told_with_archive_and_file(tmp_path: Path) -> None:
    tree = write_voxforge(tmp_path) / "fr" / TREE
    write_archive(tree / "fr0-20100203-abc.tgz", ["x/wav/a.wav"], rate_hz=8_000)
    (warning,) = load(NAME, tmp_path).warnings
    assert "fr0-20100203-abc.tgz/x/wav/a.wav is sampled at 8,000 Hz, not 16,000" in warning


def test_official_list_decides_which_archives_count(tmp_path: Path) -> None:
    write_voxforge(tmp_path)
    urls = [
        f"www.repository.voxforge1.org/downloads/{language}/{TREE}/{language}{i}-20100203-abc.tgz"
        for language in LANGUAGES
        for i in range(9)
    ]
    file = tmp_path / "voxforge_urls.txt"
    file.write_text("".join(f'"{url}"\r\n' for url in urls), encoding="utf-8")
    assert len(load(NAME, tmp_path).recordings) == 108


def test_listed_archive_that_is_missing_is_named(tmp_path: Path, complaint: Complaint) -> None:
    write_voxforge(tmp_path)
    url = f"http://www.repository.voxforge1.org/downloads/de/{TREE}/gone-20100203-abc.tgz"
    (tmp_path / "voxforge_urls.txt").write_text(f"{url}\n", encoding="utf-8")
    told = complaint(NAME, tmp_path)
    assert f"lacks 1 of the 1 archives of voxforge_urls.txt, {url} for one" in told


def test_missing_language_is_named(tmp_path: Path, complaint: Complaint) -> None:
    write_voxforge(tmp_path)
    (tmp_path / "it").rename(tmp_path / "xx")
    (tmp_path / "de").rename(tmp_path / "yy")
    told = complaint(NAME, tmp_path)
    assert f"{tmp_path} holds no archives of de, it: fetch http" in told


@pytest.mark.parametrize("kept_bytes", [0, 100, -100])
def test_archive_that_is_cut_off_is_named(
    tmp_path: Path, complaint: Complaint, kept_bytes: int
) -> None:
    archive = write_voxforge(tmp_path) / "es" / TREE / "es4-20100203-abc.tgz"
    archive.write_bytes(archive.read_bytes()[:kept_bytes])
    assert "es4-20100203-abc.tgz cannot be read (" in complaint(NAME, tmp_path)
