"""What an older run did that does not say it: settings that went since, and those that have come."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from dien_lightning.network.files import ONCE

# Options that went; a run that has them so did what every run does today.
_GONE: dict[str, Any] = {
    **{f"network.{name}": value for name, value in ONCE.items()},
    "objective.domain_hidden_dim": None,
    "objective.reduction": "mean",
    "optim.channels_last": True,
    "optim.join": True,
    "optim.warmup": 0.3,
    "protocol.single_gallery_shot": False,
}
# What a run did that does not say: those, and options that have come since.
UNSAID: dict[str, Any] = {
    **_GONE,
    "data.multi_query": False,
    "network.attention_stride": 1,
    "network.final_norm": False,
    "network.last_stride": 2,
    "network.pooling": "average_and_max",
    "objective.target_negatives": True,
    "optim.algorithm": "sgd",
    "protocol.clothes": "any",
    "protocol.draws": 0,
    "protocol.shots": 1,
    "protocol.search": "query",
    "callbacks.choice._target_": "EpochChoice",
    "callbacks.choice.images": 2000,
    "callbacks.seed_each_step._target_": "SeedEachStep",
}
UNSAID_AS = {  # as another setting of the run
    "data.gather_batch_size": "data.eval_batch_size",
    "callbacks.seed_each_step.seed": "seed",
}


def as_today(config: DictConfig) -> DictConfig:
    """An older run's configuration without the options that went, where it has them as every run does today."""
    kept: DictConfig = OmegaConf.create(OmegaConf.to_container(config))  # type: ignore[assignment]
    for name, value in _GONE.items():
        group, _, key = name.partition(".")
        if OmegaConf.select(kept, name, default=...) == value:  # None is a value
            del kept[group][key]
    return kept
