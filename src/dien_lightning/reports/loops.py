"""Figure 3: what each pass of the attention adds, and how much weight it gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from dien_lightning.reports.plots import (
    INK,
    MUTED,
    SERIES,
    Gallery,
    Legend,
    Plot,
    draw_means,
    new_plot,
    page_style,
    to_svg,
)
from dien_lightning.reports.records import RunRecord
from dien_lightning.reports.tables import Summary

Runs = Mapping[str, Sequence[RunRecord]]
"""Runs by the label of their series, one run for each seed and T."""


def loops_of(run: RunRecord) -> int:
    """T: how many passes after the first."""
    return int(run.setting("network.attention_loops", max(0, len(run.fusion_weights) - 1)))


def figure_3(series: Runs) -> list[Gallery]:
    """Rank-1 against T, the fusion weights for each T, and each pass's own rank-1 beside the fused one.

    Args:
        series: runs of the full model by label, for several T.
    """
    loops = sorted({loops_of(run) for runs in series.values() for run in runs})
    by_loops = [
        {label: [run for run in runs if loops_of(run) == loop] for label, runs in series.items()} for loop in loops
    ]
    return [
        Gallery(
            "Rank-1 against T",
            "Rank-1 on the target by the number of passes T after the first; dots are single runs, the line goes "
            "through their means, the bar is the sample standard deviation.",
            (_against_loops(series, loops),),
            _legend(series),
        ),
        *passes_galleries({f"T = {loop}": runs for loop, runs in zip(loops, by_loops, strict=True) if loop}),
    ]


def passes_galleries(groups: Mapping[str, Runs]) -> list[Gallery]:
    """Learned fusion weights, and rank-1 of each pass's own embedding beside the fused one: a plot for each group.

    Args:
        groups: by title, runs that share T.
    """
    legend = _legend(next(iter(groups.values()), {}))
    weights = tuple(_fusion_weights(title, runs) for title, runs in groups.items() if _known(runs, "fusion_weights"))
    passes = tuple(_passes(title, runs) for title, runs in groups.items() if _known(runs, "passes"))
    galleries = []
    if weights:
        galleries.append(
            Gallery(
                "Fusion weights",
                "Weight of each pass in the 1x1 convolution that fuses them, as learned; the thin line is where they "
                "start, 1/(T+1).",
                weights,
                legend,
            )
        )
    if passes:
        galleries.append(
            Gallery(
                "Each pass alone",
                "Rank-1 on the target with the embedding of one pass alone (dots), and with the fused embedding "
                "(dashed line).",
                passes,
                legend,
            )
        )
    return galleries


def _against_loops(series: Runs, loops: Sequence[int]) -> Plot:
    described = []
    with page_style():
        figure, axes = new_plot(width=6.4, height=3.2)
        for (label, runs), color, offset in _placed(series):
            points = [(loop, [100 * run.target.rank1 for run in runs if loops_of(run) == loop]) for loop in loops]
            points = [(loop, values) for loop, values in points if values]
            summaries = [Summary.of(values) for _, values in points]
            places = [loop + 0.25 * offset for loop, _ in points]
            draw_means(axes, places, summaries, color)
            for place, (_, values) in zip(places, points, strict=True):
                axes.plot([place] * len(values), values, ".", color=color, alpha=0.45, markersize=5)
            means = ", ".join(f"{s.mean:.1f} at T = {loop}" for s, (loop, _) in zip(summaries, points, strict=True))
            described.append(f"{label}: {means}")
        axes.set_xlabel("T")
        axes.set_title("Target rank-1, %")
        axes.set_xticks(loops)
        return Plot(to_svg(figure, "rank1-against-T"), f"Target rank-1 against T, in percent. {'; '.join(described)}.")


def _fusion_weights(title: str, series: Runs) -> Plot:
    described = []
    with page_style():
        figure, axes = new_plot()
        for (label, runs), color, offset in _placed(series):
            known = [run.fusion_weights for run in runs if run.fusion_weights]
            summaries = [Summary.of(weights) for weights in zip(*known, strict=True)]
            width = 0.8 / len(series)
            places = [step + width * offset * len(series) for step in range(len(summaries))]
            axes.bar(places, [s.mean for s in summaries], 0.9 * width, color=color)
            _spreads(axes, places, summaries)
            described.append(f"{label}: " + ", ".join(f"{s.mean:.3f}" for s in summaries))
            axes.axhline(1 / len(summaries), color=MUTED, linewidth=0.8)
        axes.set_title(title)
        axes.set_xlabel("pass")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="x", visible=False)
        return Plot(to_svg(figure, f"weights {title}"), f"Fusion weight of each pass, {title}. {'; '.join(described)}.")


def _passes(title: str, series: Runs) -> Plot:
    described = []
    with page_style():
        figure, axes = new_plot()
        for (label, runs), color, offset in _placed(series):
            by_pass = zip(*([100 * scores.rank1 for scores in run.passes] for run in runs if run.passes), strict=True)
            summaries = [Summary.of(values) for values in by_pass]
            fused = Summary.of(100 * run.target.rank1 for run in runs).mean
            axes.axhline(fused, color=color, linestyle="--", linewidth=1.4)
            draw_means(axes, [step + 0.2 * offset for step in range(len(summaries))], summaries, color)
            means = ", ".join(f"{s.mean:.1f}" for s in summaries)
            described.append(f"{label}: passes {means}, fused {fused:.1f}")
        axes.set_title(f"{title}, target rank-1, %")
        axes.set_xlabel("pass")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.margins(x=0.1, y=0.2)
        return Plot(
            to_svg(figure, f"passes {title}"),
            f"Rank-1 of each pass alone, {title}, in percent. {'; '.join(described)}.",
        )


def _placed(series: Runs) -> Iterable[tuple[tuple[str, Sequence[RunRecord]], str, float]]:
    """Each series that has runs, its color, and how far beside the tick it stands, in shares of the distance."""
    for number, item in enumerate(series.items()):
        if item[1]:
            yield item, SERIES[number], (number - (len(series) - 1) / 2) / len(series)


def _spreads(axes: Axes, places: Sequence[float], summaries: Sequence[Summary]) -> None:
    axes.errorbar(
        places, [s.mean for s in summaries], yerr=[s.spread for s in summaries], fmt="none", ecolor=INK, capsize=3
    )


def _known(series: Runs, name: str) -> bool:
    return any(len(getattr(run, name)) > 1 for runs in series.values() for run in runs)


def _legend(series: Runs) -> tuple[Legend, ...]:
    return tuple(Legend(label, number) for number, label in enumerate(series, start=1))
