"""EvaluationModule: ranks the galleries of target and source inside a Lightning Trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor

from dien_lightning.network import DIEN, Domain
from dien_lightning.retrieval import Protocol, RetrievalMetric
from dien_lightning.training.counting import check_counting
from dien_lightning.training.embedding import embed
from dien_lightning.training.evaluation import Evaluation, EvaluationResults, gather_from_loader
from dien_lightning.types import NetworkOutput, Sample


class EvaluationModule(LightningModule):
    """Validates, tests and predicts; `DIENModule` adds the training.

    Evaluation sets are named by the data module's `evaluation_domains`.

    Args:
        network: what embeds.
        protocol: of the evaluation; the defaults of `Protocol` if not given.

    Attributes:
        results: of the last evaluation, by set ("target", "source") and, after a test, by pass ("pass0", ...).
            `print(module.results)` shows the figures, or why a set was not evaluated.
        metrics: what gathered the embeddings for them, by the same names.
        images_per_second: how fast this process embedded them.
        gather_target_statistics: set it, and each test takes batch-norm statistics from the data module's target
            training images first, see `DIEN.gather_statistics`.

    Shape:
        images (B, 3, H, W) -> NetworkOutput, as the network gives it.
    """

    def __init__(self, network: DIEN, *, protocol: Protocol | None = None) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)  # faster wherever convolutions are
        self.protocol = Protocol.given(protocol)
        self.results = EvaluationResults()
        self.metrics: dict[str, RetrievalMetric] = {}
        self.images_per_second = 0.0
        self.gather_target_statistics = False
        self._evaluation: Evaluation | None = None

    def forward(self, images: Tensor, domain: Domain = "target") -> NetworkOutput:
        return self.network(self._laid_out(images), domain)

    def _laid_out(self, images: Tensor) -> Tensor:
        return images.contiguous(memory_format=torch.channels_last)

    def embed(self, images: Tensor, domain: Domain | None = None) -> NetworkOutput:
        """Embeddings of a batch as evaluation takes them; domain None is the target's statistics if there are any.

        Without a Trainer, the precision is `embed`'s "auto".
        """
        return embed(self.network, images, domain=domain, precision=self._precision)

    @property
    def _precision(self) -> str:
        return "auto" if self._trainer is None else str(self._trainer.precision)

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

    def setup(self, stage: str) -> None:
        """Refuse what the protocol cannot count, before anything is trained or embedded."""
        if stage != "predict":
            check_counting(self._datamodule, self.protocol)

    def on_validation_epoch_start(self) -> None:
        self._start_evaluation(each_pass=False)

    def on_test_epoch_start(self) -> None:
        if self.gather_target_statistics:
            if self._datamodule is None:
                raise ValueError("gather_target_statistics needs a DomainPairDataModule: test with datamodule=data.")
            gather_from_loader(self.network, self._datamodule.statistics_dataloader(), precision=self._precision)
        self._start_evaluation(each_pass=True)

    def _start_evaluation(self, each_pass: bool) -> None:
        how: dict[str, Any] = {"each_pass": each_pass, "precision": self._precision}
        self._evaluation = Evaluation(self.network, self.evaluation_domains, self.protocol, **how)

    def validation_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> None:
        assert self._evaluation is not None
        self._evaluation.update(batch, self._evaluation.names[dataloader_idx])

    def test_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> None:
        self.validation_step(batch, batch_idx, dataloader_idx)

    def predict_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        name = self.evaluation_domains[dataloader_idx]
        return self.embed(batch.image, self.network.statistics_for(name)).embedding  # (B, D)

    def on_validation_epoch_end(self) -> None:
        self._end_evaluation("val")

    def on_test_epoch_end(self) -> None:
        self._end_evaluation("test", logger=False)  # for trainer.callback_metrics

    def _end_evaluation(self, stage: str, **options: Any) -> None:
        assert self._evaluation is not None
        numbers = self.trainer.num_test_batches if self.trainer.testing else self.trainer.num_val_batches
        in_part = any(number < len(loader) for number, loader in zip(numbers, self._loaders, strict=True))
        if in_part or self.trainer.sanity_checking:
            why_not = "part of the gallery was left out (limit_val_batches, limit_test_batches)"
            if in_part:
                rank_zero_info(f"Not ranked: {why_not}.")
            self.results, self.metrics = EvaluationResults(why_not=why_not), {}
            return
        self.results, self.metrics, self.images_per_second = self._evaluation.compute()
        for name, result in self.results.items():  # the same on all processes; Lightning asks for sync_dist
            figures = {f"{stage}/{name}_{figure}": value for figure, value in result.figures().items()}
            self.log_dict(figures, sync_dist=True, **options)
        speed = f"{stage}/images_per_second"  # of all processes
        self.log(speed, self.images_per_second, prog_bar=True, sync_dist=True, reduce_fx="sum", **options)
