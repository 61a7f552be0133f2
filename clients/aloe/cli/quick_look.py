"""An experiment in a temporary folder: what it found is read, and nothing of it stays."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from aloe.bench.datasets import Dataset
from aloe.bench.report import ReportError
from aloe.bench.report.analysis import SettingFigures, analyze
from aloe.bench.report.figures import check_picture_name, write_picture
from aloe.bench.report.runs import Results, read_results
from aloe.bench.run.experiment import Means, OnRun, nothing_on_run, run_experiment
from aloe.bench.spec import Spec
from aloe.cli.console import CommandError, progress
from aloe.cli.experiment_progress import Bars
from aloe.cli.up import end_on_sigterm, start_stack
from aloe.local import LocalStack, StackOptions


@dataclass(frozen=True, slots=True)
class QuickLook:
    """What an experiment found."""

    results: Results
    figures: tuple[SettingFigures, ...]
    """One for each task."""

    def draw(self, path: Path) -> None:
        """Draw the learning curves of every task."""
        with _one_line():
            write_picture(self.figures, self.results, path)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that is gone at the end, also after Ctrl-C or SIGTERM."""
    end_on_sigterm()
    with TemporaryDirectory(prefix="aloe-") as folder:
        yield Path(folder)


def look(
    spec: Spec,
    datasets: Mapping[str, Dataset],
    folder: Path,
    options: StackOptions,
    *,
    server: str = "",
    on_run: OnRun = nothing_on_run,
    skip_bad: bool = False,
) -> QuickLook:
    """Do an experiment on services that run for it alone.

    Args:
        spec: what to do.
        datasets: short name to data set.
        folder: an empty one; the caller removes it.
        options: the services, which embed as well as learn.
        server: host:port of a learner to use instead of one that is started.
        on_run: told of each run that is done, while its task is still there.
        skip_bad: leave out clips that cannot be heard.
    """
    with ExitStack() as ending:

        @cache
        def stack() -> LocalStack:
            return ending.enter_context(start_stack(options))

        means = Means(
            embeddings=folder / "embeddings",
            # One stack, started when it is first asked for, does the work of all.
            start_stack=lambda _: nullcontext(stack()),
            server=server,
            on_run=on_run,
            skip_bad=skip_bad,
        )
        with progress() as bar:
            run_experiment(spec, datasets, folder, means, Bars(bar))
    results = read_results(folder)
    return QuickLook(results, analyze(results, levels=()).settings)


def check_plot(path: Path | None) -> None:
    """Check, before anything is done, that a picture can have the name that is asked for."""
    if path is not None:
        with _one_line():
            check_picture_name(path)


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except ReportError as error:
        raise CommandError(str(error)) from error
