"""Which epoch's network to take: three answers beside the last epoch, one of them not allowed to count."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from dien_lightning.checks import check_int
from dien_lightning.network import save_network
from dien_lightning.processes import Processes
from dien_lightning.retrieval import reciprocal_neighbors

WITHIN_AN_EPOCH = (
    "trainer.val_check_interval would validate within an epoch, and an epoch is what is chosen; give shorter epochs "
    "(data.steps_per_epoch) instead."
)
_SCORES: dict[str, tuple[str, Callable[[dict[str, Any]], float | None]]] = {
    "source_mAP": ("val/source_mAP", lambda epoch: epoch.get("source", {}).get("mAP")),
    "label_free": ("val/target_reciprocity", lambda epoch: epoch.get("target_reciprocity")),
    "oracle": ("val/target_mAP", lambda epoch: epoch.get("target", {}).get("mAP")),
}


class EpochChoice(Callback):
    """Keeps the network of the best validated epoch, by each of three scores.

    `source_mAP` is held-out source people's. `label_free` is the share of target training images that are reciprocal
    nearest neighbours across cameras, logged as `val/target_reciprocity`. `oracle` is the target's own mAP, which needs
    the labels that nobody has: it says what a perfect choice would gain, and is no result.

    Args:
        folder: for source_mAP.safetensors, label_free.safetensors and oracle.safetensors.
        images: target training images for the label-free score, drawn at random but the same in every epoch; 0 leaves
            it out.

    Raises:
        ValueError: a negative number of images; when training or validation begins, images to look at and no data
            module that has them, or a Trainer that validates within an epoch.
    """

    def __init__(self, folder: str | os.PathLike[str], images: int = 2000) -> None:
        check_int("images", images, 0, "0 gives no label-free score")
        self.folder = Path(folder)
        self.images = images
        self._epochs: list[dict[str, Any]] = []
        self._label_free: dict[str, Tensor] = {}

    def chosen(self) -> dict[str, dict[str, Any]]:
        """The best validated epoch by each score, the earliest of equals.

        Returns:
            By the choice's name: "epochs" trained, "by" (the score's name), "score", the figures of "target" and
            "source", "network" (the file) and "uses_target_labels".
        """
        found: dict[str, dict[str, Any]] = {}
        for name, (column, score) in _SCORES.items():
            scored = [epoch for epoch in self._epochs if score(epoch) is not None]
            if scored:
                best = max(scored, key=lambda epoch: score(epoch) or 0.0)
                figures: dict[str, Any] = {key: best[key] for key in ("target", "source") if key in best}
                found[name] = {
                    "epochs": best["epochs"],
                    "by": column,
                    "score": score(best),
                    "network": f"{self.folder.name}/{name}.safetensors",
                    "uses_target_labels": name == "oracle",
                    **figures,
                }
        return found

    # ---- hooks ----

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        if stage in ("fit", "validate") and self.images and not hasattr(data, "statistics_dataloader"):
            raise ValueError(
                f"EpochChoice looks at {self.images} of the target's training images: give the Trainer a "
                f"DomainPairDataModule (datamodule=data), or set images=0."
            )
        interval = getattr(trainer, "val_check_interval", None)  # 1 is after each batch, 1.0 after each epoch
        at_ends = isinstance(interval, float) and interval == 1.0 and trainer.check_val_every_n_epoch is not None
        if stage == "fit" and not at_ends:
            raise ValueError(WITHIN_AN_EPOCH)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.images and not trainer.sanity_checking:
            self._look(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Where neither domain is labelled there is no validation, and Lightning calls none of its hooks.
        is_due = (trainer.current_epoch + 1) % (trainer.check_val_every_n_epoch or 1) == 0
        if self.images and is_due and trainer.limit_val_batches and not any(trainer.num_val_batches):
            self._look(trainer, pl_module, logger=False)
            found = {f"val/{name}": float(score) for name, score in self._label_free.items()}
            for logger in trainer.loggers:  # at once: Lightning's turn comes after this epoch's checkpoint
                logger.log_metrics({**found, "epoch": trainer.current_epoch}, step=trainer.global_step - 1)
            self.on_validation_end(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        module: Any = pl_module
        epoch: dict[str, Any] = {"epochs": trainer.current_epoch + 1}
        epoch |= {name: result.figures() for name, result in module.results.items() if name in ("target", "source")}
        epoch |= {name: float(score) for name, score in self._label_free.items()}
        self._epochs = [known for known in self._epochs if known["epochs"] < epoch["epochs"]] + [epoch]
        for name, best in self.chosen().items():
            if best["epochs"] == epoch["epochs"] and trainer.is_global_zero:
                save_network(module.network, self.folder / f"{name}.safetensors")

    def state_dict(self) -> dict[str, Any]:
        return {"epochs": self._epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._epochs = list(state_dict["epochs"])

    def _look(self, trainer: Trainer, module: Any, **options: Any) -> None:
        embedding, camids = self._embed(trainer, module)
        self._label_free = {}
        if len(embedding) > 1:
            self._label_free = {"target_reciprocity": reciprocal_neighbors(embedding, camids)}
            module.log("val/target_reciprocity", self._label_free["target_reciprocity"], sync_dist=True, **options)

    def _embed(self, trainer: Trainer, module: Any) -> tuple[Tensor, Tensor]:
        """Embeddings and cameras of the first images in the statistics loader's order, the same on every process."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        wanted = min(self.images, len(data.target.train)) // trainer.world_size
        if not wanted:
            return torch.zeros(0, 1), torch.zeros(0)
        loader = data.statistics_dataloader(shared=True)
        batches = islice(loader, math.ceil(wanted / loader.batch_size))
        domain = module.network.statistics_for("target")
        embedded = ((module.embed(batch.image, domain).embedding, batch.index) for batch in batches)
        embeddings, indices = zip(*embedded, strict=True)
        index = Processes().join(torch.cat(indices)[:wanted].to(module.device))
        order = index.argsort()
        camids = [data.target.train[place].camid for place in index[order].tolist()]
        embedding = Processes().join(torch.cat(embeddings)[:wanted])[order]
        return embedding, torch.tensor(camids, device=embedding.device)
