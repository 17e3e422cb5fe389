"""DIENModule: connects batch, network, objective, metric and log; the ideas live elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Literal

import torch
from pytorch_lightning import Callback
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from dien_lightning.checks import check_bool, check_choice
from dien_lightning.data import DomainPairDataModule
from dien_lightning.losses import DIENObjective, ObjectiveOutput
from dien_lightning.network import DIEN, Domain
from dien_lightning.network.files import CHECKPOINT_HYPERPARAMETERS
from dien_lightning.processes import Processes
from dien_lightning.retrieval import Protocol
from dien_lightning.training.evaluation_module import EvaluationModule
from dien_lightning.training.positions import missing_positions
from dien_lightning.training.preconditions import (
    CHECKPOINT_DATA,
    CHECKPOINT_OPTIM,
    check_can_resume,
    check_can_train,
    check_same_data,
    check_same_width,
    required_objective,
    settings_of,
    total_steps,
    trainer_settings,
)
from dien_lightning.training.recipe import Recipe
from dien_lightning.types import NetworkOutput, Sample


class DIENModule(EvaluationModule):
    """Trains a `DIEN` by a `DIENObjective` and ranks the galleries of target and source.

    Training batches are {"source": Sample, "target": Sample}; the target's pids are never read, and the losses see the
    batch of all processes. Target labels serve evaluation alone, see `EvaluationModule`, whose attributes this has.

    Args:
        network: what to train.
        objective: None for a module that only evaluates.
        recipe: learning rates and their course; the paper's if not given.
        protocol: see `EvaluationModule`.
        supervise: "fused" gives the losses the fused embedding alone, "every_pass" also each pass's own (the paper
            leaves this open): `train/loss_total` is then the mean over all of them, the other values that are logged
            are the fused embedding's.
        compiled: train by a network that torch.compile has translated, which pays where that is faster than eager over
            many steps (docs/scaling.md); evaluation stays eager, whose last batch is of another size.

    Raises:
        ValueError: an argument out of its range, or an objective for embeddings of another width.

    Example:
        >>> network = DIEN("resnet18", weights=None, embedding_dim=32, attention_loops=0)
        >>> objective = DIENObjective(num_classes=5, embedding_dim=32)
        >>> module = DIENModule(network, objective, recipe=Recipe(learning_rates={"backbone": 1e-2}))
        >>> module.recipe.learning_rates["embedding"]
        0.1
    """

    def __init__(
        self,
        network: DIEN,
        objective: DIENObjective | None = None,
        *,
        recipe: Recipe | None = None,
        protocol: Protocol | None = None,
        supervise: Literal["fused", "every_pass"] = "fused",
        compiled: bool = False,
    ) -> None:
        super().__init__(network, protocol=protocol)
        check_choice("supervise", supervise, ("fused", "every_pass"))
        if objective is not None:
            check_same_width(network, objective)
        self.objective = objective
        self.recipe = recipe or Recipe()
        self.supervise = supervise
        check_bool("compiled", compiled)
        if compiled and network.checkpoint_passes:
            raise ValueError(
                "compiled=True (compile) chooses itself what to compute anew; set checkpoint_passes=False."
            )
        # A function of the network: names in checkpoints stay, and a copy runs its own. All is translated, or refused.
        self._compiled = torch.compile(type(network).forward, fullgraph=True, dynamic=False) if compiled else None

    @classmethod
    def for_data(
        cls,
        network: Callable[..., DIEN],
        objective: Callable[..., Any] | None,
        data: DomainPairDataModule,
        **options: Any,
    ) -> DIENModule:
        """What `dien train` calls: a module whose objective knows the source's identities.

        Args:
            network: makes the network.
            objective: makes the objective from `num_classes`.
            data: feeds no more than the objective looks at, afterwards.
            **options: of the constructor.

        Raises:
            ValueError: no objective.
        """
        # First, since random weights are drawn in this order.
        made = required_objective(objective)(num_classes=data.num_classes)
        if not made.needs_target:
            data.target_batch_size = 0  # Base never sees the target
        return cls(network(), made, **options)

    def forward(self, images: Tensor, domain: Domain = "target") -> NetworkOutput:
        if self._compiled is None or not self.training:
            return super().forward(images, domain)
        return self._compiled(self.network, self._laid_out(images), domain)

    def configure_callbacks(self) -> list[Callback]:
        return missing_positions(self.trainer)

    def on_fit_start(self) -> None:
        self.train()  # Lightning would train a network that was evaluated before in evaluation mode
        if self._compiled is not None and self.trainer.world_size > 1:
            raise ValueError(
                f"compiled=True (compile) is for one process, and {self.trainer.world_size} train; set it to False."
            )
        if self.trainer.world_size > 1 and not self.network.hyperparameters["synchronize"]:
            rank_zero_info(
                f"synchronize=False (network.synchronize): each of {self.trainer.world_size} processes normalises by "
                f"its own part of the batch, and the first one's running statistics are kept; figures differ from "
                f"those of one process."
            )

    def training_step(self, batch: dict[str, Sample], batch_idx: int) -> Tensor:
        assert self.objective is not None
        source, target = self._embed(batch)
        pids = Processes().join(torch.as_tensor(batch["source"].pid))
        sources, targets = self._views(source, target)
        progress = self._progress  # once a step: Lightning counts the loaders anew each time
        outputs = [self.objective(s, pids, t, progress) for s, t in zip(sources, targets, strict=True)]
        return self._loss_of(outputs, batch_idx)

    @property
    def _progress(self) -> float:
        """Share of the training's steps that are done; 0 where it has no end."""
        return self.global_step / total_steps(self.trainer)

    def _loss_of(self, outputs: Sequence[ObjectiveOutput], batch_idx: int) -> Tensor:
        """A batch's part in its step: the mean over the outputs, the first of which is logged."""
        total = torch.stack([output.total for output in outputs]).mean()
        self._log_training(outputs[0], total)
        return self._share_of_step(total, batch_idx)

    def _share_of_step(self, total: Tensor, batch_idx: int) -> Tensor:
        """A step is the mean over its batches: Lightning divides by accumulate_grad_batches however few are left."""
        batches, together = self.trainer.num_training_batches, self.trainer.accumulate_grad_batches
        left = batches % together  # NaN where the number of batches is infinite
        return total * (together / left) if batch_idx >= batches - left else total

    def _embed(self, batch: dict[str, Sample]) -> tuple[NetworkOutput, NetworkOutput | None]:
        source = batch["source"].image
        if self.objective is None or not self.objective.needs_target:
            return self(source, "source"), None
        target = batch["target"].image
        if self.network.hyperparameters["statistics"] != "joint":
            return self(source, "source"), self(target, "target")
        parts, size = [len(source), len(target)], self.network.hyperparameters["batch_norm_size"]
        # Each part that batch norm takes holds both domains, the same images however many processes share the batch.
        order = (torch.arange(sum(parts)) if size is None else _mixed(*parts)).to(source.device)
        both = self(torch.cat([source, target])[order], "target")  # one batch, one set of statistics
        back = order.argsort()
        embeddings, steps = both.embedding[back].split(parts), both.steps[back].split(parts)
        return NetworkOutput(embeddings[0], steps[0], ()), NetworkOutput(embeddings[1], steps[1], ())

    def _views(self, *outputs: NetworkOutput | None) -> list[list[Any]]:
        """Of each output the embeddings that the losses see: the fused one, and each pass's own if asked."""
        each_pass = self.supervise == "every_pass" and self.network.attention_loops
        number = self.network.attention_loops + 2 if each_pass else 1
        there = [output for output in outputs if output is not None]
        views = [view for out in there for view in (out.embedding, *(out.steps.unbind(1) if each_pass else ()))]
        joined = iter(Processes().join_each(views))  # one message, however many there are
        return [[None if output is None else next(joined) for _ in range(number)] for output in outputs]

    def _log_training(self, output: ObjectiveOutput, total: Tensor) -> None:
        values = {f"loss_{name}": value for name, value in output.terms.items()}
        values |= {"loss_total": total.detach(), **output.health}
        self.log_dict({f"train/{name}": value for name, value in values.items()}, batch_size=1)
        rates = {f"lr/{group['name']}": group["lr"] for group in self.trainer.optimizers[0].param_groups}
        self.log_dict(rates, batch_size=1)
        self.log("train/loss", total.detach(), prog_bar=True, logger=False, batch_size=1)

    def configure_optimizers(self) -> Any:
        if self.objective is None:
            raise ValueError("objective=None: this module only evaluates and has nothing to optimise.")
        check_can_train(self.trainer, self.network, self.objective)
        optimizer = self._optimizer()
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self._scheduler(optimizer), "interval": "step"}}

    def _optimizer(self) -> Optimizer:
        assert self.objective is not None
        return self.recipe.optimizer(self.network, self.objective)

    def _scheduler(self, optimizer: Optimizer) -> LRScheduler:
        self.trainer.fit_loop.setup_data()  # else the number of batches is not known yet
        steps = self.trainer.num_training_batches / self.trainer.accumulate_grad_batches
        return self.recipe.scheduler(
            optimizer,
            total_steps=total_steps(self.trainer),
            steps_per_epoch=steps if math.isinf(steps) else math.ceil(steps),
        )

    # ---- checkpoints ----

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if self.objective is None:
            weights = checkpoint["state_dict"]
            checkpoint["state_dict"] = {key: weights[key] for key in weights if key.startswith("network.")}
        elif self._trainer is not None and self._trainer.state.fn == TrainerFn.FITTING:
            check_same_data(checkpoint, self._datamodule)
            check_can_resume(checkpoint, self.state_dict(), self._settings, self._scheduler(self._optimizer()))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[CHECKPOINT_HYPERPARAMETERS] = self.network.hyperparameters
        checkpoint[CHECKPOINT_OPTIM] = self._settings
        checkpoint[CHECKPOINT_DATA] = getattr(self._datamodule, "fingerprints", {})

    @property
    def _settings(self) -> dict[str, Any]:
        """What a resumed training has to share, as plain values."""
        shared = settings_of(self.network, self.objective, self._datamodule)
        of_trainer = trainer_settings(self.trainer, self.objective)
        return {"supervise": self.supervise, **asdict(self.recipe), **shared, **of_trainer}


def _mixed(sources: int, targets: int) -> Tensor:  # (sources + targets,)
    """An order of source and target images in which each is spread evenly, also where processes share the batch."""
    places = [(2 * torch.arange(sources) + 1) * targets, (2 * torch.arange(targets) + 1) * sources]
    return torch.cat(places).argsort(stable=True)
