"""Figure 3: what each pass of the attention adds, and how much weight it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from dien_lightning.experiments.reports.plots import (
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
from dien_lightning.experiments.reports.tables import Summary
from dien_lightning.experiments.results import Results

Runs = Mapping[str, Sequence[Results]]
"""Runs by the label of their series, one run for each seed and T."""


_DASHED = " Dashed: the control, Base with nothing but the target's batch-norm statistics."


def loops_of(run: Results) -> int:
    """T: how many passes after the first."""
    return int(run.setting("network.attention_loops", max(0, len(run.fusion_weights) - 1)))


def figure_3(series: Runs, controls: Mapping[str, float] | None = None) -> list[Gallery]:
    """Rank-1 against T, the fusion weights for each T, and each pass's own rank-1 beside the fused one.

    Args:
        series: runs of the full model by label, for several T.
        controls: rank-1 of Base with the target's batch-norm statistics, a fraction, by the same label.
    """
    controls = controls or {}
    loops = sorted({loops_of(run) for runs in series.values() for run in runs})
    by_loops = [
        {label: [run for run in runs if loops_of(run) == loop] for label, runs in series.items()} for loop in loops
    ]
    return [
        Gallery(
            "Rank-1 against T",
            "Rank-1 on the target by the number of passes T after the first; dots are single runs, the line goes "
            f"through their means, the bar is the sample standard deviation.{_DASHED if controls else ''}",
            (_against_loops(series, loops, controls),),
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
    parts = (
        (
            "fusion_weights",
            _draw_weights,
            "weight",
            "Fusion weights",
            "Weight of each pass in the 1x1 convolution that fuses them, as learned: mean over the seeds, the thin "
            "bar is the sample standard deviation, the thin line where they start, 1/(T+1).",
        ),
        (
            "passes",
            _draw_passes,
            "target rank-1, %",
            "Each pass alone",
            "Rank-1 on the target with the embedding of one pass alone (dots: means over the seeds, the bar is the "
            "sample standard deviation), and with the fused embedding (dashed line: its mean).",
        ),
    )
    galleries = []
    for name, draw, values, title, caption in parts:
        known = {group: runs for group, runs in groups.items() if _known(runs, name)}
        if known:
            galleries.append(Gallery(title, caption, _on_one_scale(draw, values, known), legend))
    return galleries


def _against_loops(series: Runs, loops: Sequence[int], controls: Mapping[str, float]) -> Plot:
    described = []
    with page_style():
        figure, axes = new_plot(width=6.4, height=3.2)
        for (label, runs), color, offset in _placed(series):
            points = [(loop, [100 * run.target["rank1"] for run in runs if loops_of(run) == loop]) for loop in loops]
            points = [(loop, values) for loop, values in points if values]
            summaries = [Summary.of(values) for _, values in points]
            places = [loop + 0.25 * offset for loop, _ in points]
            draw_means(axes, places, summaries, color)
            for place, (_, values) in zip(places, points, strict=True):
                axes.plot([place] * len(values), values, ".", color=color, alpha=0.45, markersize=5)
            means = ", ".join(f"{s.mean:.1f} at T = {loop}" for s, (loop, _) in zip(summaries, points, strict=True))
            if label in controls:
                axes.axhline(100 * controls[label], color=color, linestyle="--", linewidth=1.2)
                means += f", control {100 * controls[label]:.1f}"
            described.append(f"{label}: {means}")
        axes.set_xlabel("T")
        axes.set_title("Target rank-1, %")
        axes.set_xticks(loops)
        return Plot(to_svg(figure, "rank1-against-T"), f"Target rank-1 against T, in percent. {'; '.join(described)}.")


def _on_one_scale(draw: Callable[[Axes, Runs], str], name: str, groups: Mapping[str, Runs]) -> tuple[Plot, ...]:
    """A plot for each group, with the same range of values, so that they can be compared."""
    with page_style():
        drawn = []
        for title, series in groups.items():
            figure, axes = new_plot()
            described = draw(axes, series)
            axes.set_title(f"{title}, {name}")
            axes.set_xlabel("pass")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            drawn.append((figure, axes, f"{title}, {name}", described))
        ranges = [axes.get_ylim() for _, axes, _, _ in drawn]
        plots = []
        for figure, axes, title, described in drawn:
            axes.set_ylim(min(low for low, _ in ranges), max(high for _, high in ranges))
            plots.append(Plot(to_svg(figure, title), f"{title}, by pass. {described}."))
        return tuple(plots)


def _draw_weights(axes: Axes, series: Runs) -> str:
    described = []
    for (label, runs), color, offset in _placed(series):
        known = [run.fusion_weights for run in runs if run.fusion_weights]
        summaries = [Summary.of(weights) for weights in zip(*known, strict=True)]
        width = 0.8 / len(series)
        places = [step + width * offset * len(series) for step in range(len(summaries))]
        axes.bar(places, [s.mean for s in summaries], 0.9 * width, color=color)
        _spreads(axes, places, summaries)
        described.append(f"{label}: " + ", ".join(f"{s.mean:.3f}" for s in summaries))
        axes.axhline(1 / len(summaries), color=MUTED, linewidth=0.8)
    axes.grid(axis="x", visible=False)
    return "; ".join(described)


def _draw_passes(axes: Axes, series: Runs) -> str:
    described = []
    for (label, runs), color, offset in _placed(series):
        by_pass = zip(*([100 * figures["rank1"] for figures in run.passes] for run in runs if run.passes), strict=True)
        summaries = [Summary.of(values) for values in by_pass]
        fused = 100 * Summary.over(runs, "target.rank1").mean
        axes.axhline(fused, color=color, linestyle="--", linewidth=1.4)
        draw_means(axes, [step + 0.2 * offset for step in range(len(summaries))], summaries, color)
        described.append(f"{label}: passes {', '.join(f'{s.mean:.1f}' for s in summaries)}, fused {fused:.1f}")
    axes.margins(x=0.1, y=0.2)
    return "; ".join(described)


def _placed(series: Runs) -> Iterable[tuple[tuple[str, Sequence[Results]], str, float]]:
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
