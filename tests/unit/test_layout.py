"""What holds the three source roots together as one namespace."""

import importlib.metadata
import importlib.util
import re
import tomllib
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


def test_the_pictures_of_the_architecture_page_are_the_rules():
    """Each block "```floors CONTAINER" of it against the layers of the import contracts."""
    page = (ROOT / "ARCHITECTURE.md").read_text()
    drawn = {
        container.strip(): floors.split()
        for container, floors in re.findall(r"```floors(.*)\n([^`]*)```", page)
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    rules = {
        "".join(contract.get("containers", [])): " ".join(contract["layers"]).split()
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    }
    assert drawn == rules
