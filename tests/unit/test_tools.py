"""The tools below tests/, which a plain user of `deploy/demo.sh` may run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = [
    "tests.benchmarks.decoding",
    "tests.benchmarks.embedding",
    "tests.benchmarks.labeling",
    "tests.benchmarks.learner",
    "tests.benchmarks.pool_predictions",
    "tests.benchmarks.recordings",
    "tests.benchmarks.round_trips",
    "tests.benchmarks.searching",
    "tests.chaos",
    "tests.chaos.store_faults",
    "tests.fuzz.decoding",
    "tests.fuzz.protocol",
    "tests.load.idle",
    "tests.load.overload",
    "tests.load.stalled_imports",
]


@pytest.mark.slow
def test_tools_need_nothing_of_the_extra_dev():
    """What `pip install '.[all]'` does not bring is missing to them here."""
    modules = [each if each != "tests.chaos" else "tests.chaos.__main__" for each in TOOLS]
    program = (
        "import importlib, sys\n"
        "for each in ('pytest', 'hypothesis', 'nbclient', 'xdist', 'grpc_tools'):\n"
        "    sys.modules[each] = None\n"
        "for each in sys.argv[1:]:\n"
        "    importlib.import_module(each)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *modules],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_tool_has_its_line_in_the_readme():
    told = (ROOT / "tests/benchmarks/README.md").read_text()
    assert [each for each in TOOLS if f"python -m {each} " not in told] == []
