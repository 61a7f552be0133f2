"""Files are found by as much of their paths as a table tells of them."""

import pytest

from aloe.cli.console import CommandError
from aloe.cli.path_ends import PathEnds, told_apart
from aloe.cli.window_tables import _file_names

FILES = {
    1: {"file:///data/x/night.wav"},
    2: {"file:///data/y/night.wav"},
    3: {"s3://bucket/y/day%201.flac"},
    4: {"file:///other/x/night.wav"},
}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("/data/x/night.wav", [1]),
        ("file:///data/x/night.wav", [1]),
        ("/data/../data/x/night.wav", [1]),
        ("data/x/night.wav", [1]),
        ("data\\x\\night.wav", [1]),
        ("y/night.wav", [2]),
        ("y/night", [2]),
        ("./y/night", [2]),
        ("x/night.wav", [1, 4]),
        ("night.wav", [1, 2, 4]),
        ("y/day 1.flac", [3]),
        ("day%201", [3]),
        ("ght.wav", []),
        ("z/night.wav", []),
        ("x/night.flac", []),
        ("", []),
    ],
)
def test_the_more_is_said_the_fewer_are_meant(said: str, found: list[int]):
    assert PathEnds(FILES.items()).find(said) == found


def test_a_path_that_is_said_whole_is_that_one():
    ends = PathEnds({1: {"night.wav"}, 2: {"x/night.wav"}}.items())
    assert ends.find("night.wav") == [1]


def test_what_may_be_meant_is_told():
    assert told_apart("abcde") == "it may be any of a, b, c and 2 more: write more of its path"


@pytest.mark.parametrize(
    ("recordings", "names"),
    [
        (["/data/x/night.wav", "/data/y/day.wav"], ["night", "day"]),
        (["/data/x/night.wav", "/data/y/night.wav"], ["x~night", "y~night"]),
        (["/data/x/night.wav", "/data/x/Night.flac"], ["night.wav", "Night.flac"]),
        (["/a/x/night.wav", "/b/x/night.wav"], ["a~x~night", "b~x~night"]),
        (["night", "/night"], None),
    ],
)
def test_tables_are_named_as_shortly_as_tells_them_apart(
    recordings: list[str], names: list[str] | None
):
    if names is None:
        with pytest.raises(CommandError, match="two recordings would have one table: night"):
            _file_names(recordings)
    else:
        assert list(_file_names(recordings).values()) == names
