"""`aloe label` with a pipe for its standard input, and what became of the task."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.e2e.conftest import CommandLine, Done


def label(
    aloe: CommandLine, task: str, lines: str | io.TextIOBase, *options: object
) -> tuple[Done, Any]:
    done = aloe.run("label", task, "--no-play", "--json", *options, stdin=lines)
    return done, json.loads(done.stdout)


def counts(aloe: CommandLine, task: str) -> dict[str, int]:
    found = aloe.json("task", "show", task)["task"]["clip_counts"]
    return {name: found[name] for name in ("labeled", "abstained", "leased", "unlabeled")}


def exported(aloe: CommandLine, task: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(aloe.output("export", task))))


def asked(done: Done) -> list[str]:
    """The clips that were asked about, in order."""
    return re.findall(r"^tone\d\d", done.stderr, re.MULTILINE)


class Script(io.StringIO):
    """Lines of a pipe; before some of them, by number, something happens."""

    def __init__(self, lines: str, events: Mapping[int, Callable[[], object]]) -> None:
        super().__init__(lines)
        self._events = dict(events)

    def readline(self, *_: Any) -> str:  # type: ignore[override]
        line = self.getvalue()[: self.tell()].count("\n")
        self._events.pop(line, lambda: None)()
        return super().readline()
