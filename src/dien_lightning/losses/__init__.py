"""Embeddings to scalars: the terms of the objective and their sum."""

from dien_lightning.losses.cluster import ClusterMemoryLoss
from dien_lightning.losses.domain import DomainAdversarialLoss, gradient_reversal
from dien_lightning.losses.identity import IdentityLoss
from dien_lightning.losses.objective import DIENObjective, ObjectiveOutput
from dien_lightning.losses.self_training import SelfTrainingObjective
from dien_lightning.losses.triplet import CrossDomainTripletLoss, ExemplarTripletLoss

__all__ = [
    "ClusterMemoryLoss",
    "CrossDomainTripletLoss",
    "DIENObjective",
    "DomainAdversarialLoss",
    "ExemplarTripletLoss",
    "IdentityLoss",
    "ObjectiveOutput",
    "SelfTrainingObjective",
    "gradient_reversal",
]
