"""dien-lightning: person re-identification embeddings that carry over to cameras nobody labelled.

Names are imported when they are first used: `import dien_lightning` alone does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for editors and type checkers, who run nothing
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
    from dien_lightning.training import DIENModule, Extractor, Recipe, embed_images
    from dien_lightning.types import UNLABELED, NetworkOutput, Sample

    __version__: str

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
    "Extractor",
    "IdentityLoss",
    "IdentitySampler",
    "NetworkOutput",
    "Protocol",
    "Recipe",
    "RecurrentTopDownAttention",
    "RetrievalMetric",
    "RetrievalResult",
    "Sample",
    "ShardSampler",
    "embed_images",
    "evaluate_retrieval",
    "gradient_reversal",
    "load_network",
    "save_network",
]

_ROOMS = ("types", "losses", "network", "retrieval", "data", "training")  # those without Lightning first


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("dien-lightning")
    if name in _ROOMS:
        return import_module(f"dien_lightning.{name}")
    if name in __all__:
        rooms = (import_module(f"dien_lightning.{room}") for room in _ROOMS)
        return next(getattr(room, name) for room in rooms if hasattr(room, name))
    raise AttributeError(f"module 'dien_lightning' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
