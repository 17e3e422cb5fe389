"""Embeddings to pseudo-labels of images that nobody labelled."""

from dien_lightning.clustering.jaccard import jaccard_distances
from dien_lightning.clustering.labels import label_by_distance, pseudo_labels, reliable_labels
from dien_lightning.clustering.reliability import Reliable, overlap_with, reliable_clusters
from dien_lightning.clustering.summary import ClusterSummary, summarize_clusters

__all__ = [
    "ClusterSummary",
    "Reliable",
    "jaccard_distances",
    "label_by_distance",
    "overlap_with",
    "pseudo_labels",
    "reliable_clusters",
    "reliable_labels",
    "summarize_clusters",
]
