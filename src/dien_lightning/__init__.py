"""dien-lightning: person re-identification embeddings that carry over to cameras nobody labelled."""

from importlib.metadata import version

from dien_lightning.data import DomainPairDataModule, EpochSampler, IdentitySampler, ShardSampler
from dien_lightning.losses import (
    CrossDomainTripletLoss,
    DIENObjective,
    DomainAdversarialLoss,
    ExemplarTripletLoss,
    IdentityLoss,
    gradient_reversal,
)
from dien_lightning.network import DIEN, RecurrentTopDownAttention, load_network, save_network
from dien_lightning.retrieval import Protocol, RetrievalMetric, RetrievalResult, evaluate_retrieval
from dien_lightning.training.module import DIENModule
from dien_lightning.types import UNLABELED, NetworkOutput, Sample

__version__ = version("dien-lightning")

__all__ = [
    "DIEN",
    "UNLABELED",
    "CrossDomainTripletLoss",
    "DIENModule",
    "DIENObjective",
    "DomainAdversarialLoss",
    "DomainPairDataModule",
    "EpochSampler",
    "ExemplarTripletLoss",
    "IdentityLoss",
    "IdentitySampler",
    "NetworkOutput",
    "Protocol",
    "RecurrentTopDownAttention",
    "RetrievalMetric",
    "RetrievalResult",
    "Sample",
    "ShardSampler",
    "evaluate_retrieval",
    "gradient_reversal",
    "load_network",
    "save_network",
]
