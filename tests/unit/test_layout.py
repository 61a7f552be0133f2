"""What holds the three source roots together as one namespace."""

import importlib.metadata
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = ["protos", "services", "clients"]


@pytest.mark.parametrize("root", SOURCE_ROOTS)
def test_no_source_root_hides_the_others(root):
    """A stray __init__.py in one aloe folder would make it the only one."""
    assert not (ROOT / root / "aloe" / "__init__.py").exists()


@pytest.mark.parametrize("root", SOURCE_ROOTS)
def test_every_package_says_that_it_is_typed(root):
    for package in (ROOT / root / "aloe").iterdir():
        if (package / "__init__.py").exists():
            assert (package / "py.typed").exists(), package


def test_the_namespace_spans_all_roots():
    spec = importlib.util.find_spec("aloe")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    found = {Path(place).parent.name for place in spec.submodule_search_locations}
    assert set(SOURCE_ROOTS) <= found


def test_a_plain_install_needs_neither_tensorflow_nor_redis():
    needed = importlib.metadata.requires("aloe-speech") or []
    plain = [each for each in needed if "extra ==" not in each]
    assert not [each for each in plain if each.startswith(("tensorflow", "redis", "scipy"))]
    learner = [each for each in needed if 'extra == "learner"' in each]
    assert not [each for each in learner if each.startswith("tensorflow")]
