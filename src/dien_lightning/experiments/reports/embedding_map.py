"""Figure 2 c/d: where source and target lie, before and after training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from dien_lightning.experiments.reports.plots import SERIES, Gallery, Legend, Plot, new_plot, page_style, to_svg

Points = NDArray[np.floating]
NEIGHBORS = 10
_SEED = 0


def figure_2(before: tuple[Points, Points], after: tuple[Points, Points], what_before: str) -> Gallery:
    """t-SNE of the L2-normalised features of both domains, before and after training.

    Args:
        before: features (N, D) of source and of target images, by the network as training began.
        after: the trained network's embeddings (N, E) of the same images.
        what_before: what the features before are, for the caption.
    """
    plots = []
    mixed = []
    for title, (source, target) in (("Before training", before), ("After training", after)):
        source, target = normalize(source), normalize(target)  # noqa: PLW2901
        mixed.append(mixing(source, target))
        plots.append(_plot(title, source, target, mixed[-1]))
    return Gallery(
        "Source and target, before and after (figure 2 c, d)",
        f"t-SNE (scikit-learn, PCA start, seed {_SEED}) of {len(before[0])} source and {len(before[1])} target "
        f"training images, L2-normalised. Before: {what_before}, both domains by the batch-norm statistics that it "
        "starts from; "
        "after: the embeddings, each domain by the statistics that it is evaluated with, so part of the change may be "
        f"batch norm's. The share of an image's {NEIGHBORS} nearest neighbours that "
        f"come from the other domain went from {100 * mixed[0]:.0f} % to {100 * mixed[1]:.0f} % (measured on the "
        "features themselves, not on the picture; 50 % would be domains that nothing tells apart).",
        tuple(plots),
        (Legend("source", 1), Legend("target", 2)),
    )


def mixing(source: Points, target: Points, neighbors: int = NEIGHBORS) -> float:
    """Share of the nearest neighbours that come from the other domain; in [0, 1], 0.5 if nothing tells them apart.

    Args:
        source: (N, D).
        target: (N, D).
        neighbors: how many to look at, the point itself left out.

    Example:
        >>> mixing(np.array([[0.0], [0.1]]), np.array([[9.0], [9.1]]), neighbors=1)
        0.0
    """
    points = np.concatenate([source, target])
    domain = np.repeat([0, 1], [len(source), len(target)])
    found = NearestNeighbors(n_neighbors=min(neighbors, len(points) - 1)).fit(points).kneighbors()[1]  # (2N, k)
    return float((domain[found] != domain[:, None]).mean())


def _plot(title: str, source: Points, target: Points, mixed: float) -> Plot:
    points = np.concatenate([source, target])
    perplexity = min(30.0, (len(points) - 1) / 3)
    flat = TSNE(2, perplexity=perplexity, init="pca", random_state=_SEED).fit_transform(points)  # (2N, 2)
    with page_style():
        figure, axes = new_plot(width=4.6, height=4)
        for part, color, marker in ((flat[: len(source)], SERIES[0], "o"), (flat[len(source) :], SERIES[1], "^")):
            axes.scatter(part[:, 0], part[:, 1], s=12, color=color, marker=marker, alpha=0.7, linewidths=0)
        axes.set_title(title)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines["bottom"].set_visible(False)
        svg = to_svg(figure, f"map {title}")
    return Plot(
        svg,
        f"{title}: t-SNE of {len(source)} source images (dots) and {len(target)} target images (triangles); "
        f"{100 * mixed:.0f} % of nearest neighbours are of the other domain.",
    )
