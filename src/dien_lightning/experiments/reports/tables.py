"""A table once, written as Markdown, for the terminal, or by the page's template."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable

from dien_lightning.experiments.results import Results

ABSENT = "–"
"""What stands in a cell without a figure."""


class Summary(NamedTuple):
    """Mean and spread of one figure over several runs; NaN where there is none.

    Attributes:
        mean: in the figure's own unit, a fraction for rank-k and mAP.
        spread: sample standard deviation; NaN for a single run.
        runs: how many.
    """

    mean: float
    spread: float
    runs: int

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Summary:
        """Summarise the values that are there."""
        known = [value for value in values if value is not None]
        if not known:
            return cls(math.nan, math.nan, 0)
        return cls(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else math.nan, len(known))

    @classmethod
    def over(cls, runs: Iterable[Results], figure: str) -> Summary:
        """Summarise one figure of these runs, by its dotted name."""
        return cls.of(run.figure(figure) for run in runs)

    def percent(self) -> str:
        """In percent, with the spread if there is one.

        Example:
            >>> Summary.of([0.25, 0.5, 0.75]).percent(), Summary.of([0.5]).percent(), Summary.of([]).percent()
            ('50.0 ± 25.0', '50.0', '–')
        """
        if not self.runs:
            return ABSENT
        return f"{100 * self.mean:.1f}" + ("" if math.isnan(self.spread) else f" ± {100 * self.spread:.1f}")


def name_seeds(runs: Iterable[Results], means: str = "") -> str:
    """Each seed of the runs once, in words.

    Args:
        runs: any number.
        means: put in front where there are several seeds.

    Example:
        >>> name_seeds([Results(seed=2), Results(seed=0), Results(seed=2)], "mean over "), name_seeds([Results(seed=1)])
        ('mean over seeds 0, 2', 'seed 1')
    """
    each = sorted({run.seed for run in runs})
    return f"{means}seeds {', '.join(map(str, each))}" if len(each) > 1 else f"seed {each[0] if each else 'none'}"


def name_precision(precision: str | None) -> str:
    """Lightning's name of a precision in words; a dash where nothing was computed in one.

    Example:
        >>> name_precision("bf16-mixed"), name_precision("32-true"), name_precision(None)
        ('bfloat16', 'float32', '–')
    """
    known = {"bf16-mixed": "bfloat16", "32-true": "float32", "16-mixed": "float16"}
    return ABSENT if precision is None else known.get(precision, precision)


class Column(NamedTuple):
    """A column's heading, and the heading it shares with its neighbours."""

    label: str
    group: str = ""


class Row(NamedTuple):
    """A row's heading, its cells, and whether it is set off from the others."""

    label: str
    cells: tuple[str, ...]
    strong: bool = False


class Table(NamedTuple):
    """Headings and cells, written out already.

    Attributes:
        caption: what the table shows, one sentence.
        head: heading of the rows' labels.
        columns: headings of the cells.
        rows: as many cells each as there are columns.
    """

    caption: str
    head: str
    columns: Sequence[Column]
    rows: Sequence[Row]

    def groups(self) -> list[tuple[str, int]]:
        """The shared headings with the number of columns under each.

        Example:
            >>> Table("", "", [Column("a", "x"), Column("b", "x"), Column("c")], []).groups()
            [('x', 2), ('', 1)]
        """
        return [(name, len(list(own))) for name, own in groupby(column.group for column in self.columns)]


def to_markdown(table: Table) -> str:
    """The table in GitHub's Markdown, its caption above it.

    Example:
        >>> print(to_markdown(Table("Two runs.", "run", [Column("mAP", "night")], [Row("Base", ("19.3",), True)])))
        Two runs.
        <BLANKLINE>
        | run | night: mAP |
        |---|--:|
        | **Base** | **19.3** |
    """
    headings, before = [], ""
    for column in table.columns:
        starts = column.group and column.group != before
        headings.append(f"{column.group}: {column.label}" if starts else column.label)
        before = column.group
    lines = [table.caption, "", _line([table.head, *headings])]
    lines.append("|---" + "|--:" * len(table.columns) + "|")
    for row in table.rows:
        lines.append(_line([f"**{cell}**" if row.strong else cell for cell in (row.label, *row.cells)]))
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def to_rich(table: Table) -> RichTable:
    """The table for the terminal; turned on its side if that makes it narrower."""
    names = [f"{column.group} {column.label}".strip() for column in table.columns]
    rich = RichTable(title=table.caption, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    if len(table.rows) < len(table.columns):
        rich.add_column(table.head)
        for row in table.rows:
            rich.add_column(row.label, justify="right", style="bold" if row.strong else None)
        for name, *cells in zip(names, *(row.cells for row in table.rows), strict=True):
            rich.add_row(name, *cells)
        return rich
    rich.add_column(table.head)
    for name in names:
        rich.add_column(name, justify="right")
    for row in table.rows:
        rich.add_row(row.label, *row.cells, style="bold" if row.strong else None)
    return rich
