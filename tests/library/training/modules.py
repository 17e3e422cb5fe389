"""A module and a Trainer as small as they can be."""

from __future__ import annotations

import pytorch_lightning as pl
import torch

from dien_lightning import DIEN, DIENModule, DIENObjective


def build(objective_options=(), attention_loops=1, statistics="domain_and_pass", **options) -> DIENModule:
    torch.manual_seed(0)
    network = DIEN(
        "resnet18",
        weights=None,
        embedding_dim=16,
        attention_loops=attention_loops,
        image_size=(64, 32),
        statistics=statistics,
    )
    objective = DIENObjective(**({"num_classes": 6, "embedding_dim": 16} | dict(objective_options)))
    return DIENModule(network, objective, **options)


def trainer(**options) -> pl.Trainer:
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    return pl.Trainer(**({"max_epochs": 1, "accelerator": "cpu", "num_sanity_val_steps": 0} | quiet | options))
