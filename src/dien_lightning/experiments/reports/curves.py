"""Training curves: every loss, every health figure, what validation said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.ticker import MaxNLocator

from dien_lightning.experiments.metrics import CLUSTERS, Curve, read_curves
from dien_lightning.experiments.reports.plots import SERIES, Gallery, Legend, Plot, new_plot, page_style, to_svg

TITLES = {
    "train/loss_total": "Total loss",
    "train/loss_identity": "Identity loss",
    "train/loss_triplet": "Triplet loss",
    "train/loss_center": "Center distance term",
    "train/loss_domain": "Domain loss",
    "train/loss_cluster": "Cluster loss",
    "train/active_triplets": "Active triplets, share",
    "train/domain_accuracy": "Domain accuracy",
    "train/cluster_accuracy": "Cluster accuracy",
    "train/center_distance": "Center distance",
    "train/embedding_spread": "Embedding spread",
    "train/target_spread": "Target's embedding spread",
    "val/target_rank1": "Target rank-1, %",
    "val/target_mAP": "Target mAP, %",
    "val/source_rank1": "Source rank-1, %",
    "val/source_mAP": "Source mAP, %",
    "val/target_reciprocity": "Target reciprocity (label-free), share",
    "clusters/number": "Clusters",
    "clusters/outliers": "Outliers, share of the images",
    "clusters/largest": "Largest cluster, share of clustered",
    "clusters/agreement": "Agreement with the round before",
    "clusters/same_camera": "Pairs from one camera, share",
}
_GROUPS = {"train/loss_": "Losses", "train/": "Health", "val/": "Validation"}
_CAPTIONS = {
    "Losses": "Each term of the loss at every step; thin: as it was, bold: averaged over neighbouring steps. "
    "A run without a term has no line.",
    "Health": "What tells early that a run goes wrong: no active triplets, domains told apart perfectly, "
    "embeddings falling together.",
    "Validation": "Retrieval during training; target labels serve evaluation alone.",
}
_MOST_POINTS = 200


def curve_galleries(folders: Mapping[str, Path]) -> list[Gallery]:
    """One drawing for each logged figure, all runs in it: losses, health and validation, as far as they were logged.

    Args:
        folders: run folders by label.
    """
    runs = {label: read_curves(folder) for label, folder in folders.items()}
    logged = {name for curves in runs.values() for name in curves}
    names = [name for name in TITLES if name in logged and not name.startswith(CLUSTERS)]
    names += sorted(name for name in logged if name.startswith("train/") and name not in TITLES)
    legend = tuple(Legend(label, number) for number, label in enumerate(runs, start=1))
    galleries = []
    for prefix, title in _GROUPS.items():
        own = [name for name in names if next(start for start in _GROUPS if name.startswith(start)) == prefix]
        if own:
            galleries.append(Gallery(title, _CAPTIONS[title], tuple(_plot(name, runs) for name in own), legend))
    return galleries


def cluster_gallery(run_dir: Path) -> Gallery:
    """What a run of self-training logged of its clusters, a point for each round."""
    curves = read_curves(run_dir)
    names = [name for name in TITLES if name in curves and name.startswith(CLUSTERS)]
    caption = (
        "Each round labels the target anew, without labels. Agreement is adjusted mutual information; how often any "
        "two images are from one camera stands in metrics.csv (clusters/chance)."
    )
    return Gallery("Rounds", caption, tuple(_plot(name, {"self-training": curves}) for name in names))


def _plot(name: str, runs: Mapping[str, Mapping[str, Curve]]) -> Plot:
    title = TITLES.get(name, name.removeprefix("train/"))
    scale = 100 if title.endswith("%") else 1
    described = []
    with page_style():
        figure, axes = new_plot()
        for (label, curves), color in zip(runs.items(), SERIES, strict=False):
            if name not in curves:
                continue
            steps, values = zip(*[(step, scale * value) for step, value in thin(curves[name])], strict=True)
            if name.startswith(("val/", CLUSTERS)):
                axes.plot(steps, values, color=color, marker="o", markersize=4)
            else:
                axes.plot(steps, values, color=color, linewidth=0.8, alpha=0.4)
                axes.plot(steps, smooth(values), color=color)
            described.append(f"{label} from {values[0]:.3g} to {values[-1]:.3g}")
        axes.set_title(title)
        axes.set_xlabel("step")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.margins(x=0.01)
        return Plot(to_svg(figure, name), f"{title} by training step: {'; '.join(described)}.")


def thin(curve: Curve, most: int = _MOST_POINTS) -> list[tuple[int, float]]:
    """At most `most` points of a curve: means over runs of neighbouring steps.

    Example:
        >>> thin([(0, 1.0), (1, 3.0), (2, 5.0), (3, 7.0)], most=2)
        [(1, 2.0), (3, 6.0)]
    """
    size = -(-len(curve) // most)
    parts = [curve[start : start + size] for start in range(0, len(curve), size)] if size else []
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]


def smooth(values: Sequence[float], share: float = 0.05) -> list[float]:
    """Mean over a centred window of `share` of the points, smaller at the ends.

    Example:
        >>> smooth([0.0, 3.0, 0.0, 3.0], share=0.75)
        [1.5, 1.0, 2.0, 1.5]
    """
    reach = int(share * len(values)) // 2
    windows = (values[max(0, place - reach) : place + reach + 1] for place in range(len(values)))
    return [sum(window) / len(window) for window in windows]
