"""Self-training goes in rounds: label the target by the network, train on the labels, begin again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from dien_lightning.checks import check_bool, check_choice, check_int, check_range
from dien_lightning.types import UNLABELED

_SPCL_STEP = 0.02  # how far SpCL moves eps to see which clusters hold
# From where on `troubles` warns; docs/self-training.md tells what these rest on.
_GIANT, _GIANT_OF_TWO = 0.3, 0.9
_OUTLIERS = 0.9
_BY_CAMERA, _ROOM = 0.5, 0.05


class Labeled(NamedTuple):
    """Pseudo-labels of N images: -1 for outliers, clusters count from 0.

    Attributes:
        labels: (N,) on the CPU, wherever the embeddings are.
        threshold: of SpCL's independence, fixed by the first round; None where it is not asked for.
    """

    labels: Tensor
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """How often the target is labelled anew, and how.

    Args:
        method: "clusters": DBSCAN on Jaccard distances, each round trains on; "pul": k-means and what is reliable of
            it, each round begins with the first network again (Fan et al., 2018).
        epochs: of each round.
        eps: Jaccard distance within which two images are neighbours; see `clustering.pseudo_labels`.
        min_samples: neighbours that make a core of a cluster.
        k1: see `clustering.jaccard_distances`.
        k2: see `clustering.jaccard_distances`.
        reliable: keep what holds when eps moves by 0.02 alone, as SpCL does; see `clustering.reliable_clusters`.
        num_clusters: K of "pul", about as many as the target has people.
        similarity: cosine to a center that makes an image reliable, for "pul".
        seed: k-means and PUL's classifiers are drawn from it.

    Raises:
        ValueError: an argument out of its range, "pul" without num_clusters.

    Example:
        >>> Rounds(method="pul", num_clusters=700, epochs=20).similarity
        0.85
    """

    method: Literal["clusters", "pul"] = "clusters"
    epochs: int = 1
    eps: float = 0.6
    min_samples: int = 4
    k1: int = 30
    k2: int = 6
    reliable: bool = False
    num_clusters: int | None = None
    similarity: float = 0.85
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("method", self.method, ("clusters", "pul"))
        check_int("epochs", self.epochs, 1, "it is the number of epochs of a round")
        check_range("eps", self.eps, 0, 1, include_low=False)
        for name in ("min_samples", "k1", "k2"):
            check_int(name, getattr(self, name), 1, "it is a number of images")
        check_bool("reliable", self.reliable)
        if self.reliable:
            check_range("eps", self.eps, _SPCL_STEP, 1 - _SPCL_STEP, include_low=False)
        check_range("similarity", self.similarity, -1, 1)
        check_int("seed", self.seed, 0, "k-means is drawn from it")
        if self.method == "pul":
            check_int("num_clusters", self.num_clusters, 2, "PUL takes about as many as the target has people")

    def label(self, embeddings: Tensor, threshold: float | None = None) -> Labeled:
        """Labels of L2-normalised embeddings, (N, D) -> (N,).

        Args:
            embeddings: of all images of the target.
            threshold: of the rounds before; None in the first.
        """
        # scikit-learn takes a second to import, which nothing else needs.
        from dien_lightning import clustering  # noqa: PLC0415

        if self.method == "pul":
            assert self.num_clusters is not None
            found = clustering.reliable_labels(
                embeddings, self.num_clusters, similarity=self.similarity, seed=self.seed
            )
            return Labeled(found.cpu())
        if not self.reliable:
            how = {"eps": self.eps, "min_samples": self.min_samples, "k1": self.k1, "k2": self.k2}
            return Labeled(clustering.pseudo_labels(embeddings, **how).cpu())  # type: ignore[arg-type]
        distances = clustering.jaccard_distances(embeddings, self.k1, self.k2, limit=self.eps + _SPCL_STEP)
        labels, looser, tighter = (
            clustering.label_by_distance(distances, self.eps + step, self.min_samples)
            for step in (0.0, _SPCL_STEP, -_SPCL_STEP)
        )
        kept = clustering.reliable_clusters(labels, looser, tighter, threshold)
        is_kept = kept.labels != UNLABELED
        labels[is_kept] = torch.unique(kept.labels[is_kept], return_inverse=True)[1]  # without gaps
        labels[~is_kept] = UNLABELED
        return Labeled(labels, kept.threshold if math.isfinite(kept.threshold) else None)


def figures_of(summary: Any) -> dict[str, float]:
    """What is logged of a round's clusters: `clusters/number` and so on, as far as it is known.

    Args:
        summary: `clustering.ClusterSummary`.
    """
    names = ("outliers", "largest", "agreement", "same_camera", "chance")
    figures = {"number": summary.clusters, **{name: getattr(summary, name) for name in names}}
    return {f"clusters/{name}": float(value) for name, value in figures.items() if value is not None}


def troubles(summary: Any, method: str = "clusters") -> dict[str, str]:
    """What is wrong with a round's clusters, by its name, each with a remedy.

    - One giant cluster: it holds more than 0.3 of the clustered images and more than twice its even share, or 0.9 where
      there are two: eps is too large, or all embeddings are alike.
    - Nine in ten images are outliers: eps is too small.
    - Clusters that follow cameras: `same_camera` is more than half of the way from chance to 1, as where half of the
      pairs lie in clusters of one camera and the others mix them as chance does. Nothing is said where more than 0.9 of
      all pairs are of one camera.

    docs/self-training.md tells what these numbers rest on.

    Args:
        summary: `clustering.ClusterSummary`.
        method: of the round.
    """
    larger, smaller = ("Raise rounds.eps", "Lower rounds.eps")
    if method == "pul":
        larger, smaller = ("Lower rounds.similarity", "Raise rounds.num_clusters")
    found = {}
    if summary.outliers >= _OUTLIERS:
        found["outliers"] = (
            f"{summary.outliers:.0%} of the target's images are in no cluster: they are left out or, with "
            f"source_term=spcl, each learned alone. {larger}, or begin with a network that was trained longer on the "
            f"source."
        )
    if summary.clusters and summary.largest > max(_GIANT, min(_GIANT_OF_TWO, 2 / summary.clusters)):
        found["giant"] = (
            f"one cluster holds {summary.largest:.0%} of the clustered images ({summary.clusters} clusters): different "
            f"people are taken for one. {smaller}."
        )
    room = 0.0 if summary.chance is None else 1 - summary.chance
    if _BY_CAMERA * room > _ROOM and summary.same_camera - summary.chance > _BY_CAMERA * room:
        found["cameras"] = (
            f"two images of a cluster are of one camera in {summary.same_camera:.0%} of all cases (by chance "
            f"{summary.chance:.0%}): clusters follow cameras as much as people. {larger}, or begin with a network that "
            f"was adapted to the target (experiment=demo, not ablation=r01_base)."
        )
    return found


def check_drawn_once(rounds: Rounds | None, data: Any) -> None:
    """Raise a ValueError where a batch would hold an image of PUL's, which draws images and no clusters, many times.

    Args:
        rounds: of the training.
        data: a `SelfTrainingDataModule`.
    """
    if rounds is not None and rounds.method == "pul" and data.target_num_instances != 1:
        raise ValueError(
            f"data.target_num_instances={data.target_num_instances} is for clusters, and rounds by 'pul' draw images: "
            "each would be so many times in a batch; set data.target_num_instances=1."
        )


def check_two_clusters(summary: Any, method: str, epoch: int) -> None:
    """Raise a ValueError, with the remedy of `troubles`, where clusters alone have nothing to be told apart from.

    Args:
        summary: `clustering.ClusterSummary`.
        method: of the round.
        epoch: that it begins with.
    """
    if summary.clusters < 2:
        sentence = troubles(summary, method)["giant" if summary.clusters else "outliers"]
        or_else = "" if method == "pul" else " Or keep the source's classes in the same memory: source_term=spcl."
        raise ValueError(f"epoch {epoch}: self-training needs two clusters to tell apart, and {sentence}{or_else}")
