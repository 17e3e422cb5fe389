"""Triplet losses across two domains: batch-hard mining, CCCDTL and the exemplar loss it corrects."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, relu

from dien_lightning.checks import check_bool, check_choice, check_range
from dien_lightning.distance import pairwise_euclidean
from dien_lightning.losses.precision import in_full_precision


class HardestPairs(NamedTuple):
    """Distances of each anchor's hardest pairs: (A,) each; smaller is closer."""

    positive: Tensor
    negative: Tensor


class TripletTerms(NamedTuple):
    """What a cross-domain triplet loss is made of: scalars.

    Attributes:
        triplet: the hinge, over all anchors.
        center: distance between the mean normalised embeddings of source and target, in [0, 2]; not weighted.
        active: share of anchors whose hinge is above zero, in [0, 1].
        per_anchor: mean hinge whatever the reduction, for the log alone; at the margin, nothing is told apart.
    """

    triplet: Tensor
    center: Tensor
    active: Tensor
    per_anchor: Tensor


def hardest_pairs(distances: Tensor, positive: Tensor, negative: Tensor) -> HardestPairs:  # (A, N) -> (A,), (A,)
    """Batch-hard mining (Hermans et al., 2017): the farthest positive and the closest negative of each anchor.

    Args:
        distances: (A, N), smaller is closer.
        positive: (A, N), True where the image counts as the anchor's identity; at least one in each row.
        negative: (A, N), True where it counts as another; an anchor without any gets infinity.

    Shape:
        (A, N) three times -> HardestPairs((A,), (A,)).
    """
    farthest = distances.masked_fill(~positive, -math.inf).amax(dim=1)
    closest = distances.masked_fill(~negative, math.inf).amin(dim=1)
    return HardestPairs(farthest, closest)


def center_distance(source: Tensor, target: Tensor) -> Tensor:  # (N, D), (M, D) -> ()
    """Euclidean distance between the mean embeddings of two batches (Pu et al., 2019, eq. 2; called MMD there).

    Args:
        source: (N, D), L2-normalised.
        target: (M, D), L2-normalised.

    Returns:
        The distance; 0 if a batch is empty and has no mean.

    Example:
        >>> center_distance(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0]]))
        tensor(0.7071)
    """
    if not len(source) or not len(target):
        return source.new_zeros(())
    return torch.linalg.vector_norm(source.mean(dim=0) - target.mean(dim=0))  # its gradient at 0 is 0, not NaN


class _TripletLoss(nn.Module):
    """What the two triplet losses share: margin, reduction and the hinge over mined pairs."""

    def __init__(self, margin: float = 0.3, reduction: Literal["mean", "sum"] = "mean") -> None:
        super().__init__()
        check_range("margin", margin, 0, include_low=False)
        check_choice("reduction", reduction, ("mean", "sum"))
        self.margin = margin
        self.reduction = reduction

    def _terms(self, pairs: HardestPairs, center: Tensor) -> TripletTerms:
        hinge = relu(self.margin + pairs.positive - pairs.negative)
        total = hinge.mean() if self.reduction == "mean" else hinge.sum()
        return TripletTerms(total, center, (hinge.detach() > 0).float().mean(), hinge.detach().mean())


class CrossDomainTripletLoss(_TripletLoss):
    """Centering constrained cross-domain triplet loss, CCCDTL (Pu et al., 2019, eq. 2).

    Anchors and hardest positives come from the source alone, hardest negatives from source and target together: two
    unlabelled target images are never pushed apart, they might show one person. A second term draws the two domains'
    mean embeddings together. Inputs are L2-normalised here.

    Args:
        margin: m > 0.
        center_weight: lambda >= 0, the weight of the centre distance.
        reduction: "mean" or "sum" over anchors (the paper leaves this open).
        target_negatives: False mines negatives in the source alone, to see what pushing the target off is worth.

    Shape:
        source (N, D), source_pids (N,), target (M, D) -> scalar.

    Raises:
        ValueError: a margin that is not positive, a negative centre weight, an unknown reduction.

    Example:
        >>> loss = CrossDomainTripletLoss(margin=0.3, center_weight=1.0)
        >>> source = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        >>> loss(source, torch.tensor([0, 0, 1, 1]), source)  # the target lies on the source: hinge 0.3, centre 0
        tensor(0.3000)
    """

    def __init__(
        self,
        margin: float = 0.3,
        center_weight: float = 1.0,
        reduction: Literal["mean", "sum"] = "mean",
        target_negatives: bool = True,
    ) -> None:
        super().__init__(margin, reduction)
        check_range("center_weight", center_weight, 0)
        check_bool("target_negatives", target_negatives)
        self.center_weight = center_weight
        self.target_negatives = target_negatives

    def forward(self, source: Tensor, source_pids: Tensor, target: Tensor) -> Tensor:
        terms = self.terms(source, source_pids, target)
        return terms.triplet + self.center_weight * terms.center if self.center_weight else terms.triplet

    @in_full_precision
    def terms(self, source: Tensor, source_pids: Tensor, target: Tensor) -> TripletTerms:
        """The hinge, the centre distance (not weighted) and what the log shows of the hinge; shapes as in `forward`."""
        source, target = normalize(source, dim=1), normalize(target, dim=1)
        distances = pairwise_euclidean(source, torch.cat([source, target]))  # (N, N + M)
        same = source_pids[:, None] == source_pids  # (N, N)
        across = torch.zeros_like(same[:, :1]).expand(-1, len(target))  # (N, M): no target image is a positive
        pairs = hardest_pairs(
            distances,
            positive=torch.cat([same, across], dim=1),
            negative=torch.cat([~same, ~across if self.target_negatives else across], dim=1),
        )
        return self._terms(pairs, center_distance(source, target))


class ExemplarTripletLoss(_TripletLoss):
    """Triplet loss in which every target image is an identity of its own, TL[8] (Zhong et al., 2018, HHL).

    Target images are anchors too: each is its own positive, and every other image of either domain its negative, so
    two target images of one person are pushed apart. That is what `CrossDomainTripletLoss` corrects. Inputs are
    L2-normalised here.

    Args:
        margin: m > 0.
        reduction: "mean" or "sum" over anchors.

    Shape:
        source (N, D), source_pids (N,), target (M, D) -> scalar.

    Raises:
        ValueError: a margin that is not positive, an unknown reduction.

    Example:
        >>> loss = ExemplarTripletLoss(margin=0.3)
        >>> loss(torch.eye(2), torch.tensor([0, 1]), torch.tensor([[-1.0, 0.0]]))  # all distances are above the margin
        tensor(0.)
    """

    def forward(self, source: Tensor, source_pids: Tensor, target: Tensor) -> Tensor:
        return self.terms(source, source_pids, target).triplet

    @in_full_precision
    def terms(self, source: Tensor, source_pids: Tensor, target: Tensor) -> TripletTerms:
        """The hinge, the centre distance (for the log alone) and what the log shows of the hinge."""
        source, target = normalize(source, dim=1), normalize(target, dim=1)
        images = torch.cat([source, target])  # (N + M, D)
        source_pids = source_pids.long()  # narrower types have no room for as many identities more
        own_identities = source_pids.max() + 1 + torch.arange(len(target), device=target.device)
        pids = torch.cat([source_pids, own_identities])
        same = pids[:, None] == pids
        pairs = hardest_pairs(pairwise_euclidean(images, images), positive=same, negative=~same)
        return self._terms(pairs, center_distance(source.detach(), target.detach()))
