"""What a training needs, checked before its first step, and what makes its figures differ from another's."""

from __future__ import annotations

import math
from typing import Any

from dien_lightning.losses import DIENObjective
from dien_lightning.network import DIEN
from dien_lightning.retrieval import Protocol


def check_fits_together(network: DIEN, objective: DIENObjective) -> None:
    """Raise a ValueError unless the objective takes embeddings as wide as the network's."""
    wanted = objective.identity.classifier.in_features
    if wanted != network.embedding_dim:
        raise ValueError(
            f"the network gives embeddings of {network.embedding_dim} numbers and the objective takes {wanted}; give "
            f"both the same embedding_dim."
        )


def check_fit(trainer: Any, objective: DIENObjective) -> None:
    """Raise a ValueError where this training would break down, or lose its batches without a word.

    Args:
        trainer: Lightning's, about to fit.
        objective: what is to be trained.
    """
    if str(trainer.precision) in ("bf16-true", "16-true"):
        raise ValueError(
            f"precision={trainer.precision} (trainer.precision) makes the losses' weights half precision, where "
            f"distances have too few digits; choose bf16-mixed."
        )
    if trainer.overfit_batches:
        raise ValueError(
            f"overfit_batches={trainer.overfit_batches} takes the sampler of P x K batches away; for a quick look give "
            f"the data module steps_per_epoch=2."
        )
    adversary = objective.domain
    if adversary and adversary.schedule == "dann" and math.isinf(trainer.estimated_stepping_batches):
        raise ValueError("reversal_schedule='dann' needs to know its end: set max_epochs or max_steps, or constant.")
    data = getattr(trainer, "datamodule", None)
    if objective.needs_target and getattr(data, "target_batch_size", None) == 0:
        raise ValueError(
            "target_batch_size=0 (data.target_batch_size) leaves out the target, and the objective has terms that "
            "need it; give it a batch, or set triplet_weight=0 and domain_weight=0."
        )
    classes, identities = objective.identity.classifier.out_features, getattr(data, "num_classes", 0)
    if classes < identities:
        raise ValueError(
            f"the objective tells {classes} identities apart (num_classes) and the source has {identities}; build it "
            f"with num_classes=data.num_classes."
        )


def check_counting(data: Any, protocol: Protocol) -> None:
    """Raise a ValueError where a data module takes matches of the same camera and the protocol drops them."""
    if getattr(data, "cameras", None) == "none" and protocol.same_camera == "drop":
        raise ValueError(
            "the data module has cameras='none', and the protocol drops matches of the query's own camera; give "
            "DIENModule protocol=Protocol(same_camera='keep')."
        )


def differs_from_one_process(processes: int, network: DIEN) -> str:
    """Why several processes do not train as one would; empty where they do."""
    if processes == 1 or network.hyperparameters["synchronize"]:
        return ""
    return (
        f"synchronize=False (network.synchronize): each of {processes} processes normalises by its own part of the "
        f"batch, and the first one's running statistics are kept; figures differ from those of one process."
    )
