"""From the folder of an experiment to the folder of its report."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aloe.bench.report.analysis import SelectionRuleFigures, SettingFigures, analyze, runs_of
from aloe.bench.report.figures import AXES, write_learning_curves
from aloe.bench.report.findings import Findings, findings_of, setting_title
from aloe.bench.report.page import Page, Part, Picture, Section, render, title_of
from aloe.bench.report.paper import paper_tables
from aloe.bench.report.runs import ReportError, Results, read_results
from aloe.bench.report.setting_tables import (
    difference_table,
    function_table,
    label_table,
    stop_table,
    win_table,
)
from aloe.bench.report.table import WRITERS, Table

_MAX_SLUG_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Report:
    """What was found and where it was written."""

    page: Path
    findings: tuple[Findings, ...]
    settings: tuple[SettingFigures, ...]
    paper: tuple[Table, ...]
    metadata: Mapping[str, Any]


def write_report(folder: Path, output: Path, levels: Sequence[float] = (0.9, 0.95)) -> Report:
    """Write index.html, figures/*.svg and *.png, tables/*.md and *.tex.

    The same results file gives the same bytes.

    Args:
        folder: of the experiment, with its results file.
        output: the folder to write to; files of the same names are replaced.
        levels: parts of the ceiling, 0 to 1, whose labels to reach are wanted.

    Raises:
        ReportError: there are no usable results, or the folder cannot be written.
    """
    results = read_results(folder)
    figures = analyze(results, levels)
    try:
        for name in ("figures", "tables"):
            (output / name).mkdir(parents=True, exist_ok=True)
        paper = paper_tables(figures)
        sections = tuple(_sections(figures, results, output / "figures"))
        for table in _every_table(paper, sections):
            _write_table(table, output / "tables")
        findings = tuple(map(findings_of, figures))
        title = title_of([each.setting.dataset for each in figures])
        path = output / "index.html"
        page = Page(title, findings, paper, sections, results.metadata)
        path.write_text(render(page), encoding="utf-8")
    except OSError as error:
        raise ReportError(f"cannot write the report to {output}: {error.strerror}") from error
    return Report(path, findings, figures, paper, results.metadata)


def _sections(
    figures: Sequence[SettingFigures], results: Results, folder: Path
) -> Iterator[Section]:
    taken: set[str] = set()
    for each in figures:
        title = setting_title(each)
        name = _unused(_slug(title), taken)
        if not each.selection_rules:
            continue
        parts = [
            _selection_rule_part(each, group, results, folder, name)
            for group in each.selection_rules
        ]
        if each.selection_rule_comparisons:
            table = difference_table(
                each.selection_rule_comparisons,
                f"{name}-selection-rules",
                "Area class-aware minus class-agnostic, at equal label counts",
            )
            parts.append(Part("class-aware against class-agnostic", (), (table,)))
        yield Section(name, title, tuple(parts))


def _selection_rule_part(
    figures: SettingFigures, group: SelectionRuleFigures, results: Results, folder: Path, name: str
) -> Part:
    name = f"{name}-{group.selection_rule}"
    path = folder / name
    runs = runs_of(results, figures.setting, group.selection_rule)
    pictures = [
        Picture(f"{setting_title(figures)}: {group.selection_rule}, against {axis.name}", svg)
        for axis in AXES
        if (svg := write_learning_curves(figures, group, runs, axis, path))
    ]
    tables = [
        function_table(group, f"{name}-acquisition-functions"),
        label_table(group, f"{name}-labels"),
    ]
    if group.against_random:
        title = f"Area minus random's, {group.selection_rule}"
        tables.append(difference_table(group.against_random, f"{name}-against-random", title))
    if len(group.comparisons) > 1:
        tables.append(win_table(group, f"{name}-wins"))
    if group.stops:
        tables.append(stop_table(group, f"{name}-stops"))
    return Part(group.selection_rule, tuple(pictures), tuple(tables))


def _every_table(paper: Sequence[Table], sections: Sequence[Section]) -> Iterator[Table]:
    yield from paper
    for section in sections:
        for part in section.parts:
            yield from part.tables


def _write_table(table: Table, folder: Path) -> None:
    for suffix, write in WRITERS.items():
        (folder / f"{table.name}{suffix}").write_text(write(table), encoding="utf-8")


def _slug(text: str) -> str:
    """Name files after a text; a long one, as of an oracle with costs, is cut and told by hash."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if len(slug) <= _MAX_SLUG_LENGTH:
        return slug
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{slug[:_MAX_SLUG_LENGTH].rstrip('-')}-{digest}"


def _unused(name: str, taken: set[str]) -> str:
    """Number a name that is taken, and take it."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    taken.add(found)
    return found
