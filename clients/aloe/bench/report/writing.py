"""From the folder of an experiment to the folder of its report."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aloe.bench.report.analysis import (
    ArmEstimates,
    ArmOverall,
    Figures,
    GroupFigures,
    SettingFigures,
    analyze,
    runs_of,
)
from aloe.bench.report.arms import NoSuchArm
from aloe.bench.report.estimate_tables import accept_table, estimate_table
from aloe.bench.report.estimates import estimate_errors
from aloe.bench.report.figures import AXES, write_learning_curves
from aloe.bench.report.findings import Findings, findings_of
from aloe.bench.report.label_tables import label_table, overall_table
from aloe.bench.report.overall_figures import write_curves_of_arms, write_forest
from aloe.bench.report.overall_starts import OverallStart
from aloe.bench.report.overview import estimates_part, starts_part
from aloe.bench.report.page import Page, Part, Picture, Section, render, title_of
from aloe.bench.report.panels import spoken
from aloe.bench.report.paper import paper_tables
from aloe.bench.report.runs import ReportError, Results, read_results
from aloe.bench.report.setting_tables import (
    difference_table,
    stop_table,
    strategy_table,
    win_table,
)
from aloe.bench.report.start_tables import class_table, random_table
from aloe.bench.report.table import WRITERS, Table

LEVELS = (0.9, 0.95, 0.99)
"""Parts of the ceiling."""
_MAX_SLUG_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Report:
    """What was found and where it was written."""

    page: Path
    findings: tuple[Findings, ...]
    baseline: str
    """What labels needed are compared with, as --baseline takes it; empty without runs."""
    settings: tuple[SettingFigures, ...]
    overall: tuple[ArmOverall, ...]
    starts: tuple[OverallStart, ...]
    """How arms begin beside random picks, over all settings."""
    estimates: tuple[ArmEstimates, ...]
    """How right heads say that they are, over all settings."""
    overview: tuple[Table, ...]
    """Labels needed, over all settings where there are several and in each; how arms begin, and how
    right heads say that they are, over all settings."""
    paper: tuple[Table, ...]
    metadata: Mapping[str, Any]


def write_report(
    folder: Path, output: Path, levels: Sequence[float] = LEVELS, baseline: str = ""
) -> Report:
    """Write index.html, figures/*.svg and *.png, tables/*.md, *.tex and *.csv.

    The same results file gives the same bytes.

    Args:
        folder: of the experiment, with its results file.
        output: the folder to write to; files of the same names are replaced.
        levels: parts of the ceiling, 0 to 1, whose labels to reach are wanted.
        baseline: the arm that labels needed are compared with, as baseline_of reads it; by default
            the paper's recipe.

    Raises:
        ReportError: there are no usable results, or no such baseline, or the folder cannot be
            written.
    """
    results = read_results(folder)
    try:
        figures = analyze(results, levels, baseline)
    except NoSuchArm as error:
        raise ReportError(f"baseline {error}") from error
    try:
        for name in ("figures", "tables"):
            (output / name).mkdir(parents=True, exist_ok=True)
        paper = paper_tables(figures.settings)
        overview = tuple(_overview(figures, results, output / "figures"))
        sections = tuple(_sections(figures, results, output / "figures"))
        for table in (*paper, *_tables_of(overview), *_tables_of(sections)):
            _write_table(table, output / "tables")
        findings = tuple(findings_of(figures))
        title = title_of([each.setting.dataset for each in figures.settings])
        path = output / "index.html"
        page = Page(title, findings, paper, overview, sections, results.metadata)
        path.write_text(render(page), encoding="utf-8")
    except OSError as error:
        raise ReportError(f"cannot write the report to {output}: {error.strerror}") from error
    return Report(
        page=path,
        findings=findings,
        baseline=figures.baseline.name if figures.baseline else "",
        settings=figures.settings,
        overall=figures.overall,
        starts=figures.starts,
        estimates=figures.estimates,
        overview=tuple(_tables_of(overview)),
        paper=paper,
        metadata=results.metadata,
    )


def _overview(figures: Figures, results: Results, folder: Path) -> Iterator[Section]:
    """Yield what is said over all settings, as far as there is anything."""
    for name, title, part in (
        ("labels", "Labels needed", _labels_part(figures, folder)),
        ("starts", "From the first labels on", starts_part(figures, folder)),
        (
            "estimates",
            "How right heads say that they are",
            estimates_part(figures, results.max_expected_error, folder),
        ),
    ):
        if part.tables:
            yield Section(name, title, (part,))


def _labels_part(figures: Figures, folder: Path) -> Part:
    drawn = {
        "Test accuracy against labels, mean of each arm": write_curves_of_arms(
            figures, folder / "arms"
        ),
        f"Labels needed, as part of those of {spoken(figures.baseline_name)}": write_forest(
            figures, folder / "labels"
        ),
    }
    several = sum(bool(each.groups) for each in figures.settings) > 1
    tables = [overall_table(figures)] if several and figures.overall else []
    taken: set[str] = set()
    tables += [
        label_table(each, figures, _unused(f"labels-{_slug(each.setting.title)}", taken))
        for each in figures.settings
        if each.groups
    ]
    pictures = tuple(Picture(caption, svg) for caption, svg in drawn.items() if svg)
    return Part("labels needed", pictures, tuple(tables))


def _sections(figures: Figures, results: Results, folder: Path) -> Iterator[Section]:
    taken: set[str] = set()
    for each in figures.settings:
        title = each.setting.title
        name = _unused(_slug(title), taken)
        if not each.groups:
            continue
        parts = [_group_part(each, group, results, folder, name) for group in each.groups]
        if each.selection_rule_comparisons:
            table = difference_table(
                each.selection_rule_comparisons,
                f"{name}-selection-rules",
                "Area class-aware minus class-agnostic, at equal label counts",
            )
            parts.append(Part("class-aware against class-agnostic", (), (table,)))
        yield Section(name, title, tuple(parts))


def _group_part(
    figures: SettingFigures, group: GroupFigures, results: Results, folder: Path, name: str
) -> Part:
    name = f"{name}-{_slug(group.name)}"
    runs = runs_of(results, figures.setting, group)
    pictures = [
        Picture(f"{figures.setting.title}: {group.name}, against {axis.name}", svg)
        for axis in AXES
        if (svg := write_learning_curves(figures, group, runs, axis, folder / name))
    ]
    tables = [strategy_table(group, f"{name}-strategies")]
    if group.against_random:
        tables.append(random_table(group, f"{name}-against-random"))
    if any(each.classes_seen for each in group.strategies):
        tables.append(class_table(group, f"{name}-classes"))
    if len(group.comparisons) > 1:
        tables.append(win_table(group, f"{name}-wins"))
    errors = [error for each, own in runs.items() for error in estimate_errors(each, [own])]
    if errors:
        tables.append(estimate_table(errors, group.name, f"{name}-estimates"))
    accepted = accept_table(errors, results.max_expected_error, group.name, f"{name}-accepted")
    if accepted is not None:
        tables.append(accepted)
    if group.stops:
        tables.append(stop_table(group, f"{name}-stops"))
    return Part(group.name, tuple(pictures), tuple(tables))


def _tables_of(sections: Sequence[Section]) -> Iterator[Table]:
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
