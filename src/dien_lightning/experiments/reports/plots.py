"""Matplotlib figures as inline SVG that follows the page: its font, and its colors in light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dien_lightning.experiments.reports.tables import Summary

# Colors that stand for the page's CSS variables: replaced in the SVG, so that one drawing serves light and dark.
INK, MUTED, GRID, SURFACE = "#010101", "#010102", "#010103", "#010104"
SERIES = tuple(f"#0102{number:02x}" for number in range(1, 7))
_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", SURFACE: "surface"} | {
    color: f"series-{number}" for number, color in enumerate(SERIES, start=1)
}
_LEGENDS_FONT = 'font-family="sans-serif" font-size="10"'
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's font
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "figure.facecolor": "none",
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
}


class Plot(NamedTuple):
    """One drawing for the page.

    Attributes:
        svg: an `<svg>` element.
        alt: what it shows, for who cannot see it.
    """

    svg: str
    alt: str


class Legend(NamedTuple):
    """One series of a figure: its name and its number in the page's palette, from 1."""

    label: str
    series: int


class Gallery(NamedTuple):
    """Drawings that belong together, with one legend and one caption.

    Attributes:
        title: heading.
        caption: what is shown, and how to read it.
        plots: the drawings, in order.
        legend: the series they share.
    """

    title: str
    caption: str
    plots: tuple[Plot, ...]
    legend: tuple[Legend, ...] = ()


@contextmanager
def page_style() -> Iterator[None]:
    """Draw in the page's style; matplotlib's own settings are as before afterwards."""
    with mpl.rc_context(_STYLE):
        yield


def new_plot(width: float = 4.0, height: float = 2.5) -> tuple[Figure, Axes]:
    """A figure with one pair of axes; no global state, no window."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def draw_means(axes: Axes, places: Sequence[float], summaries: Sequence[Summary], color: str) -> None:
    """A line through the means, with a bar for each spread; none where there is one run."""
    means = [summary.mean for summary in summaries]
    spreads = [summary.spread for summary in summaries]
    axes.errorbar(places, means, yerr=spreads, color=color, marker="o", markersize=5, capsize=3)


def to_file(gallery: Gallery) -> str:
    """A gallery's first drawing as an SVG file of its own, in the page's colors, its legend beside the title."""
    plot = gallery.plots[0]
    palette = (
        files("dien_lightning.experiments.reports").joinpath("templates/page.css").read_text().partition("\n* {")[0]
    )
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', plot.svg)
    assert size is not None
    legend, x = "", float(size[1]) - 8
    for entry in reversed(gallery.legend):
        x -= 6 * (len(entry.label) + 4)  # about as wide as the text: only a browser knows
        label = f"\u25cf {escape(entry.label)}"
        legend += f'<text x="{x:g}" y="11" fill="var(--series-{entry.series})" {_LEGENDS_FONT}>{label}</text>\n'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{size[1]}pt" '
        f'height="{size[2]}pt" {size[0]}>\n<title>{escape(plot.alt)}</title>\n<style>\n{palette}\n'
        f"svg {{ background: var(--surface); }}\n</style>\n"
    )
    return head + plot.svg.partition(">")[2].lstrip().removesuffix("</svg>") + legend + "</svg>\n"


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element for a page; the same figure gives the same text.

    Args:
        figure: drawn within `page_style`.
        name: keeps the ids of several drawings on one page apart.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, **_STYLE}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg)  # HTML knows the namespaces
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # matplotlib names groups alike in every figure
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg)
    # Hundredths of a point are enough for drawing; what stands between the tags is text and stays.
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), svg)
    for color, variable in _VARIABLES.items():
        svg = svg.replace(color, f"var(--{variable})")
    return svg.replace("<svg", '<svg role="img" aria-hidden="true"', 1)
