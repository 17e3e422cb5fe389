"""The objective of self-training: the target by pseudo-labels, with or without the source and a domain classifier."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import normalize

from dien_lightning.checks import check_choice, check_range
from dien_lightning.losses.cluster import ClusterMemoryLoss
from dien_lightning.losses.domain import DomainAdversarialLoss
from dien_lightning.losses.identity import IdentityLoss
from dien_lightning.losses.objective import ObjectiveOutput, embedding_spread
from dien_lightning.losses.precision import in_full_precision
from dien_lightning.losses.triplet import center_distance


class SelfTrainingObjective(nn.Module):
    """L_cluster (+ L_source) (+ beta2 L_domain).

    With a memory (`num_clusters` None), L_cluster is `ClusterMemoryLoss` of the target, and L_source that of the
    source: in the same memory (SpCL's source term), so that each image is told apart from the classes of both domains,
    or in one of its own, so that it is told apart from those of its own domain alone. With `num_clusters`, L_cluster is
    a classifier of so many clusters: PUL.

    Args:
        embedding_dim: D.
        source_term: "none" trains on the target alone; "spcl" on the source as well, in the same memory; "separate" on
            the source as well, in a memory of its own.
        num_clusters: of PUL; None keeps a memory.
        temperature: of each memory.
        momentum: of each memory; None takes 0.1, and 0.2 with "spcl", as these were published.
        hard: see `ClusterMemoryLoss`.
        identity_dropout: before PUL's classifier.
        domain_weight: beta2; 0 or None leaves the domain classifier out, and the source with it.
        domain_dropout: inside the domain classifier.
        reversal: coefficient of the reversed gradient.
        reversal_schedule: "constant" or "dann".

    Shape:
        target (M, D), rows (M,): entries of the memory, or PUL's classes; source (N, D), source_pids (N,) or None ->
        ObjectiveOutput.

    Raises:
        ValueError: an argument out of its range; PUL with a source term; a missing source where a term needs it.

    Example:
        >>> [SelfTrainingObjective(8, source_term=term).needs_source for term in ("none", "spcl", "separate")]
        [False, True, True]
    """

    needs_target = True

    def __init__(
        self,
        embedding_dim: int = 2048,
        *,
        source_term: Literal["none", "spcl", "separate"] = "none",
        num_clusters: int | None = None,
        temperature: float = 0.05,
        momentum: float | None = None,
        hard: bool = False,
        identity_dropout: float = 0.5,
        domain_weight: float | None = None,
        domain_dropout: float = 0.0,
        reversal: float = 1.0,
        reversal_schedule: Literal["constant", "dann"] = "constant",
    ) -> None:
        super().__init__()
        check_choice("source_term", source_term, ("none", "spcl", "separate"))
        self.domain_weight = domain_weight or 0.0
        check_range("domain_weight", self.domain_weight, 0)
        if num_clusters is not None and source_term != "none":
            raise ValueError(f"source_term={source_term!r} needs a memory, and PUL has none; set source_term='none'.")
        self.embedding_dim = embedding_dim
        self.source_term = source_term
        self.memory: ClusterMemoryLoss | None = None
        self.source_memory: ClusterMemoryLoss | None = None
        self.identity: IdentityLoss | None = None
        if num_clusters is None:
            kept = (0.2 if source_term == "spcl" else 0.1) if momentum is None else momentum
            self.memory = ClusterMemoryLoss(temperature, kept, hard)
            if source_term == "separate":
                self.source_memory = ClusterMemoryLoss(temperature, kept, hard)
            elif source_term == "spcl":
                self.source_memory = self.memory  # whose first entries are the source's classes
        else:
            self.identity = IdentityLoss(num_clusters, embedding_dim, identity_dropout)
        self.domain: DomainAdversarialLoss | None = None
        if self.domain_weight:
            self.domain = DomainAdversarialLoss(embedding_dim, None, domain_dropout, reversal, reversal_schedule)

    @property
    def needs_source(self) -> bool:
        """Whether any term looks at source images; if not, none need be loaded."""
        return self.source_term != "none" or self.domain is not None

    @property
    def shares_memory(self) -> bool:
        """Whether source and target have one memory, so that each image is told apart from the classes of both."""
        return self.memory is not None and self.source_memory is self.memory

    @property
    def memories(self) -> dict[str, ClusterMemoryLoss]:
        """What it remembers from step to step, by its name here; one that both domains share stands once."""
        return {name: part for name, part in self.named_children() if isinstance(part, ClusterMemoryLoss)}

    @in_full_precision
    def forward(
        self,
        target: Tensor,
        rows: Tensor,
        source: Tensor | None = None,
        source_pids: Tensor | None = None,
        progress: float = 1.0,
    ) -> ObjectiveOutput:
        health = {"target_spread": embedding_spread(target.detach())}
        terms: dict[str, Tensor] = {}
        if self.identity is not None:
            terms["cluster"] = self.identity(target, rows)
        else:
            assert self.memory is not None
            cluster = self.memory.terms(target, rows)
            terms["cluster"], health["cluster_accuracy"] = cluster.total, cluster.accuracy
        total = terms["cluster"]
        if source is not None and source_pids is not None:
            units = (normalize(embedding.detach(), dim=1) for embedding in (source, target))
            health |= {
                "embedding_spread": embedding_spread(source.detach()),
                "center_distance": center_distance(*units),
            }
            if self.source_memory is not None:
                terms["source"] = self.source_memory(source, source_pids)
                total = total + terms["source"]
            if self.domain is not None:
                domain = self.domain.terms(source, target, progress)
                terms["domain"], health["domain_accuracy"] = domain.total, domain.accuracy
                total = total + self.domain_weight * domain.total
        elif self.needs_source:
            raise ValueError(
                "the objective needs source embeddings; give them, or set source_term='none' and no domain."
            )
        return ObjectiveOutput(total, {name: term.detach() for name, term in terms.items()}, health)

    def update(self, target: Tensor, rows: Tensor, source: Tensor | None, source_pids: Tensor | None) -> None:
        """Let a batch move what memories there are; shapes as in `forward`."""
        if self.source_memory is not None and source is not None and source_pids is not None:
            self.source_memory.update(source, source_pids)
        if self.memory is not None:
            self.memory.update(target, rows)
