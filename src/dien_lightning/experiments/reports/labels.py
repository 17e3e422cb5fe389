"""How pairs and rows are called for people."""

from __future__ import annotations

from collections.abc import Sequence

from dien_lightning.experiments.reports.main_runs import ROWS
from dien_lightning.experiments.reports.published import TABLE_1
from dien_lightning.experiments.reports.records import RunRecord


def directions_of(runs: Sequence[RunRecord]) -> list[str]:
    """The pairs the runs went over, each once."""
    return sorted({run.direction for run in runs})


def direction_label(direction: str) -> str:
    """A pair's name for people.

    Example:
        >>> direction_label("day2night")
        'day → night'
        >>> direction_label("cuhk02_to_msmt17")
        'cuhk02 → msmt17'
    """
    between = "_to_" if "_to_" in direction else "2"
    return direction.replace(between, " → ", 1)


def full_label(row: str) -> str:
    """A row's configuration in full.

    Example:
        >>> full_label("r08_full_t3")
        'Base + CCCDTL + DC + RTDA (T = 3)'
    """
    return TABLE_1[row].label.replace("…", TABLE_1["r05_cccdtl_dc"].label)


def short_label(row: str) -> str:
    """A row's configuration where there is little room; empty for a row that is none of Table I's.

    Example:
        >>> short_label("r08_full_t3"), short_label("r04_dc")
        ('DIEN (T = 3)', 'Base + DC')
    """
    if row not in ROWS:
        return ""
    loops = ROWS[row].attention_loops
    return f"DIEN (T = {loops})" if loops else full_label(row)
