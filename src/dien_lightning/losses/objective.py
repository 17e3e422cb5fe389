"""The whole objective: identity + beta1 triplet + beta2 domain (lambda: triplet.py). A term that is off is absent."""

from __future__ import annotations

from typing import Literal, NamedTuple

from torch import Tensor, nn
from torch.nn.functional import normalize

from dien_lightning.checks import check_choice, check_range
from dien_lightning.losses.domain import DomainAdversarialLoss
from dien_lightning.losses.identity import IdentityLoss
from dien_lightning.losses.precision import in_full_precision
from dien_lightning.losses.triplet import CrossDomainTripletLoss, ExemplarTripletLoss, center_distance


class ObjectiveOutput(NamedTuple):
    """The sum to minimise, its terms (not weighted) and health figures; scalars, all but `total` detached.

    Attributes:
        total: what the optimiser sees.
        terms: by name, those that are on; each objective names its own (here identity, triplet, center, domain).
        health: by name, those that are known; each objective names its own (here "active_triplets" and
            "domain_accuracy" in [0, 1], "center_distance" in [0, 2], "embedding_spread" and "target_spread" in [0, 1]
            (0: all embeddings of source, or target, are one)).
    """

    total: Tensor
    terms: dict[str, Tensor]
    health: dict[str, Tensor]


def embedding_spread(embedding: Tensor) -> Tensor:  # (B, D) -> ()
    """Root mean squared distance of L2-normalised embeddings from their mean, in [0, 1]; 0 means they collapsed.

    Example:
        >>> import torch
        >>> embedding_spread(torch.tensor([[2.0, 0.0], [-1.0, 0.0]]))
        tensor(1.)
    """
    unit = normalize(embedding, dim=1)
    return (unit - unit.mean(dim=0)).square().sum(dim=1).mean().sqrt()


class DIENObjective(nn.Module):
    """L_identity + beta1 L_triplet + beta2 L_domain (Pu et al., 2019, eq. 5).

    Args:
        num_classes: identities in the source's training set.
        embedding_dim: D.
        triplet: "cross_domain" (CCCDTL) or "exemplar" (TL[8], which has no centre term).
        triplet_weight: beta1; 0 or None leaves the term out.
        domain_weight: beta2; 0 or None leaves the term out.
        margin: m.
        center_weight: lambda; 0 or None leaves the centre term out.
        target_negatives: False keeps target images out of CCCDTL's negatives.
        identity_dropout: before the identity classifier.
        domain_dropout: inside the domain classifier.
        reversal: coefficient of the reversed gradient.
        reversal_schedule: "constant" or "dann".

    Shape:
        source (N, D), source_pids (N,), target (M, D) or None -> ObjectiveOutput.

    Raises:
        ValueError: an argument out of its range; a missing target where a term needs it.

    Example:
        >>> base = DIENObjective(num_classes=10, embedding_dim=8, triplet_weight=0, domain_weight=0)
        >>> base.needs_target, base.triplet, base.domain
        (False, None, None)
    """

    def __init__(
        self,
        num_classes: int,
        embedding_dim: int = 2048,
        *,
        triplet: Literal["cross_domain", "exemplar"] = "cross_domain",
        triplet_weight: float | None = 1.0,
        domain_weight: float | None = 0.1,
        margin: float = 0.3,
        center_weight: float | None = 1.0,
        target_negatives: bool = True,
        identity_dropout: float = 0.5,
        domain_dropout: float = 0.0,
        reversal: float = 1.0,
        reversal_schedule: Literal["constant", "dann"] = "constant",
    ) -> None:
        super().__init__()
        self.embedding_dim = embedding_dim
        self.triplet_weight = triplet_weight or 0.0
        self.domain_weight = domain_weight or 0.0
        check_range("triplet_weight", self.triplet_weight, 0)
        check_range("domain_weight", self.domain_weight, 0)
        check_choice("triplet", triplet, ("cross_domain", "exemplar"))
        center_weight = center_weight or 0.0
        check_range("center_weight", center_weight, 0)
        self.identity = IdentityLoss(num_classes, embedding_dim, identity_dropout)
        self.triplet: CrossDomainTripletLoss | ExemplarTripletLoss | None = None
        if self.triplet_weight:
            self.triplet = (
                CrossDomainTripletLoss(margin, center_weight, target_negatives)
                if triplet == "cross_domain"
                else ExemplarTripletLoss(margin)
            )
        self.domain: DomainAdversarialLoss | None = None
        if self.domain_weight:
            self.domain = DomainAdversarialLoss(embedding_dim, None, domain_dropout, reversal, reversal_schedule)

    @property
    def needs_target(self) -> bool:
        """Whether any term looks at target images; if not (Base), none need be loaded."""
        return self.triplet is not None or self.domain is not None

    @in_full_precision
    def forward(
        self, source: Tensor, source_pids: Tensor, target: Tensor | None = None, progress: float = 1.0
    ) -> ObjectiveOutput:
        total = self.identity(source, source_pids)
        terms: dict[str, Tensor | None] = {"identity": total}
        health = {"embedding_spread": embedding_spread(source.detach())}
        triplet = None
        if target is not None:
            triplet = None if self.triplet is None else self.triplet.terms(source, source_pids, target)
            health["target_spread"] = embedding_spread(target.detach())
            if triplet is not None and triplet.center is not None:
                health["center_distance"] = triplet.center.detach()
            else:
                health["center_distance"] = center_distance(*(normalize(e.detach(), dim=1) for e in (source, target)))
        elif self.needs_target:
            raise ValueError(
                "the objective needs target embeddings; give them, or switch triplet and domain terms off."
            )
        if triplet is not None:
            total = total + self.triplet_weight * triplet.total
            terms |= {"triplet": triplet.triplet, "center": triplet.center}
            health["active_triplets"] = triplet.active
        if self.domain is not None and target is not None:
            domain = self.domain.terms(source, target, progress)
            total = total + self.domain_weight * domain.total
            terms["domain"] = domain.total
            health["domain_accuracy"] = domain.accuracy
        return ObjectiveOutput(total, {name: term.detach() for name, term in terms.items() if term is not None}, health)
