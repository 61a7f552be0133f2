"""The folder of an experiment: finished runs in files of their own, and all of them in one.

experiment.toml    what was asked for
runs/ID.parquet    a run, once it is complete
results.parquet    all runs, once all are complete
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from aloe.bench.datasets.recording import clip_id_of
from aloe.bench.results import old_names, provenance, schema
from aloe.bench.results.rows import Row
from aloe.bench.spec import ExperimentError, Spec
from aloe.bench.spec.growth import check_extends
from aloe.bench.spec.toml import make_spec, read_table, to_toml

_CORPUS_KEY = b"aloe.corpus"
_PROCESS_KEY = b"aloe.process"


class ExperimentFolder:
    """An experiment's folder, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None
        self._process = provenance.about_process()

    def __enter__(self) -> Self:
        (self.path / "runs").mkdir(parents=True, exist_ok=True)
        self._lock = (self.path / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ExperimentError(
                f"another experiment runs in {self.path}; wait for it, or give another --output"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock:
            self._lock.close()

    @property
    def results_file(self) -> Path:
        return self.path / schema.RESULTS_FILE

    def adopt(self, spec: Spec) -> None:
        """Write down the experiment, which has every run of the one that was here before.

        Raises:
            ExperimentError: it has not.
        """
        file = self.path / "experiment.toml"
        if file.exists():
            before = _spec_in(file)
            check_extends(before, spec, self.path)
        write_atomically(file, lambda out: out.write(to_toml(spec).encode()))

    def is_there(self, run: Row) -> bool:
        """Return whether a run is complete, on whatever clips."""
        return self._run_file(run).exists()

    def has_run(self, run: Row, corpus_digest: str) -> bool:
        """Return whether a run is complete.

        Raises:
            ExperimentError: it is complete, but was made on other clips, labels or embeddings.
        """
        file = self._run_file(run)
        if not file.exists():
            return False
        with _reading(file):
            opened = pq.ParquetFile(file)
            digest = (opened.schema_arrow.metadata or {}).get(_CORPUS_KEY)
            (share,) = set(old_names.read(opened, ["audit_share"])["audit_share"].to_pylist())
        if digest != corpus_digest.encode():
            raise ExperimentError(
                f"{file} was made from other clips, labels or embeddings than {run['dataset']} has"
                f" now under {run['encoder']}; give another --output"
            )
        if share != run["audit_share"]:
            raise ExperimentError(
                f"{file} was made by an earlier version, with {share:g} of the picks at random;"
                " give another --output"
            )
        return True

    def write_run(self, run: Row, table: pa.Table, corpus_digest: str) -> None:
        """Keep a complete run, and what made it."""
        process = json.dumps(self._process, ensure_ascii=False).encode()
        table = table.replace_schema_metadata(
            {_CORPUS_KEY: corpus_digest.encode(), _PROCESS_KEY: process}
        )
        write_atomically(self._run_file(run), lambda out: pq.write_table(table, out))

    def write_results(self, runs: Iterable[Row], metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Put runs, all complete, into the one file.

        Args:
            runs: which.
            metadata: to be kept with them, beside the versions and machines that made them.

        Returns:
            All the metadata.
        """
        tables, processes = [], []
        for file in map(self._run_file, runs):
            with _reading(file):
                table = old_names.read(pq.ParquetFile(file), schema.SCHEMA.names)
                process = (table.schema.metadata or {}).get(_PROCESS_KEY, b"{}")
                processes.append(dict(json.loads(process)))
            tables.append(table)
        whole_metadata = {**metadata, **provenance.merged(processes)}
        about = {schema.METADATA_KEY: json.dumps(whole_metadata, ensure_ascii=False).encode()}
        whole = pa.concat_tables([table.replace_schema_metadata(about) for table in tables])
        write_atomically(self.results_file, lambda out: pq.write_table(whole, out))
        return whole_metadata

    def _run_file(self, run: Row) -> Path:
        """Return the file of a run; its name is that of an earlier version where one wrote it."""
        old = self._file_named_after(old_names.old_run(run))
        return old if old.exists() else self._file_named_after(run)

    def _file_named_after(self, run: Row) -> Path:
        # A value that was the only one is left out, as before there were others.
        parts = [
            str(run[each])
            for each in schema.RUN_COLUMNS
            if run[each] != old_names.ONLY_VALUES.get(each)
        ]
        return self.path / "runs" / f"{clip_id_of('/'.join(parts))}.parquet"


def write_atomically(file: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file that is there whole or not at all, whenever this process is killed."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    with unfinished.open("wb") as out:
        write(out)
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)


def _spec_in(file: Path) -> Spec:
    table = read_table(file)
    try:
        return make_spec(old_names.todays_table(table))
    except ExperimentError as error:
        raise ExperimentError(f"{file}: {error}; mend it, or give another --output") from error


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Tell of a file of a run that is damaged."""
    try:
        yield
    except (OSError, pa.ArrowException, LookupError, TypeError, ValueError) as error:
        raise ExperimentError(f"{file} cannot be read; remove it, to do it again") from error
