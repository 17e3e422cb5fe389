"""One figure of one row in one direction, over its seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from dien_lightning.experiments.reports.records import RunRecord
from dien_lightning.experiments.reports.tables import Summary

Figure = Callable[[RunRecord], float | None]
"""What is asked of a run; None where it has none."""


def target_figure(name: str) -> Figure:
    """A figure of `SCORES` on the target."""
    return lambda run: getattr(run.target, name)


def control_figure(name: str) -> Figure:
    """The same with the target's batch-norm statistics and nothing else: the control, which Base alone has."""
    return lambda run: run.target_statistics and getattr(run.target_statistics, name)


def values_of(runs: Sequence[RunRecord], row: str, direction: str, figure: Figure) -> dict[int, float]:
    """The figure of each seed that has it."""
    own = ((run.seed, figure(run)) for run in runs if (run.row, run.direction) == (row, direction))
    return {seed: value for seed, value in own if value is not None and not math.isnan(value)}


def summarize(runs: Sequence[RunRecord], row: str, direction: str, figure: Figure) -> Summary:
    """Its mean and spread."""
    return Summary.of(values_of(runs, row, direction, figure).values())
