"""Which row stands above which: differences of the means, ours and the paper's; and the entries of NAME.json."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dien_lightning.experiments.reports.table1_rows import PAPER_DIRECTIONS, Published, direction_label
from dien_lightning.experiments.reports.tables import ABSENT, Column, Row, Summary, Table
from dien_lightning.experiments.results import FIGURES

Entry = dict[str, Any]
"""A run's row, direction, seed and figures, as a table's NAME.json holds them."""
SHORT = ("rank1", "mAP")


def difference_table(
    caption: str,
    claims: Sequence[tuple[str, str]],
    labels: Mapping[str, str],
    directions: Sequence[str],
    figure_of: Callable[[str, str, str], Summary],
    *,
    head: str = "Claim",
    published: Mapping[str, Sequence[Published]] | None = None,
) -> Table:
    """For each two rows, how far the first is above the second in rank-1 and mAP; pairs not both run are left out.

    Args:
        caption: of the table.
        claims: each a row, and one that it may be above.
        labels: of the rows, for people.
        directions: the pairs that the runs went over.
        figure_of: a row, a direction and a figure -> its mean and spread.
        head: of the rows' labels.
        published: the paper's figures of a row in its two directions; None where the paper has no such table.
    """
    groups = [*map(direction_label, directions)]
    groups += [] if published is None else [f"paper, {direction}" for direction in PAPER_DIRECTIONS]
    rows = []
    for first, second in claims:
        places = [(direction, name) for direction in directions for name in SHORT]
        cells = [compare(*(figure_of(row, *place) for row in (first, second))) for place in places]
        if set(cells) == {ABSENT}:
            continue
        if published is not None:
            pairs = zip(published.get(first, ()), published.get(second, ()), strict=False)
            differences = [f"{one - other:+.1f}" for pair in pairs for one, other in zip(*pair, strict=True)]
            cells += differences or [ABSENT] * 4
        rows.append(Row(f"{labels[first]} above {labels[second]}", tuple(cells)))
    return Table(caption, head, [Column(FIGURES[name], group) for group in groups for name in SHORT], rows)


def compare(first: Summary, second: Summary) -> str:
    """The difference of two means in points, and whether it is larger than the larger spread.

    Example:
        >>> compare(Summary(0.5, 0.1, 3), Summary(0.3, 0.05, 3)), compare(Summary(0.5, 0.1, 3), Summary(0.45, 0.2, 3))
        ('+20.0 yes', '+5.0 within')
    """
    if not first.runs or not second.runs:
        return ABSENT
    points = first.mean - second.mean
    if math.isnan(first.spread) or math.isnan(second.spread):
        return f"{100 * points:+.1f}"
    spread = max(first.spread, second.spread)
    return f"{100 * points:+.1f} " + ("yes" if points > spread else "no" if points < -spread else "within")


def directions_in(entries: Sequence[Entry]) -> list[str]:
    """The pairs that the entries' runs went over, each once."""
    return sorted({entry["direction"] for entry in entries})


def over_seeds(entries: Sequence[Entry], row: str, direction: str, figure: str) -> Summary:
    """Mean and spread over the seeds of a row's figure."""
    return Summary.of(entry.get(figure) for entry in entries if (entry["row"], entry["direction"]) == (row, direction))
