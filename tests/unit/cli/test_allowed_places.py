"""What `aloe up` says of the places whose audio clients may name."""

from pathlib import Path

import pytest

from aloe.cli.up import is_missing_folder


@pytest.mark.parametrize(
    ("form", "space"), [("{}", " "), ("file://{}/", "%20"), ("file://localhost{}", "%20")]
)
def test_a_folder_that_is_not_there_is_told_from_one_that_is(form: str, space: str, tmp_path: Path):
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a file").touch()
    assert not is_missing_folder(form.format(f"{tmp_path}/a{space}folder"))
    assert is_missing_folder(form.format(f"{tmp_path}/a{space}file"))
    assert is_missing_folder(form.format(f"{tmp_path}/nothing"))


@pytest.mark.parametrize("place", ["https://example.org/nothing/", "s3://bucket/nothing/"])
def test_what_is_elsewhere_is_not_looked_for(place: str):
    assert not is_missing_folder(place)
