"""Experiments on the services of a stack that runs, for tests."""

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aloe.bench.results import schema
from aloe.bench.run.experiment import Means, load_datasets, run_experiment
from aloe.bench.spec.toml import make_spec
from aloe.local import LocalStack, StackOptions

FIXED = [name for name in schema.SCHEMA.names if name not in schema.TIME_COLUMNS]


@dataclass
class Bench:
    """Does experiments on the services of a stack that runs."""

    stack: LocalStack
    table: dict[str, Any]
    embeddings: Path
    started: list[StackOptions] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)
    skip_bad: bool = False
    on_step: Callable[[], object] = int
    """Called at every step; does nothing."""

    def run(self, output: Path, **changes: Any) -> pa.Table:
        means = Means(self.embeddings, start_stack=self.start, skip_bad=self.skip_bad)
        spec = make_spec(self.table | changes)
        file = run_experiment(spec, load_datasets(spec), output, means, self)
        return pq.read_table(file)

    def start(self, options: StackOptions) -> nullcontext[LocalStack]:
        self.started.append(options)
        return nullcontext(self.stack)

    def begin(self, what: str, total: int) -> Callable[[], None]:
        self.steps[what] -= total

        def step() -> None:
            self.steps.update([what])
            self.on_step()

        return step

    def note(self, text: str) -> None:
        self.notes.append(text)


def fixed(table: pa.Table) -> pa.Table:
    """Everything that the seeds decide."""
    return table.select(FIXED)
