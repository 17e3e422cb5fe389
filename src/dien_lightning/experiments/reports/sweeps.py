"""Sweep surfaces: target rank-1 over lambda, beta1, beta2 and T."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from matplotlib.patches import Rectangle

from dien_lightning.experiments.reports.plots import (
    INK,
    SERIES,
    Gallery,
    Plot,
    draw_means,
    new_plot,
    page_style,
    to_svg,
)
from dien_lightning.experiments.reports.table1_rows import direction_label, directions_of, row_label
from dien_lightning.experiments.reports.tables import ABSENT, Summary, name_seeds
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.settings import SEED, difference

AXES = {
    "network.attention_loops": "T",
    "objective.center_weight": "λ (center weight)",
    "objective.triplet_weight": "β₁ (triplet weight)",
    "objective.domain_weight": "β₂ (domain weight)",
}
"""What the sweeps in conf/sweep vary."""


def sweep_galleries(sweeps: Mapping[str, Sequence[Results]]) -> list[Gallery]:
    """One gallery for each sweep and direction: a surface for each pair of settings varied, a line if it was one.

    Args:
        sweeps: runs by the sweep's name; runs that differ in the seed alone are averaged.

    Raises:
        ValueError: a sweep's runs differ in none of `AXES`, or in something else, too.
    """
    galleries = []
    by_direction = {
        (name, direction): [run for run in every if run.direction == direction]
        for name, every in sweeps.items()
        for direction in directions_of(every)
    }
    for (name, direction), runs in by_direction.items():
        varied = [axis for axis in AXES if len({run.setting(axis) for run in runs}) > 1]
        if not varied:
            raise ValueError(f"the {len(runs)} runs of sweep {name} differ in none of {', '.join(AXES)}.")
        for run in runs:
            if other := difference(run.conditions, runs[0].conditions, (*AXES, *SEED)):
                raise ValueError(
                    f"the runs of sweep {name} are not one sweep: {run.path} has {other}, unlike {runs[0].path}. "
                    f"Keep them in folders of their own (run_dir=DIR) and name both."
                )
        if len(varied) == 1:
            plots = [_line(name, runs, varied[0])]
        else:
            plots = [_surface(name, runs, *pair) for pair in combinations(varied, 2)]
        shown = "line" if len(varied) == 1 else "the stronger the color, the higher"
        if len(varied) > 2:
            shown += ", each the mean over the settings that its surface does not show"
        caption = (
            f"Target rank-1 in percent over {' and '.join(AXES[axis] for axis in varied)}; {shown}, "
            f"{len(runs)} runs{_in_common(runs)}, {name_seeds(runs, 'mean over ')}."
        )
        galleries.append(Gallery(f"Sweep {name}, {direction_label(direction)}", caption, tuple(plots)))
    return galleries


def _in_common(runs: Sequence[Results]) -> str:
    """What all of them are runs of: the row, the steps, the folder of the data, as far as it is known."""
    said: list[set[str]] = [
        {f" of {row_label(run.row)}" if row_label(run.row) else "" for run in runs},
        {f" of {run.steps} steps" if run.steps else "" for run in runs},
        {f" on {run.setting('data.root')}" if run.setting("data.root") else "" for run in runs},
    ]
    return "".join(max(phrases) for phrases in said if len(phrases) == 1)


def _line(name: str, runs: Sequence[Results], axis: str) -> Plot:
    values = sorted({_number(run, axis) for run in runs})
    summaries = [
        Summary.of(100 * run.target["rank1"] for run in runs if _number(run, axis) == value) for value in values
    ]
    with page_style():
        figure, axes = new_plot(width=5.2, height=3)
        places = range(len(values))
        draw_means(axes, places, summaries, SERIES[1])
        axes.set_xticks(places, [f"{value:g}" for value in values])
        axes.set_xlabel(AXES[axis])
        axes.set_title("Target rank-1, %")
        described = ", ".join(f"{s.mean:.1f} at {value:g}" for s, value in zip(summaries, values, strict=True))
        return Plot(to_svg(figure, f"sweep {name}"), f"Target rank-1 by {AXES[axis]}, in percent: {described}.")


def _surface(name: str, runs: Sequence[Results], x_axis: str, y_axis: str) -> Plot:
    columns, rows = (sorted({_number(run, axis) for run in runs}) for axis in (x_axis, y_axis))
    cells = {
        (x, y): Summary.over(
            (run for run in runs if (_number(run, x_axis), _number(run, y_axis)) == (x, y)), "target.rank1"
        )
        for x in columns
        for y in rows
    }
    known = [cell.mean for cell in cells.values() if cell.runs]
    low, span = min(known), max(max(known) - min(known), 1e-9)
    described = []
    with page_style():
        figure, axes = new_plot(width=5.2, height=3.4)
        for (x, y), cell in cells.items():
            place = columns.index(x), rows.index(y)
            strength = 0.06 + 0.44 * (cell.mean - low) / span if cell.runs else 0.0  # ink stays readable on 0.5
            corner = (place[0] - 0.48, place[1] - 0.48)
            axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=SERIES[1], alpha=strength, linewidth=0))
            text = f"{100 * cell.mean:.1f}" if cell.runs else ABSENT
            axes.text(*place, text, ha="center", va="center", color=INK)
            described.append(f"{text} at {x:g}, {y:g}")
        axes.set_xticks(range(len(columns)), [f"{value:g}" for value in columns])
        axes.set_yticks(range(len(rows)), [f"{value:g}" for value in rows])
        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.set_ylim(-0.5, len(rows) - 0.5)
        axes.set_xlabel(AXES[x_axis])
        axes.set_ylabel(AXES[y_axis])
        axes.grid(visible=False)
        axes.set_title("Target rank-1, %")
        svg = to_svg(figure, f"sweep {name} {x_axis} {y_axis}")
    return Plot(svg, f"Target rank-1 by {AXES[x_axis]} and {AXES[y_axis]}, in percent: {'; '.join(described)}.")


def _number(run: Results, axis: str) -> float:
    return float(run.setting(axis) or 0)
