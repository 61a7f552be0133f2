"""Which files a command takes, and the ids that their clips get."""

import pytest

from aloe.cli.clips import _new_clips
from aloe.cli.console import CommandError
from aloe.cli.options import audio_files


def test_what_a_command_leaves_alone_is_told(put, capsys):
    root = put("x/a.wav", "x/b.mp5", "y/c.mp5")
    assert [name for _, name in audio_files([root / "x", root / "y"])] == ["a.wav"]
    assert "left alone by their endings: 2 .mp5" in capsys.readouterr().err
    with pytest.raises(CommandError, match="no audio files in"):
        audio_files([root / "y"])


def test_two_files_that_would_be_one_clip_are_both_named(put):
    root = put("x/a.wav", "y/a.wav")
    with pytest.raises(CommandError, match=r"x/a\.wav and .*y/a\.wav .*--id-prefix"):
        _new_clips(audio_files([root / "x", root / "y"]), "")
    assert [clip.clip_id for clip in _new_clips(audio_files([root / "y"]), "y-")] == ["y-a.wav"]


def test_a_file_that_is_named_twice_is_one_clip(put):
    root = put("a.wav")
    assert len(_new_clips(audio_files([root, root / "a.wav"]), "")) == 1
