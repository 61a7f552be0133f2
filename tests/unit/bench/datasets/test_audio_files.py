"""Which files of a folder are audio, and which are told not to be."""

import pytest

from aloe.bench.datasets.audio_files import audio_below
from aloe.cli.clips import _new_clips
from aloe.cli.console import CommandError
from aloe.cli.options import audio_files


@pytest.fixture
def folder(tmp_path):
    def put(*names: str):
        for name in names:
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")
        return tmp_path

    return put


def test_audio_is_found_by_every_ending_that_is_decoded(folder):
    names = ["a.wav", "b/c.AIFF", "b/d.w64", "e.au", "f.caf", "g.opus", "h.mp3"]
    root = folder(*names)
    found = audio_below(root)
    assert [path.relative_to(root).as_posix() for path in found.files] == sorted(names)
    assert not found.others


def test_what_is_no_audio_is_counted_by_its_ending(folder):
    found = audio_below(folder("a.wav", "b.txt", "c/d.TXT", "e.m4a", "README"))
    assert [path.name for path in found.files] == ["a.wav"]
    assert found.others == {".txt": 2, ".m4a": 1, "": 1}


def test_hidden_files_and_folders_are_left_alone(folder):
    found = audio_below(folder("a.wav", "._a.wav", ".DS_Store", ".git/b.wav", "c/.d/e.wav"))
    assert [path.name for path in found.files] == ["a.wav"]
    assert not found.others


def test_what_a_command_leaves_alone_is_told(folder, capsys):
    root = folder("x/a.wav", "x/b.m4a", "y/c.m4a")
    assert [name for _, name in audio_files([root / "x", root / "y"])] == ["a.wav"]
    assert "left alone by their endings: 2 .m4a" in capsys.readouterr().err
    with pytest.raises(CommandError, match="no audio files in"):
        audio_files([root / "y"])


def test_two_files_that_would_be_one_clip_are_both_named(folder):
    root = folder("x/a.wav", "y/a.wav")
    with pytest.raises(CommandError, match=r"x/a\.wav and .*y/a\.wav .*--id-prefix"):
        _new_clips(audio_files([root / "x", root / "y"]), "")
    assert [clip.clip_id for clip in _new_clips(audio_files([root / "y"]), "y-")] == ["y-a.wav"]


def test_a_file_that_is_named_twice_is_one_clip(folder):
    root = folder("a.wav")
    assert len(_new_clips(audio_files([root, root / "a.wav"]), "")) == 1
