"""A table, and how it is written in Markdown, LaTeX and CSV."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aloe.bench.report.intervals import Estimate

MISSING, _MINUS = "–", "−"


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a table."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below columns; the first text_column_count columns name the row."""

    name: str
    """Of its files."""
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    text_column_count: int = 1


def cells(*texts: str) -> tuple[Cell, ...]:
    """Make a row of plain cells."""
    return tuple(Cell(text) for text in texts)


def estimate_text(estimate: Estimate | None, scale: float = 1, digits: int = 1) -> str:
    """Write an estimate with its interval, as in 60.2 [59.1, 61.3]."""
    if estimate is None:
        return MISSING
    value = number_text(estimate.value * scale, digits)
    if estimate.low is None or estimate.high is None:
        return value
    low, high = (number_text(bound * scale, digits) for bound in (estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def percent_text(estimate: Estimate | None) -> str:
    """Write an estimate of a part of one in percent, without the sign."""
    return estimate_text(estimate, 100)


def number_text(value: float, digits: int) -> str:
    """Write a number with a true minus sign, and never minus zero."""
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", _MINUS)


def signed_text(value: float, digits: int) -> str:
    """Write a number with its sign, plus for zero."""
    text = number_text(value, digits)
    return text if text.startswith(_MINUS) else f"+{text}"


def p_text(p_value: float) -> str:
    """Write a p value."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def to_markdown(table: Table) -> str:
    """Write a table in GitHub's Markdown."""
    rule = [":--"] * table.text_column_count
    rule += ["--:"] * (len(table.columns) - table.text_column_count)
    rows = [[_markdown(cell.text, strong=cell.strong) for cell in row] for row in table.rows]
    lines = [[_markdown(name) for name in table.columns], rule, *rows]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join([f"**{_markdown(table.title)}**", body, *table.notes]) + "\n"


def to_latex(table: Table) -> str:
    """Write a table in LaTeX, for the package booktabs."""
    alignment = "l" * table.text_column_count
    alignment += "r" * (len(table.columns) - table.text_column_count)
    rows = [[_latex(cell.text, strong=cell.strong) for cell in row] for row in table.rows]
    notes = [rf"\par\footnotesize {_latex(note)}" for note in table.notes]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(table.title)}}}",
            rf"\label{{tab:{table.name}}}",
            rf"\begin{{tabular}}{{{alignment}}}",
            r"\toprule",
            _latex_row([_latex(name) for name in table.columns]),
            r"\midrule",
            *map(_latex_row, rows),
            r"\bottomrule",
            r"\end{tabular}",
            *notes,
            r"\end{table}",
            "",
        ]
    )


def to_csv(table: Table) -> str:
    """Write the columns and rows of a table as CSV (RFC 4180, but with plain line ends)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([cell.text for cell in row] for row in table.rows)
    return out.getvalue()


_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": "$<$",
        ">": "$>$",
        "≥": r"$\geq$",
        "≤": r"$\leq$",
        "≈": r"$\approx$",
        "÷": r"$\div$",
        _MINUS: "$-$",
        MISSING: "--",
    }
)


def _latex(text: str, *, strong: bool = False) -> str:
    escaped = text.translate(_LATEX)
    return rf"\textbf{{{escaped}}}" if strong else escaped


def _latex_row(texts: Sequence[str]) -> str:
    # Braces keep a cell that begins with a bracket from being read as an option of the line break.
    return " & ".join(f"{{{text}}}" if text.startswith("[") else text for text in texts) + r" \\"


def _markdown(text: str, *, strong: bool = False) -> str:
    for sign in "\\|*_<":
        text = text.replace(sign, f"\\{sign}")
    return f"**{text}**" if strong else text


WRITERS: dict[str, Callable[[Table], str]] = {
    ".md": to_markdown,
    ".tex": to_latex,
    ".csv": to_csv,
}
"""By file ending."""
