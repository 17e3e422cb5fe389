"""A module and a Trainer as small as they can be."""

from __future__ import annotations

import pytorch_lightning as pl

from dien_lightning import DIENModule, DIENObjective
from library.network.networks import small

ROWS = {  # Table I: objective, T
    "r01_base": ({"triplet_weight": 0, "domain_weight": 0}, 0),
    "r02_exemplar": ({"triplet": "exemplar", "domain_weight": 0}, 0),
    "r03_cccdtl": ({"domain_weight": 0}, 0),
    "r04_dc": ({"triplet_weight": 0}, 0),
    "r05_cccdtl_dc": ({}, 0),
    "r06_full_t1": ({}, 1),
    "r08_full_t3": ({}, 3),
    "base_t2": ({"triplet_weight": None, "domain_weight": None}, 2),
}


def build(
    objective_options=(), attention_loops=1, statistics="domain_and_pass", checkpoint_passes=False, **options
) -> DIENModule:
    network = small(attention_loops, statistics=statistics, checkpoint_passes=checkpoint_passes)
    objective = DIENObjective(**({"num_classes": 6, "embedding_dim": 16} | dict(objective_options)))
    return DIENModule(network, objective, **options)


def trainer(**options) -> pl.Trainer:
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    return pl.Trainer(**({"max_epochs": 1, "accelerator": "cpu", "num_sanity_val_steps": 0} | quiet | options))
