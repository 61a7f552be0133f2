"""A running ALOE and its command line, as a user has them."""

import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.e2e.experiments import Bench
from tests.rpc.learner.recordings import encoded, tone
from tests.rpc.stacks import running_stack

from aloe.bench.datasets.synthesis import synthesize
from aloe.cli.__main__ import run as run_aloe
from aloe.client import LearnerClient, NewClip, connect
from aloe.local import LocalStack, StackOptions


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    with running_stack(StackOptions()) as running:
        yield running


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class CommandLine:
    """`aloe` on a server, as the oracle "ann"; in this process, which saves its start."""

    server: str

    def run(self, *arguments: object, stdin: str | io.TextIOBase = "") -> Done:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setenv("ALOE_SERVER", self.server)
            patch.setenv("ALOE_ORACLE", "ann")
            given = io.StringIO(stdin) if isinstance(stdin, str) else stdin
            patch.setattr(sys, "stdin", given)
            code = run_aloe([str(argument) for argument in arguments])
        return Done(code, out.getvalue(), err.getvalue())

    def output(self, *arguments: object, stdin: str = "") -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: object) -> Any:
        return json.loads(self.output(*arguments, "--json"))

    def new_task(self, pool: str, name: str, *options: object) -> str:
        """Create a task on vowels; names are those of the whole session."""
        classes = ("--classes", "a,e,i,o,u")
        self.output("task", "create", name, "--pool", pool, *classes, *options)
        return name


@pytest.fixture(scope="session")
def aloe(stack: LocalStack) -> CommandLine:
    return CommandLine(stack.learner_address)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few spoken vowels, one folder per vowel."""
    folder = tmp_path_factory.mktemp("recordings")
    for clip in synthesize(5, 30):
        path = folder / clip.vowel / f"{clip.clip_id}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, (clip.samples * 32767).astype(np.int16), 16_000)
    return folder


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embeddings")


@pytest.fixture
def bench(stack: LocalStack, recordings: Path, embeddings: Path) -> Bench:
    table = {
        "datasets": [{"name": str(recordings)}],
        "acquisition_functions": ["smallest_margin", "random"],
        "selection_rules": ["class-aware", "class-agnostic"],
        "seeds": 2,
        "rounds": 3,
        "seed_labels": 1,
    }
    return Bench(stack, table, embeddings)


@pytest.fixture(scope="session")
def learner(stack: LocalStack) -> Iterator[LearnerClient]:
    with connect(stack.learner_address) as client:
        yield client


@pytest.fixture(scope="session")
def tones(learner: LearnerClient) -> str:
    """A pool of twelve tones, whose audio is not kept."""
    learner.create_pool("tones")
    clips = [NewClip(f"tone{n:02d}", encoded(tone(200 + 50 * n))) for n in range(12)]
    assert learner.import_clips("tones", clips).imported_count == 12
    return "tones"


@pytest.fixture
def task(aloe: CommandLine, tones: str, request: pytest.FixtureRequest) -> str:
    name = re.sub(r"\W+", "_", request.node.name)
    return aloe.new_task(tones, name)
