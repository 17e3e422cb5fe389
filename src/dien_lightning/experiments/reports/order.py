"""The paper's order of the ten configurations, and ours: which difference is larger than the spread over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dien_lightning.experiments.reports.demo_table import CONTROL
from dien_lightning.experiments.reports.labels import direction_label, directions_of, short_label
from dien_lightning.experiments.reports.published import PAPER_DIRECTIONS, TABLE_1
from dien_lightning.experiments.reports.records import RunRecord
from dien_lightning.experiments.reports.summaries import control_figure, summarize, target_figure
from dien_lightning.experiments.reports.table1 import BASE
from dien_lightning.experiments.reports.tables import ABSENT, Column, Row, Summary, Table

_FIGURES = {"rank1": "Rank-1", "mAP": "mAP"}
CLAIMS = (  # of each two rows the paper has the first above the second, in rank-1
    ("r02_exemplar", BASE),
    ("r03_cccdtl", "r02_exemplar"),
    ("r04_dc", BASE),
    ("r05_cccdtl_dc", "r03_cccdtl"),
    ("r05_cccdtl_dc", "r04_dc"),
    ("r06_full_t1", "r05_cccdtl_dc"),
    ("r07_full_t2", "r06_full_t1"),
    ("r08_full_t3", "r07_full_t2"),
    ("r08_full_t3", "r09_full_t4"),
    ("r09_full_t4", "r10_full_t5"),
)
_OVER_CONTROL = ("r02_exemplar", "r03_cccdtl", "r04_dc", "r05_cccdtl_dc")


def order_table(runs: Sequence[RunRecord]) -> Table:
    """For each two rows that the paper orders, and for each row and the control: the difference here, and there.

    Pairs of which not both have been run are left out.

    Returns:
        Differences of the means in points, each with what it says: `yes`, `no`, or `within` the spread.
    """
    directions = directions_of(runs)
    columns = [Column(label, direction_label(d)) for d in directions for label in _FIGURES.values()]
    columns += [Column(label, f"paper, {d}") for d in PAPER_DIRECTIONS for label in _FIGURES.values()]
    rows = []
    for first, second in (*CLAIMS, *((row, CONTROL) for row in _OVER_CONTROL)):
        cells = [
            compare(summarize(runs, first, d, target_figure(figure)), _of(runs, second, d, figure))
            for d in directions
            for figure in _FIGURES
        ]
        if set(cells) == {ABSENT}:
            continue
        if second == CONTROL:
            cells += [ABSENT] * (len(_FIGURES) * len(PAPER_DIRECTIONS))
        else:
            both = zip(TABLE_1[first][1:], TABLE_1[second][1:], strict=True)
            cells += [f"{getattr(a, figure) - getattr(b, figure):+.1f}" for a, b in both for figure in _FIGURES]
        rows.append(Row(f"{short_label(first)} above {short_label(second) or 'the control'}", tuple(cells)))
    caption = (
        "The paper's order, and ours: differences of the means in points. “yes”: more by more than the larger of the "
        "two rows' standard deviations; “no”: less by more than that; “within”: neither. With few seeds that is a rule "
        "of thumb, no test; with one there is no spread to compare with. The claims are the paper's, whose mAP agrees "
        "but for T = 1, Duke → Market; those over the control are ours."
    )
    return Table(caption, "Claim", columns, rows)


def compare(first: Summary, second: Summary) -> str:
    """The difference of two means in points, and whether it is larger than the larger spread.

    Example:
        >>> compare(Summary(0.5, 0.1, 3), Summary(0.3, 0.05, 3)), compare(Summary(0.5, 0.1, 3), Summary(0.45, 0.2, 3))
        ('+20.0 yes', '+5.0 within')
    """
    if not first.runs or not second.runs:
        return ABSENT
    difference = first.mean - second.mean
    if math.isnan(first.spread) or math.isnan(second.spread):
        return f"{100 * difference:+.1f}"
    spread = max(first.spread, second.spread)
    verdict = "yes" if difference > spread else "no" if difference < -spread else "within"
    return f"{100 * difference:+.1f} {verdict}"


def _of(runs: Sequence[RunRecord], row: str, direction: str, figure: str) -> Summary:
    if row == CONTROL:
        return summarize(runs, BASE, direction, control_figure(figure))
    return summarize(runs, row, direction, target_figure(figure))
