"""The HTML page: one file that needs nothing else, no script and no network."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from aloe.bench.report.findings import Findings
from aloe.bench.report.panels import BASELINE_COLOR, FAINT, INK, PALETTE, PAPER
from aloe.bench.report.table import Table

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of the page."""

    caption: str
    svg: str
    """As matplotlib writes it."""


@dataclass(frozen=True, slots=True)
class Part:
    """What belongs together: figures above their tables."""

    title: str
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One setting of the page."""

    name: str
    """Of its anchor."""
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page."""

    title: str
    findings: tuple[Findings, ...]
    paper: tuple[Table, ...]
    overview: tuple[Section, ...]
    """What is said over all settings, each a section of one part."""
    sections: tuple[Section, ...]
    metadata: Mapping[str, Any]


def render(page: Page) -> str:
    """Write a page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline_svg"] = _inline_svg
    environment.filters["json_text"] = _json_text
    environment.filters["unbroken"] = _unbroken
    style = Markup((_HERE / "page.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return environment.get_template("page.html.j2").render(page=page, style=style)


def _inline_svg(picture: Picture, prefix: str) -> Markup:
    """Fit a figure into a page: colours of the page's theme, ids unique on it, and no URL."""
    svg = picture.svg[picture.svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = svg.replace("xlink:href", "href")
    referred = set(re.findall(r'(?:url\(|href=")#([\w-]+)', svg))
    svg = re.sub(
        r' id="([\w.-]+)"',
        lambda found: f' id="{prefix}-{found[1]}"' if found[1] in referred else "",
        svg,
    )
    svg = re.sub(r'(url\(|href=")#', rf"\1#{prefix}-", svg)
    for color, variable in _VARIABLES.items():
        svg = re.sub(color, f"var({variable})", svg, flags=re.IGNORECASE)
    label = Markup.escape(picture.caption)
    # It fills the page, but never grows beyond the size at which it was drawn.
    attributes = rf'role="img" aria-label="{label}" style="max-width: \1"'
    svg = re.sub(r'<svg width="([^"]*)" height="[^"]*"', f"<svg {attributes}", svg)
    return Markup(svg.strip())  # noqa: S704 - matplotlib escapes the text in it


_VARIABLES = {
    PAPER: "--paper",
    "#000000": "--ink",
    INK: "--ink",
    FAINT: "--faint",
    BASELINE_COLOR: "--baseline",
    **{color: f"--curve-{number}" for number, color in enumerate(PALETTE, start=1)},
}
"""Colour of the figures to the page's CSS variable, which has a light and a dark value."""


def _unbroken(text: str) -> str:
    """Keep what stands in brackets on one line; a line may break before it."""
    return re.sub(
        r"\[[^]]*\]|\([^)]*\)", lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text
    )


def _json_text(value: object) -> str:
    """Write a part of the metadata: plain values as they are, others as JSON.

    An object or list that holds no other is written on one line: the clip counts of a split, a set
    of versions.
    """
    return value if isinstance(value, str) else _json_lines(value, "\n")


def _json_lines(value: Any, line_break: str) -> str:
    children = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list) or not any(isinstance(e, dict | list) for e in children):
        return json.dumps(value, ensure_ascii=False)
    inner = f"{line_break} "
    if isinstance(value, dict):
        rows = [f"{json.dumps(key)}: {_json_lines(each, inner)}" for key, each in value.items()]
        return f"{{{inner}{f',{inner}'.join(rows)}{line_break}}}"
    rows = [_json_lines(each, inner) for each in value]
    return f"[{inner}{f',{inner}'.join(rows)}{line_break}]"


def title_of(datasets: Sequence[str]) -> str:
    """Title a page."""
    return f"Active learning on {', '.join(dict.fromkeys(datasets))}"
