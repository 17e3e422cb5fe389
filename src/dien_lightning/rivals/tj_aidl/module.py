"""TJAIDLModule: trains both branches on the source, then lets the target make them agree."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from dien_lightning.checks import check_range
from dien_lightning.network import DIEN
from dien_lightning.rivals.tj_aidl.attributes import Attributes
from dien_lightning.rivals.tj_aidl.data import AttributedPairDataModule
from dien_lightning.rivals.tj_aidl.losses import TJAIDLObjective
from dien_lightning.training import DIENModule
from dien_lightning.training.recipe import grouped, network_parts
from dien_lightning.types import Sample


class TJAIDLModule(DIENModule):
    """Trains two branches by a `TJAIDLObjective`; `network` is the attribute branch, which is evaluated and deployed.

    Args:
        network: the attribute branch, without attention; the identity branch begins as its copy.
        objective: heads, encoder-decoder and losses.
        attributes: of the source's people.
        adaptation: share of the epochs, the last ones, that see the target alone; 0 never adapts.
        **options: of `DIENModule`: recipe, protocol, compiled.

    Raises:
        ValueError: an argument out of its range, attributes that do not fit the objective; when training begins,
            several processes, a training without an end, or no epoch left for the source or for the target.
    """

    objective: TJAIDLObjective  # type: ignore[assignment]
    _attributes: Tensor

    def __init__(
        self,
        network: DIEN,
        objective: TJAIDLObjective,
        attributes: Attributes,
        *,
        adaptation: float = 0.2,
        **options: Any,
    ) -> None:
        super().__init__(network, objective, **options)  # type: ignore[arg-type]
        check_range("adaptation", adaptation, 0, 1)
        if network.attention_loops:
            raise ValueError(
                f"attention_loops={network.attention_loops} (network.attention_loops): TJ-AIDL has no attention; set 0."
            )
        people, number = attributes.values.shape
        shape = (objective.identity.classifier.out_features, objective.attributes.out_features)
        if (people, number) != shape:
            raise ValueError(
                f"there are {number} attributes of {people} people, and the objective has num_attributes={shape[1]} "
                f"and num_classes={shape[0]}; build it for these."
            )
        self.adaptation = adaptation
        self.identity_network = copy.deepcopy(self.network)
        self.register_buffer("_attributes", attributes.values, persistent=False)
        text = repr((attributes.names, attributes.values.tolist()))
        self._digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    @classmethod
    def for_data(  # type: ignore[override]
        cls,
        network: Any,
        objective: Any,
        data: Any,
        *,
        hidden_dims: tuple[int, ...] = (512, 128),
        reconstruction_weight: float = 10.0,
        transfer_weight: float = 10.0,
        identity_dropout: float = 0.5,
        **options: Any,
    ) -> TJAIDLModule:
        """As `DIENModule.for_data`, of an `AttributedPairDataModule`; the losses' numbers are this module's own.

        Args:
            network: makes the attribute branch.
            objective: None.
            data: with the source's attributes.
            hidden_dims: of `TJAIDLObjective`, as the three below.
            reconstruction_weight: lambda1.
            transfer_weight: lambda2.
            identity_dropout: before the identity classifier.
            **options: of the constructor.

        Raises:
            ValueError: another data module, or an objective.
        """
        if not isinstance(data, AttributedPairDataModule) or objective is not None:
            raise ValueError("module=tj_aidl is of ablation=tj_aidl, which names its data and leaves out an objective.")
        made = network()
        losses = TJAIDLObjective(
            data.num_classes,
            len(data.attributes.names),
            made.embedding_dim,
            hidden_dims=hidden_dims,
            reconstruction_weight=reconstruction_weight,
            transfer_weight=transfer_weight,
            identity_dropout=identity_dropout,
        )
        return cls(made, losses, data.attributes, **options)

    def on_fit_start(self) -> None:
        super().on_fit_start()
        if self.trainer.world_size > 1:
            raise ValueError(
                f"TJ-AIDL trains in one process, and {self.trainer.world_size} were asked for: parts of it rest in "
                f"some steps, which stops several. Set trainer.devices=1."
            )
        if not self.trainer.max_epochs or self.trainer.max_epochs < 1:
            raise ValueError("adaptation is a share of the epochs; set max_epochs (trainer.max_epochs).")
        if self.adaptation and not 0 < self.source_epochs < self.trainer.max_epochs:
            raise ValueError(
                f"adaptation={self.adaptation} (module.adaptation) of max_epochs={self.trainer.max_epochs} "
                f"(trainer.max_epochs) leaves {self.source_epochs} epochs for the source and "
                f"{self.trainer.max_epochs - self.source_epochs} for the target; each needs one: train longer, choose "
                f"another share, or set adaptation=0 to never adapt."
            )

    @property
    def source_epochs(self) -> int:
        """How many epochs see the source; those after them see the target."""
        assert self.trainer.max_epochs is not None
        return round((1 - self.adaptation) * self.trainer.max_epochs)

    def training_step(self, batch: dict[str, Sample], batch_idx: int) -> Tensor:
        if self.current_epoch < self.source_epochs:
            source = batch["source"]
            pids = torch.as_tensor(source.pid)
            identity = self.identity_network(self._laid_out(source.image), "source").embedding
            embedding = self(source.image, "source").embedding
            output = self.objective(embedding, identity, pids, self._attributes[pids])
        else:
            target = batch["target"].image
            with torch.no_grad():
                identity = self.identity_network(self._laid_out(target), "target").embedding
            output = self.objective.adapt(self(target, "target").embedding, identity)
        self._log_training(output, output.total)
        return self._share_of_step(output.total, batch_idx)

    def _optimizer(self) -> Optimizer:
        rates, heads = self.recipe.learning_rates, self.objective
        parts: dict[str, Any] = {
            f"{prefix}{name}": (rates[name], modules)
            for prefix, branch in (("", self.network), ("identity_", self.identity_network))
            for name, modules in network_parts(branch).items()
        }
        parts["identity"] = (rates["identity"], [heads.identity])
        parts["attribute"] = (rates["identity"], [heads.attributes, heads.inferred])
        return self.recipe.optimizer_of(grouped(parts, self.network, self.identity_network, heads))

    @property
    def _settings(self) -> dict[str, Any]:
        return {**super()._settings, "source_epochs": self.source_epochs, "attributes": self._digest}
