"""A training step three ways: a loop by hand, a lean one, and `Trainer.fit` as `dien train` has it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig

from dien_lightning import DIEN, DIENModule, DIENObjective, DomainPairDataModule, Recipe
from dien_lightning.training import (
    Checkpoints,
    HealthMonitor,
    MetricsFile,
    SeedEachStep,
    StopAtNonFinite,
    resolve_precision,
)


def wall() -> float:
    """Seconds by the clock, when a GPU has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


CLOCKS = {"cpu": time.process_time, "wall": wall}
RATES = dict.fromkeys(("backbone", "embedding", "attention", "identity", "domain"), 1e-4)


def network_of(options: DictConfig, attention_loops: int, **changes: Any) -> DIEN:
    """A network with random weights."""
    torch.manual_seed(0)
    size = (options.height, options.height // 2)
    return DIEN(options.backbone, None, 2048, attention_loops, image_size=size, **changes)


def batch_of(options: DictConfig) -> list[torch.Tensor]:
    """One batch of noise for each domain."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(options.images, 3, options.height, options.height // 2, generator=generator) for _ in range(2)]


# ---- contestants: each gives the seconds of a step ----


def by_hand(options: DictConfig, attention_loops: int = 0, *, lean: bool = True) -> float:
    """A loop as one writes it: the same network, losses and optimiser, and nothing beside them."""
    network = network_of(options, attention_loops)
    objective = DIENObjective(64, 2048)
    layout = torch.channels_last if lean else torch.contiguous_format
    source, target = (images.contiguous(memory_format=layout) for images in batch_of(options))
    network = network.to(memory_format=layout) if lean else network
    pids = torch.arange(options.images) // 2
    optimizer = Recipe(learning_rates=RATES).optimizer(network, objective)
    half = lean and resolve_precision("auto", "cpu") == "bf16-mixed"
    begin = 0.0
    for step in range(options.steps + 1):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            embeddings = network(source, "source").embedding, network(target, "target").embedding
        loss = objective(embeddings[0], pids, embeddings[1]).total
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step == 0:  # the first step chooses kernels
            begin = CLOCKS[options.clock]()
    return (CLOCKS[options.clock]() - begin) / options.steps


class Clock(pl.Callback):
    """Seconds from the end of the first step to the end of the last."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.ends: list[float] = []

    def on_train_batch_end(self, *_: Any) -> None:
        self.ends.append(self.clock())


def fit(options: DictConfig, attention_loops: int, *, compiled: bool = False, **changes: Any) -> Clock:
    """`Trainer.fit` as `dien train` has it."""
    pl.seed_everything(0, verbose=False)
    network = network_of(options, attention_loops, **changes)
    size = (options.height, options.height // 2)
    data = DomainPairDataModule(
        options.data,
        source="pedestrians_day",
        target="pedestrians_night",
        image_size=size,
        num_ids=options.images // 2,
        num_instances=2,
        target_batch_size=options.images,
        steps_per_epoch=options.steps + 1,
        num_workers=options.get("workers", 0),
    )
    module = DIENModule(
        network,
        DIENObjective(64, 2048),
        recipe=Recipe(learning_rates=RATES),
        supervise="every_pass" if options.devices > 1 or options.only == "share" else "fused",
        compiled=compiled,
    )
    clock = Clock(CLOCKS[options.clock])
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            accelerator=options.get("accelerator", "cpu"),
            devices=options.devices,
            strategy=options.get("strategy", "ddp" if options.devices > 1 else "auto"),
            precision=resolve_precision("auto", options.get("device", "cpu")),
            max_epochs=1,
            limit_val_batches=0,
            gradient_clip_val=1.0,
            log_every_n_steps=1,
            logger=MetricsFile(Path(folder) / "metrics.csv"),
            callbacks=[clock, Checkpoints(folder), HealthMonitor(), StopAtNonFinite(folder), SeedEachStep(0)],
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, data)
    return clock


def fit_seconds(options: DictConfig, attention_loops: int, **changes: Any) -> float:
    """Of a step."""
    ends = fit(options, attention_loops, **changes).ends
    return (ends[-1] - ends[0]) / options.steps
