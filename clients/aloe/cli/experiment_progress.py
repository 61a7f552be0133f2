"""What the commands that do experiments have in common."""

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import Progress

from aloe.cli.console import CommandError, notes


class Bars:
    """A progress bar for everything that an experiment begins."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar

    def begin(self, what: str, total: int) -> Callable[[], None]:
        row = self._bar.add_task(what, total=total)
        return lambda: self._bar.advance(row)

    def note(self, text: str) -> None:
        notes.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def needing_bench() -> Iterator[None]:
    """Say how to install what an import lacks: pyarrow and others come with an extra."""
    try:
        yield
    except ImportError as error:
        raise CommandError(f"no {error.name}: pip install 'aloe-speech[bench]'") from error
