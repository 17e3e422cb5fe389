"""Embeddings to pseudo-labels: whom nobody named, told apart by who is near whom."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from sklearn.cluster import DBSCAN, KMeans
from sklearn.neighbors import sort_graph_by_row_values
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn.functional import normalize

from dien_lightning.checks import check_int, check_range
from dien_lightning.clustering.jaccard import jaccard_distances
from dien_lightning.types import UNLABELED, check_embeddings


def pseudo_labels(
    embeddings: Tensor, *, eps: float = 0.6, min_samples: int = 4, k1: int = 30, k2: int = 6
) -> Tensor:  # (N, D) -> (N,)
    """Clusters of images that are likely to show one person: DBSCAN on Jaccard distances of neighbourhoods.

    Args:
        embeddings: of N images; L2-normalised here.
        eps: Jaccard distance within which two images are neighbours, in (0, 1); the field takes 0.4 to 0.7. Larger
            gives fewer and larger clusters.
        min_samples: neighbours, itself among them, that make an image the core of a cluster.
        k1: see `jaccard_distances`.
        k2: see `jaccard_distances`.

    Returns:
        (N,) int64 on the embeddings' device: clusters count from 0 in the order of their first core image, an outlier
        has -1.

    Raises:
        ValueError: an argument out of its range; embeddings that are not (N, D), or not finite.

    Example:
        >>> people = torch.eye(2).repeat_interleave(4, dim=0) + 0.01 * torch.arange(8)[:, None]
        >>> pseudo_labels(people, k1=3, k2=1)
        tensor([0, 0, 0, 0, 1, 1, 1, 1])
    """
    check_range("eps", eps, 0, 1, include_low=False)
    check_int("min_samples", min_samples, 1, "it is a number of images")
    return label_by_distance(jaccard_distances(embeddings, k1, k2, limit=eps), eps, min_samples).to(embeddings.device)


def label_by_distance(distances: csr_array, eps: float, min_samples: int = 4) -> Tensor:  # (N, N) -> (N,)
    """Labels of `pseudo_labels` by distances that reach to `eps` at least; what is absent is farther."""
    check_range("eps", eps, 0, 1, include_low=False)
    check_int("min_samples", min_samples, 1, "it is a number of images")
    # scikit-learn wants rows nearest first, and takes an image's own explicit 0 as it stands.
    rows = sort_graph_by_row_values(distances, copy=True, warn_when_not_sorted=False)
    found = DBSCAN(eps=eps, min_samples=min_samples, metric="precomputed").fit_predict(rows)
    return torch.from_numpy(found.astype(np.int64))


def reliable_labels(
    embeddings: Tensor, num_clusters: int, *, similarity: float = 0.85, seed: int = 0
) -> Tensor:  # (N, D) -> (N,)
    """PUL's labels (Fan et al., 2018): k-means, and of its labels those near a center's image.

    A cluster's center is the image nearest to its mean; an image is reliable where its cosine to any center exceeds
    `similarity`.

    Args:
        embeddings: of N images, as they are.
        num_clusters: about as many as there are people.
        similarity: in [-1, 1); no cosine exceeds 1.
        seed: the first centers are drawn from it.

    Returns:
        (N,) int64 on the embeddings' device, in 0..num_clusters-1; -1 where it is not reliable.

    Raises:
        ValueError: an argument out of its range, more clusters than images; embeddings that are not (N, D).

    Example:
        >>> people = torch.tensor([[3.0, 0.0], [3.0, 0.1], [0.0, 2.0], [1.9, 2.1], [0.1, 2.0]])
        >>> reliable_labels(people, 2).unique(return_counts=True)[1].tolist()  # the fourth is near no center
        [1, 2, 2]
    """
    check_int("num_clusters", num_clusters, 2, "take about as many as the target has people")
    check_range("similarity", similarity, -1, 1)
    check_embeddings("embeddings", embeddings)
    if num_clusters > len(embeddings):
        raise ValueError(f"num_clusters={num_clusters} is more than there are images, {len(embeddings)}; lower it.")
    images = embeddings.detach().float().cpu()
    with threadpool_limits(1):  # threads add up in any order, and a center that moves moves labels
        means = KMeans(num_clusters, n_init=1, random_state=seed).fit(images.numpy())
    centers = images[torch.cdist(torch.from_numpy(means.cluster_centers_), images).argmin(1)]  # (K, D)
    nearest = (normalize(images, dim=1) @ normalize(centers, dim=1).T).amax(1)  # (N,)
    labels = torch.from_numpy(means.labels_.astype(np.int64))
    return labels.where(nearest > similarity, UNLABELED).to(embeddings.device)
