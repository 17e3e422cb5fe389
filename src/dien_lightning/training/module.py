"""DIENModule: connects batch, network, objective, metric and log; the ideas live elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from dien_lightning.checks import check_bool, check_choice
from dien_lightning.losses import DIENObjective, ObjectiveOutput
from dien_lightning.network import DIEN, Domain
from dien_lightning.network.files import CHECKPOINT_HYPERPARAMETERS
from dien_lightning.processes import join_processes
from dien_lightning.retrieval import Protocol, RetrievalMetric, RetrievalResult
from dien_lightning.training.evaluation import Evaluation, embed
from dien_lightning.training.positions import LoaderPositions
from dien_lightning.training.preconditions import (
    check_counting,
    check_fit,
    check_fits_together,
    differs_from_one_process,
)
from dien_lightning.training.recipe import (
    all_rates,
    check_goes_on,
    check_schedule,
    check_sgd,
    parameter_groups,
    schedule,
    sgd,
    use_new_settings,
)
from dien_lightning.types import NetworkOutput, Sample


class DIENModule(LightningModule):
    """Trains a `DIEN` by a `DIENObjective` and ranks the galleries of target and source.

    Training batches are {"source": Sample, "target": Sample}; the target's pids are never read. Evaluation sets are
    named by the data module's `evaluation_domains`; target labels serve evaluation alone.

    Args:
        network: what to train.
        objective: None for a module that only evaluates.
        learning_rates: by group name, see `dien_lightning.training.recipe.LEARNING_RATES`.
        momentum: of SGD.
        nesterov: of SGD.
        weight_decay: of SGD.
        schedule: "milestones" or "one_cycle", see `dien_lightning.training.recipe.schedule`.
        milestones: epochs.
        gamma: factor at each milestone.
        warmup: share of the steps, for "one_cycle".
        supervise: "fused" gives the losses the fused embedding alone, "every_pass" also each pass's own (the paper
            leaves this open): `train/loss_total` is then the mean over all of them, the other values that are logged
            are the fused embedding's.
        channels_last: memory layout of maps; faster wherever convolutions are.
        flip: average the embeddings of an image and its mirror image in evaluation.
        protocol: of the evaluation.

    Attributes:
        results: of the last evaluation, by set ("target", "source") and, after a test, by pass ("pass0", ...).
        metrics: what gathered the embeddings for them, by the same names.
        images_per_second: how fast this process embedded them.
        gather_target_statistics: set it, and each test takes batch-norm statistics from the data module's target
            training images first, see `DIEN.gather_statistics`.

    Shape:
        images (B, 3, H, W) -> NetworkOutput, as the network gives it.

    Raises:
        ValueError: an argument out of its range, or an objective for embeddings of another width.

    Example:
        >>> network = DIEN("resnet18", weights=None, embedding_dim=32, attention_loops=0)
        >>> module = DIENModule(network, DIENObjective(num_classes=5, embedding_dim=32))
        >>> [group["name"] for group in module.parameter_groups()]
        ['backbone', 'embedding', 'identity', 'domain']
    """

    def __init__(
        self,
        network: DIEN,
        objective: DIENObjective | None = None,
        *,
        learning_rates: Mapping[str, float] | None = None,
        momentum: float = 0.9,
        nesterov: bool = True,
        weight_decay: float = 5e-4,
        schedule: Literal["milestones", "one_cycle"] = "milestones",
        milestones: Sequence[int] = (40,),
        gamma: float = 0.1,
        warmup: float = 0.3,
        supervise: Literal["fused", "every_pass"] = "fused",
        channels_last: bool = True,
        flip: bool = False,
        protocol: Protocol | None = None,
    ) -> None:
        super().__init__()
        check_choice("supervise", supervise, ("fused", "every_pass"))
        for name, switch in (("channels_last", channels_last), ("flip", flip)):
            check_bool(name, switch)
        if objective is not None:
            check_fits_together(network, objective)
        self.learning_rates = all_rates(learning_rates)
        check_sgd(momentum, nesterov, weight_decay)
        self.sgd_arguments: dict[str, Any] = {
            "momentum": float(momentum),
            "nesterov": nesterov,
            "weight_decay": float(weight_decay),
        }
        check_schedule(schedule, milestones, gamma, warmup)
        self.schedule_arguments: dict[str, Any] = {
            "kind": schedule,
            "milestones": [int(epoch) for epoch in milestones],
            "gamma": float(gamma),
            "warmup": float(warmup),
        }
        self.network = network.to(memory_format=torch.channels_last) if channels_last else network
        self.objective = objective
        self.supervise = supervise
        self.channels_last = channels_last
        self.flip = flip
        self.protocol = protocol or Protocol()
        self.results: dict[str, RetrievalResult] = {}
        self.images_per_second = 0.0
        self.gather_target_statistics = False
        self.metrics: dict[str, RetrievalMetric] = {}
        self._evaluation: Evaluation | None = None

    def forward(self, images: Tensor, domain: Domain = "target") -> NetworkOutput:
        return self.network(self._layout(images), domain)

    def configure_callbacks(self) -> list[Callback]:
        is_there = any(isinstance(callback, LoaderPositions) for callback in self.trainer.callbacks)  # type: ignore[attr-defined]
        return [] if is_there else [LoaderPositions()]

    # ---- training ----

    def on_fit_start(self) -> None:
        if sentence := differs_from_one_process(self.trainer.world_size, self.network):
            rank_zero_info(sentence)

    def training_step(self, batch: dict[str, Sample], batch_idx: int) -> Tensor:
        assert self.objective is not None
        source, target = self._embed(batch)
        pids = join_processes(torch.as_tensor(batch["source"].pid))
        progress = self.global_step / max(1, self.trainer.estimated_stepping_batches)
        sources = self._views(source)
        targets = [None] * len(sources) if target is None else self._views(target)
        outputs = [self.objective(s, pids, t, progress) for s, t in zip(sources, targets, strict=True)]
        total = torch.stack([output.total for output in outputs]).mean()
        self._log_training(outputs[0], total)
        return total

    def _embed(self, batch: dict[str, Sample]) -> tuple[NetworkOutput, NetworkOutput | None]:
        source = batch["source"].image
        if self.objective is None or not self.objective.needs_target:
            return self(source, "source"), None
        target = batch["target"].image
        if self.network.hyperparameters["statistics"] != "joint":
            return self(source, "source"), self(target, "target")
        both = self(torch.cat([source, target]), "target")  # one batch, one set of statistics
        parts = [len(source), len(target)]
        embeddings, steps = both.embedding.split(parts), both.steps.split(parts)
        return NetworkOutput(embeddings[0], steps[0], ()), NetworkOutput(embeddings[1], steps[1], ())

    def _views(self, output: NetworkOutput) -> list[Tensor]:
        """The embeddings that the losses see: the fused one, and each pass's own if asked."""
        views = [output.embedding]
        if self.supervise == "every_pass" and self.network.attention_loops:
            views += output.steps.unbind(1)
        return [join_processes(view) for view in views]

    def _layout(self, images: Tensor) -> Tensor:
        return images.contiguous(memory_format=torch.channels_last) if self.channels_last else images

    def _log_training(self, output: ObjectiveOutput, total: Tensor) -> None:
        values = {f"loss_{name}": value for name, value in output.terms.items()}
        values |= {"loss_total": total.detach(), **output.health}
        self.log_dict({f"train/{name}": value for name, value in values.items()}, batch_size=1)
        rates = {f"lr/{group['name']}": group["lr"] for group in self.trainer.optimizers[0].param_groups}
        self.log_dict(rates, batch_size=1)
        self.log("train/loss", total.detach(), prog_bar=True, logger=False, batch_size=1)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The optimiser's named groups, each parameter in exactly one."""
        if self.objective is None:
            raise ValueError("objective=None: this module only evaluates and has nothing to optimise.")
        return parameter_groups(self.network, self.objective, self.learning_rates)

    def configure_optimizers(self) -> Any:
        optimizer = sgd(self.parameter_groups(), **self.sgd_arguments)
        assert self.objective is not None  # or there were no groups
        check_fit(self.trainer, self.objective)
        check_counting(self._datamodule, self.protocol)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self._schedule(optimizer), "interval": "step"}}

    def _schedule(self, optimizer: Optimizer) -> LRScheduler:
        self.trainer.fit_loop.setup_data()  # else the number of batches is not known yet
        steps = self.trainer.num_training_batches / self.trainer.accumulate_grad_batches
        return schedule(
            optimizer,
            total_steps=self.trainer.estimated_stepping_batches,
            steps_per_epoch=steps if math.isinf(steps) else math.ceil(steps),
            **self.schedule_arguments,
        )

    # ---- evaluation ----

    @property
    def evaluation_domains(self) -> Sequence[str]:
        """What each evaluation loader holds, "target" or "source", in their order."""
        number = len(self._loaders)
        known: Sequence[str] = getattr(self._datamodule, "evaluation_domains", ())
        if len(known) == number:
            return known
        if number > 2:
            raise ValueError(f"{number} evaluation loaders were given; give the target's, or that and the source's.")
        return ("target", "source")[:number]

    @property
    def _loaders(self) -> list[Any]:
        """Those that are evaluated or predicted now."""
        trainer = self.trainer
        loaders = trainer.val_dataloaders
        if trainer.testing or trainer.predicting:
            loaders = trainer.test_dataloaders if trainer.testing else trainer.predict_dataloaders
        if isinstance(loaders, Mapping):
            return list(loaders.values())
        return list(loaders) if isinstance(loaders, Sequence) else [loaders]

    @property
    def _datamodule(self) -> Any:
        return getattr(self.trainer, "datamodule", None)

    def on_validation_epoch_start(self) -> None:
        self._start_evaluation(each_pass=False)

    def on_test_epoch_start(self) -> None:
        if self.gather_target_statistics:
            if self._datamodule is None:
                raise ValueError("gather_target_statistics needs a DomainPairDataModule: test with datamodule=data.")
            loader = self._datamodule.statistics_dataloader()
            precision = self.trainer.precision_plugin
            with precision.forward_context():
                self.network.gather_statistics(
                    (precision.convert_input(self._layout(batch.image.to(self.device))) for batch in loader),
                    domain="target",
                )
        self._start_evaluation(each_pass=True)

    def validation_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> None:
        self._evaluate(batch, dataloader_idx)

    def test_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> None:
        self._evaluate(batch, dataloader_idx)

    def on_validation_epoch_end(self) -> None:
        self._end_evaluation()
        self.log_dict(self._figures("val"), sync_dist=True)  # they are the same on all processes; Lightning asks for it
        self._log_speed("val")

    def on_test_epoch_end(self) -> None:
        self._end_evaluation()
        self.log_dict(self._figures("test"), logger=False, sync_dist=True)  # for trainer.callback_metrics
        self._log_speed("test")

    def _log_speed(self, stage: str) -> None:
        """Beside the progress bar, of all processes; metrics.csv holds no timings, so that two runs give one file."""
        name = f"{stage}/images_per_second"
        self.log(name, self.images_per_second, prog_bar=True, logger=False, sync_dist=True, reduce_fx="sum")

    def _figures(self, stage: str) -> dict[str, float]:
        return {
            f"{stage}/{name}_{figure}": value
            for name, result in self.results.items()
            for figure, value in result.figures().items()
        }

    def predict_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        name = self.evaluation_domains[dataloader_idx]
        domain = self.network.statistics_for(name)
        return embed(self.network, self._layout(batch.image), domain, self.flip)[0]  # (B, D)

    def _start_evaluation(self, each_pass: bool) -> None:
        check_counting(self._datamodule, self.protocol)
        self._evaluation = Evaluation(
            self.network, self.evaluation_domains, self.protocol, each_pass=each_pass, flip=self.flip
        )

    def _evaluate(self, batch: Sample, dataloader_idx: int) -> None:
        assert self._evaluation is not None
        name = self._evaluation.names[dataloader_idx]
        domain = self.network.statistics_for(name)
        self._evaluation.update(batch._replace(image=self._layout(batch.image)), name, domain)

    def _end_evaluation(self) -> None:
        assert self._evaluation is not None
        numbers = self.trainer.num_test_batches if self.trainer.testing else self.trainer.num_val_batches
        in_part = any(number < len(loader) for number, loader in zip(numbers, self._loaders, strict=True))
        if self.trainer.sanity_checking or in_part:
            if in_part:
                rank_zero_info("Part of the gallery was left out (limit_val_batches, limit_test_batches): not ranked.")
            self.results, self.metrics = {}, {}
            return
        self.images_per_second = self._evaluation.images_per_second
        self.results = self._evaluation.compute()
        self.metrics = self._evaluation.metrics

    # ---- checkpoints ----

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if self.objective is None:
            weights = checkpoint["state_dict"]
            checkpoint["state_dict"] = {key: weights[key] for key in weights if not key.startswith("objective.")}
        if self._trainer is None or self._trainer.state.fn != TrainerFn.FITTING:
            return  # evaluated alone: nothing goes on
        for saved in checkpoint.get("lr_schedulers", []):
            check_goes_on(saved, self._schedule(sgd(self.parameter_groups())))
        if checkpoint.get("optimizer_states"):
            use_new_settings(checkpoint, self.parameter_groups(), **self.sgd_arguments)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[CHECKPOINT_HYPERPARAMETERS] = self.network.hyperparameters
