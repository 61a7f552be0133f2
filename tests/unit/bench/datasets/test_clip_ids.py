import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.bench.datasets.recording import clip_id_of
from aloe.wire.names import ID_PATTERN

paths = st.text(st.sampled_from("ab_-.~/ é"), min_size=1, max_size=8) | st.text(min_size=1)


@pytest.mark.parametrize("path", ["a.wav", "yes/1.wav", "a-b/c_d.e/0.wav", "_x/y.wav", "x" * 128])
def test_plain_path_stays_readable(path: str) -> None:
    assert clip_id_of(path) == path.replace("/", "~")


@pytest.mark.parametrize("path", ["-a.wav", "../a.wav", "a b.wav", "a~b.wav", "ä.wav", "x" * 129])
def test_other_path_gets_its_hash(path: str) -> None:
    assert clip_id_of(path)[-13] == "-"


def test_hash_keeps_the_readable_start() -> None:
    assert clip_id_of("cafe/x y.wav").startswith("cafe~x_y.wav-")


@given(paths)
def test_every_path_becomes_an_id(path: str) -> None:
    assert ID_PATTERN.fullmatch(clip_id_of(path))


@given(paths, paths)
def test_different_paths_get_different_ids(one: str, other: str) -> None:
    assert (clip_id_of(one) == clip_id_of(other)) == (one == other)
