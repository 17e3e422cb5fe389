"""Which epoch's network to take: three answers beside the last epoch, one of them not allowed to count."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from dien_lightning.collectives import join_processes
from dien_lightning.network import save_network
from dien_lightning.retrieval import soft_neighborhood_density

_SCORES: dict[str, Callable[[dict[str, Any]], float | None]] = {
    "source_mAP": lambda epoch: epoch.get("source", {}).get("mAP"),
    "label_free": lambda epoch: epoch.get("target_density"),
    "oracle": lambda epoch: epoch.get("target", {}).get("mAP"),
}


class EpochChoice(Callback):
    """Keeps the network of the best validated epoch, by each of three scores.

    `source_mAP` is held-out source people's. `label_free` is the soft neighbourhood density (Saito et al., 2021) of
    target training images, logged as `val/target_density`. `oracle` is the target's own mAP, which needs the labels
    that nobody has: it says what a perfect choice would gain, and is no result.

    Args:
        folder: for source_mAP.safetensors, label_free.safetensors and oracle.safetensors.
        images: target training images for the density, drawn at random but the same in every epoch; 0 leaves it out.
        temperature: see `soft_neighborhood_density`.

    Raises:
        ValueError: a negative number of images.
    """

    def __init__(self, folder: str | os.PathLike[str], images: int = 2000, temperature: float = 0.05) -> None:
        if images < 0:
            raise ValueError(f"images={images} must be 0 (no label-free score) or more.")
        self.folder = Path(folder)
        self.images = images
        self.temperature = temperature
        self._epochs: list[dict[str, Any]] = []
        self._density: Tensor | None = None

    def chosen(self) -> dict[str, dict[str, Any]]:
        """The best validated epoch by each score, the earliest of equals.

        Returns:
            By the score's name: "epochs" trained, "score", the figures of "target" and "source", "network" (the file)
            and "uses_target_labels".
        """
        found: dict[str, dict[str, Any]] = {}
        for name, score in _SCORES.items():
            scored = [epoch for epoch in self._epochs if score(epoch) is not None]
            if scored:
                best = max(scored, key=lambda epoch: score(epoch) or 0.0)
                figures: dict[str, Any] = {key: best[key] for key in ("target", "source") if key in best}
                found[name] = {
                    "epochs": best["epochs"],
                    "score": score(best),
                    "network": f"{self.folder.name}/{name}.safetensors",
                    "uses_target_labels": name == "oracle",
                    **figures,
                }
        return found

    # ---- hooks ----

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.images:
            embedding = self._embed(trainer, pl_module)
            self._density = None if len(embedding) < 2 else soft_neighborhood_density(embedding, self.temperature)
            if self._density is not None:
                pl_module.log("val/target_density", self._density, sync_dist=True)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        module: Any = pl_module
        epoch: dict[str, Any] = {"epochs": trainer.current_epoch + 1}
        epoch |= {name: result.figures() for name, result in module.results.items() if name in ("target", "source")}
        if self._density is not None:
            epoch["target_density"] = float(self._density)
        self._epochs = [known for known in self._epochs if known["epochs"] < epoch["epochs"]] + [epoch]
        for name, best in self.chosen().items():
            if best["epochs"] == epoch["epochs"] and trainer.is_global_zero:
                save_network(module.network, self.folder / f"{name}.safetensors")

    def state_dict(self) -> dict[str, Any]:
        return {"epochs": self._epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._epochs = list(state_dict["epochs"])

    def _embed(self, trainer: Trainer, module: Any) -> Tensor:
        """Embeddings of the first images in the statistics loader's order, the same on every process."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        wanted = min(self.images, len(data.target.train)) // trainer.world_size
        embeddings, indices, found = [], [], 0
        domain = module.statistics_for("target")
        for batch in data.statistics_dataloader() if wanted else ():
            images = trainer.precision_plugin.convert_input(batch.image.to(module.device))
            with torch.no_grad(), trainer.precision_plugin.forward_context():
                embeddings.append(module.network(images, domain).embedding)
            indices.append(batch.index)
            found += len(batch.index)
            if found >= wanted:
                break
        if not embeddings:
            return torch.zeros(0, 1)
        index = join_processes(torch.cat(indices)[:wanted].to(module.device))
        return join_processes(torch.cat(embeddings)[:wanted])[index.argsort()]
