"""Triplet losses across two domains: batch-hard mining, CCCDTL and the exemplar loss it corrects."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, relu

from dien_lightning.checks import check_bool, check_range
from dien_lightning.distance import pairwise_euclidean
from dien_lightning.losses.precision import in_full_precision


class TripletTerms(NamedTuple):
    """A triplet loss and what it is made of: scalars.

    Attributes:
        total: the whole loss.
        triplet: mean hinge over the anchors; at the margin, nothing is told apart.
        active: share of anchors whose hinge is above zero, in [0, 1].
        center: distance between the mean normalised embeddings of source and target, in [0, 2], before its weight;
            None where it is no term of the loss.
    """

    total: Tensor
    triplet: Tensor
    active: Tensor
    center: Tensor | None = None


def hardest_hinges(distances: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:  # (A, N) -> (A,)
    """max(0, margin + p - n) of each anchor, p to its farthest positive and n to its closest negative.

    This is batch-hard mining (Hermans et al., 2017).

    Args:
        distances: (A, N), smaller is closer.
        positive: (A, N), True where the image counts as the anchor's identity; at least one in each row.
        negative: (A, N), True where it counts as another; an anchor without any has a hinge of 0.
        margin: m.
    """
    farthest = distances.masked_fill(~positive, -math.inf).amax(dim=1)
    closest = distances.masked_fill(~negative, math.inf).amin(dim=1)
    return relu(margin + farthest - closest)


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


class CrossDomainTripletLoss(nn.Module):
    """Centering constrained cross-domain triplet loss, CCCDTL (Pu et al., 2019, eq. 2).

    Anchors and hardest positives come from the source alone, hardest negatives from source and target together: two
    unlabelled target images are never pushed apart, they might show one person. A second term draws the two domains'
    mean embeddings together. Inputs are L2-normalised here.

    Args:
        margin: m > 0.
        center_weight: lambda >= 0, the weight of the centre distance.
        target_negatives: False mines negatives in the source alone, to see what pushing the target off is worth.

    Shape:
        source (N, D), source_pids (N,), target (M, D) -> scalar. The source is labelled: -1 is a person as any other.

    Raises:
        ValueError: a margin that is not positive, a negative centre weight.

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
        target_negatives: bool = True,
    ) -> None:
        super().__init__()
        check_range("margin", margin, 0, include_low=False)
        check_range("center_weight", center_weight, 0)
        check_bool("target_negatives", target_negatives)
        self.margin = margin
        self.center_weight = center_weight
        self.target_negatives = target_negatives

    def forward(self, source: Tensor, source_pids: Tensor, target: Tensor) -> Tensor:
        return self.terms(source, source_pids, target).total

    @in_full_precision
    def terms(self, source: Tensor, source_pids: Tensor, target: Tensor) -> TripletTerms:
        """The loss and what it is made of; shapes as in `forward`."""
        source, target = normalize(source, dim=1), normalize(target, dim=1)
        distances = pairwise_euclidean(source, torch.cat([source, target]))  # (N, N + M)
        same = source_pids[:, None] == source_pids  # (N, N)
        across = torch.zeros_like(same[:, :1]).expand(-1, len(target))  # (N, M): no target image is a positive
        hinges = hardest_hinges(
            distances,
            positive=torch.cat([same, across], dim=1),
            negative=torch.cat([~same, ~across if self.target_negatives else across], dim=1),
            margin=self.margin,
        )
        triplet, active = hinges.mean(), (hinges.detach() > 0).float().mean()
        if not self.center_weight:
            return TripletTerms(triplet, triplet, active)
        center = center_distance(source, target)
        return TripletTerms(triplet + self.center_weight * center, triplet, active, center)


class ExemplarTripletLoss(nn.Module):
    """Triplet loss in which every target image is an identity of its own, TL[8] (Zhong et al., 2018, HHL).

    Target images are anchors too: each is its own positive, and every other image of either domain its negative, so
    two target images of one person are pushed apart. That is what `CrossDomainTripletLoss` corrects. Inputs are
    L2-normalised here.

    Args:
        margin: m > 0.

    Shape:
        source (N, D), source_pids (N,), target (M, D) -> scalar. The source is labelled: -1 is a person as any other.

    Raises:
        ValueError: a margin that is not positive.

    Example:
        >>> loss = ExemplarTripletLoss(margin=0.3)
        >>> loss(torch.eye(2), torch.tensor([0, 1]), torch.tensor([[-1.0, 0.0]]))  # all distances are above the margin
        tensor(0.)
    """

    def __init__(self, margin: float = 0.3) -> None:
        super().__init__()
        check_range("margin", margin, 0, include_low=False)
        self.margin = margin

    def forward(self, source: Tensor, source_pids: Tensor, target: Tensor) -> Tensor:
        return self.terms(source, source_pids, target).total

    @in_full_precision
    def terms(self, source: Tensor, source_pids: Tensor, target: Tensor) -> TripletTerms:
        """The loss and what it is made of; shapes as in `forward`."""
        source, target = normalize(source, dim=1), normalize(target, dim=1)
        images = torch.cat([source, target])  # (N + M, D)
        source_pids = source_pids.long()  # narrower types have no room for as many identities more
        own_identities = source_pids.max() + 1 + torch.arange(len(target), device=target.device)
        pids = torch.cat([source_pids, own_identities])
        same = pids[:, None] == pids
        hinges = hardest_hinges(pairwise_euclidean(images, images), same, ~same, self.margin)
        triplet = hinges.mean()
        return TripletTerms(triplet, triplet, (hinges.detach() > 0).float().mean())
