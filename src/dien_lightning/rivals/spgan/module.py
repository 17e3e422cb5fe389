"""SPGAN (Deng et al., CVPR 2018): learns to give source images the target's look, and keeps who is on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from dien_lightning.checks import check_int, check_range
from dien_lightning.network.files import CHECKPOINT_HYPERPARAMETERS
from dien_lightning.rivals.spgan.images import signed
from dien_lightning.rivals.spgan.losses import (
    GeneratorLoss,
    Pair,
    SPGANLoss,
    discriminator_loss,
    similarity_preserving,
)
from dien_lightning.rivals.spgan.networks import (
    Discriminator,
    Generator,
    SiameseNetwork,
    check_image_size,
)
from dien_lightning.rivals.spgan.pool import ImagePool
from dien_lightning.training.positions import missing_positions
from dien_lightning.training.preconditions import CHECKPOINT_DATA, check_same_data

_BETAS = (0.5, 0.999)


class SPGANModule(pl.LightningModule):
    """Trains two generators, two discriminators and a siamese network by turns, on batches of source and target.

    The paper fixes CycleGAN's networks and recipe (Zhu et al., 2017) with a term more, see `SPGANLoss`: Adam at 2e-4
    with beta1 = 0.5, batches of one image, five epochs (its authors' code has six). Each step trains the generators,
    then the discriminators on pooled translations, then the siamese network on fresh ones. Open, and decided as that
    code does: the rate stays constant. Open, and decided by time: `width` and `num_blocks`.

    Batches are {"source": Sample, "target": Sample} as `DomainPairDataModule` gives them; no pid is read.

    Args:
        image_size: (height, width) of the images, multiples of 4.
        width: channels of each network's first map.
        num_blocks: residual blocks of a generator.
        learning_rate: of each Adam.
        pool_size: earlier translations that the discriminators are shown.
        seed: of what is drawn from those.
        fingerprints: of source and target, as the data module has them: a checkpoint keeps them, and a training on
            other source images is refused.
        **losses: of `SPGANLoss`: margin and the weights; similarity_weight=0 builds no siamese network: CycleGAN.

    Raises:
        ValueError: an argument out of its range.

    Example:
        >>> module = SPGANModule(image_size=(32, 16), width=4, num_blocks=1)
        >>> module.translate(torch.zeros(2, 3, 32, 16)).shape
        torch.Size([2, 3, 32, 16])
    """

    def __init__(
        self,
        *,
        image_size: tuple[int, int] = (128, 64),
        width: int = 64,
        num_blocks: int = 9,
        learning_rate: float = 2e-4,
        pool_size: int = 50,
        seed: int = 0,
        fingerprints: Mapping[str, Any] | None = None,
        **losses: float,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        size = check_image_size(image_size)
        check_range("learning_rate", learning_rate, 0, include_low=False)
        check_int("seed", seed, 0, "what is drawn from the pools follows from it")
        self.loss = SPGANLoss(**losses)
        self.learning_rate = learning_rate
        self.to_target, self.to_source = (Generator(width, num_blocks) for _ in range(2))
        self.of_target, self.of_source = (Discriminator(width) for _ in range(2))
        self.siamese = SiameseNetwork(width) if "similarity" in self.loss.weights else None
        self.seen_as_target, self.seen_as_source = (ImagePool(pool_size, size, 2 * seed + k) for k in range(2))
        self.fingerprints = dict(fingerprints or {})

    @torch.no_grad()
    def translate(self, images: Tensor) -> Tensor:
        """Give source images (B, 3, H, W) in [-1, 1] the target's look, on this module's device."""
        return self.to_target(images.to(self.device))

    def on_fit_start(self) -> None:
        self.train()  # Lightning would train a module that translated before in evaluation mode
        if self.trainer.world_size > 1:
            raise ValueError(f"SPGAN trains in one process, and {self.trainer.world_size} do: set devices=1.")
        if str(self.trainer.precision) not in ("32-true", "bf16-mixed"):
            raise ValueError(
                f"precision={self.trainer.precision} (trainer.precision) has too few digits for SPGAN's three losses; "
                f"choose bf16-mixed or 32-true."
            )

    # ---- a step ----

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        images = Pair(*(signed(batch[name].image) for name in Pair._fields))
        generators, *others = self.optimizers(use_pl_optimizer=False)  # type: ignore[misc]
        counted: Any = self.optimizers()[0]  # type: ignore[index]  # the one whose steps Lightning counts
        with frozen(self.of_source, self.of_target, self.siamese):
            output, translated = self._generators_loss(images)
            self._log({**output.terms, "total": output.total})
            generators.zero_grad()
            self.manual_backward(output.total)
            counted.step()
        judged = self._discriminators_loss(images, translated)
        self._log({"discriminator": judged})
        self._descend(others[0], judged)
        if self.siamese is not None:
            told = self._siamese_loss(self.siamese, images, translated)
            self._log({"siamese": told})
            self._descend(others[1], told)

    def _generators_loss(self, images: Pair) -> tuple[GeneratorLoss, Pair]:
        """What the generators minimise, and the translations, detached."""
        translated, kept, restored = self._there_and_back(images)
        scores = Pair(self.of_target(translated.source), self.of_source(translated.target))
        alike: dict[str, Pair] = {}
        if self.siamese is not None:
            alike = {"real": self._embedded(images), "translated": self._embedded(translated)}
        output = self.loss(scores, images=images, restored=restored, kept=kept, **alike)
        return output, Pair(*(each.detach() for each in translated))

    def _there_and_back(self, images: Pair) -> tuple[Pair, Pair | None, Pair]:
        """Translated images, those kept by the generator of their own look (where that counts), and restored ones.

        Instance norm knows no batch: what goes through one generator can go in one.
        """
        if "identity" in self.loss.weights:
            count = [len(each) for each in images]
            as_target, target_kept = self.to_target(torch.cat(images)).split(count)
            as_source, source_kept = self.to_source(torch.cat(images[::-1])).split(count[::-1])
            kept = Pair(source_kept, target_kept)
        else:
            as_target, as_source, kept = self.to_target(images.source), self.to_source(images.target), None
        restored = Pair(self.to_source(as_target), self.to_target(as_source))
        return Pair(as_target, as_source), kept, restored

    def _discriminators_loss(self, images: Pair, translated: Pair) -> Tensor:
        as_target, as_source = self.seen_as_target(translated.source), self.seen_as_source(translated.target)
        losses = []
        for judge, real, shown in (
            (self.of_target, images.target, as_target),
            (self.of_source, images.source, as_source),
        ):
            scores = judge(torch.cat([real, shown])).split([len(real), len(shown)])
            losses.append(discriminator_loss(*scores))
        return torch.stack(losses).sum()

    def _siamese_loss(self, siamese: nn.Module, images: Pair, translated: Pair) -> Tensor:
        return similarity_preserving(self._embedded(images), self._embedded(translated), self.loss.margin)

    def _embedded(self, images: Pair) -> Pair:
        assert self.siamese is not None
        return Pair(*self.siamese(torch.cat(images)).split([len(each) for each in images]))

    def _descend(self, optimizer: Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        callbacks: list[Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        for callback in callbacks:  # as Lightning does before a step that it counts: StopAtNonFinite looks here
            callback.on_before_optimizer_step(self.trainer, self, optimizer)
        optimizer.step()

    def _log(self, losses: Mapping[str, Tensor]) -> None:
        self.log_dict({f"train/loss_{name}": value.detach() for name, value in losses.items()}, batch_size=1)

    def configure_optimizers(self) -> list[Optimizer]:
        parts: list[tuple[nn.Module, ...]] = [
            (self.to_target, self.to_source),
            (self.of_target, self.of_source),
            *([(self.siamese,)] if self.siamese is not None else []),
        ]
        return [
            Adam(chain.from_iterable(module.parameters() for module in part), self.learning_rate, _BETAS)
            for part in parts
        ]

    def configure_callbacks(self) -> list[Callback]:
        return missing_positions(self.trainer)

    # ---- checkpoints ----

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if self._trainer is not None and self._trainer.state.fn == TrainerFn.FITTING:
            check_same_data(checkpoint, self)
            had, own = checkpoint.get("precision"), str(self.trainer.precision)
            if had not in (None, own):
                raise ValueError(
                    f"the checkpoint was trained in {had}, and this training computes in {own}; go on where "
                    f"{had} is automatic too, or start anew."
                )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[CHECKPOINT_HYPERPARAMETERS] = {}  # `find_checkpoint` looks for it; there is no DIEN in here
        checkpoint[CHECKPOINT_DATA] = self.fingerprints
        checkpoint["precision"] = str(self.trainer.precision)


@contextmanager
def frozen(*modules: nn.Module | None) -> Iterator[None]:
    """Let gradients pass through these modules and not into them.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> with frozen(layer):
        ...     layer.weight.requires_grad
        False
        >>> layer.weight.requires_grad
        True
    """
    weights = [weight for module in modules if module is not None for weight in module.parameters()]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)
