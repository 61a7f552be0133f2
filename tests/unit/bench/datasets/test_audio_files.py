"""Which files of a folder are audio, and which are told not to be."""

from aloe.bench.datasets.audio_files import audio_below


def test_audio_is_found_by_every_ending_that_is_decoded(put):
    names = ["a.wav", "b/c.AIFF", "b/d.w64", "e.au", "f.caf", "g.opus", "h.mp3"]
    root = put(*names)
    found = audio_below(root)
    assert [path.relative_to(root).as_posix() for path in found.files] == sorted(names)
    assert not found.others


def test_what_is_no_audio_is_counted_by_its_ending(put):
    found = audio_below(put("a.wav", "b.txt", "c/d.TXT", "e.mid", "README"))
    assert [path.name for path in found.files] == ["a.wav"]
    assert found.others == {".txt": 2, ".mid": 1, "": 1}


def test_hidden_files_and_folders_are_left_alone(put):
    found = audio_below(put("a.wav", "._a.wav", ".DS_Store", ".git/b.wav", "c/.d/e.wav"))
    assert [path.name for path in found.files] == ["a.wav"]
    assert not found.others
