"""`Recipe`: the learning rate of each part of the network, and the rates' course over the training steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import nn
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, OneCycleLR

from dien_lightning.checks import check_bool, check_choice, check_int, check_range
from dien_lightning.losses import DIENObjective, SelfTrainingObjective
from dien_lightning.network.dien import DIEN

LEARNING_RATES: dict[str, float] = {
    "backbone": 1e-4,
    "embedding": 1e-1,
    "attention": 1e-2,
    "identity": 1e-1,
    "domain": 1e-1,
}
"""The paper's learning rates (Pu et al., 2019, III-E); CCCDTL's rate is the embedding layer's, which feeds it."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A learning rate for each part of the network, by name, and the rates' course.

    The rates are the paper's; momentum, decay and schedule are HHL's (Zhong et al., 2018), which it follows.

    Args:
        learning_rates: by the names of `parameter_groups`; what is left out keeps its value in `LEARNING_RATES`.
        momentum: of SGD, in [0, 1).
        nesterov: Nesterov's momentum, of SGD.
        weight_decay: of every parameter.
        schedule: "milestones" multiplies by gamma after given epochs (HHL: after 40 of 60); "one_cycle" warms up for
            three steps in ten and anneals to zero (Smith & Topin, 2018), for short runs from random weights.
        milestones: epochs, for "milestones".
        gamma: factor, for "milestones".
        algorithm: "sgd", as the paper, or "adam" (Kingma & Ba, 2015), as self-training has it.

    Raises:
        ValueError: an argument out of its range, an unknown group name, Nesterov's momentum without momentum.

    Example:
        >>> Recipe(learning_rates={"backbone": 0.05}).learning_rates["embedding"]
        0.1
    """

    learning_rates: Mapping[str, float] = field(default_factory=dict)
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    schedule: Literal["milestones", "one_cycle"] = "milestones"
    milestones: Sequence[int] = (40,)
    gamma: float = 0.1
    algorithm: Literal["sgd", "adam"] = "sgd"

    def __post_init__(self) -> None:
        check_choice("algorithm", self.algorithm, ("sgd", "adam"))
        if not isinstance(self.learning_rates, Mapping):
            raise ValueError(f"learning_rates={self.learning_rates!r} must name groups, such as {{'backbone': 1e-4}}.")
        if unknown := sorted(set(self.learning_rates) - set(LEARNING_RATES)):
            raise ValueError(f"learning_rates names {', '.join(unknown)}; the groups are {', '.join(LEARNING_RATES)}.")
        for name, rate in self.learning_rates.items():
            check_range(f"learning_rates.{name}", rate, 0, include_low=False)
        check_range("momentum", self.momentum, 0, 1)
        check_bool("nesterov", self.nesterov)
        check_range("weight_decay", self.weight_decay, 0)
        if self.algorithm == "sgd" and self.nesterov and not self.momentum:
            raise ValueError("nesterov=True needs a momentum above 0; set nesterov=False (optim.nesterov=false).")
        check_choice("schedule", self.schedule, ("milestones", "one_cycle"))
        if not isinstance(self.milestones, Sequence) or isinstance(self.milestones, str):
            raise ValueError(f"milestones={self.milestones!r} must be a list of epochs, such as [40].")
        for epoch in self.milestones:
            check_int("milestones", epoch, 1, "it is the number of epochs after which the rates fall")
        check_range("gamma", self.gamma, 0, include_low=False)
        # Plain numbers, since a checkpoint that holds numpy's is not read again.
        plain: dict[str, Any] = {n: float(getattr(self, n)) for n in ("momentum", "weight_decay", "gamma")}
        plain["milestones"] = [int(epoch) for epoch in self.milestones]
        plain["learning_rates"] = {n: float(rate) for n, rate in {**LEARNING_RATES, **self.learning_rates}.items()}
        for name, value in plain.items():
            object.__setattr__(self, name, value)

    def optimizer(self, network: DIEN, objective: DIENObjective | SelfTrainingObjective) -> Optimizer:
        """Of the `parameter_groups` of both."""
        return self.optimizer_of(parameter_groups(network, objective, self.learning_rates))

    def optimizer_of(self, groups: list[dict[str, Any]]) -> Optimizer:
        """Of groups with a "name", "lr" and "params" each."""
        if self.algorithm == "adam":
            return Adam(groups, weight_decay=self.weight_decay)
        return SGD(groups, momentum=self.momentum, nesterov=self.nesterov, weight_decay=self.weight_decay)

    def scheduler(self, optimizer: Optimizer, *, total_steps: float, steps_per_epoch: float) -> LRScheduler:
        """The learning rates' course, stepped after every optimizer step.

        Args:
            optimizer: whose rates are the peak values.
            total_steps: steps of the whole training; infinite where it has no end.
            steps_per_epoch: steps of an epoch; infinite where an epoch has no end, and so no milestone is reached.

        Raises:
            ValueError: "one_cycle" without an end.
        """
        if self.schedule == "milestones":
            reached = self.milestones if math.isfinite(steps_per_epoch) else []
            return MultiStepLR(optimizer, [epoch * int(steps_per_epoch) for epoch in reached], self.gamma)
        if math.isinf(total_steps):
            raise ValueError("schedule='one_cycle' needs to know its end: set max_epochs or max_steps, or milestones.")
        peaks = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, peaks, int(total_steps), cycle_momentum=False)


def parameter_groups(
    network: DIEN, objective: DIENObjective | SelfTrainingObjective, learning_rates: Mapping[str, float]
) -> list[dict[str, Any]]:
    """One group per part that exists: `backbone`, `embedding`, `attention` (with the fusion), `identity`, `domain`.

    Pooling and the final batch norm belong to the embedding.

    Args:
        network: whose backbone, embedding layer and attention to train.
        objective: whose classifiers to train.
        learning_rates: of each group, as a `Recipe` has them.

    Returns:
        Groups for a torch optimiser, with "name", "lr" and "params".

    Raises:
        ValueError: a parameter in no group or in two.
    """
    parts = {**network_parts(network), "identity": [objective.identity], "domain": [objective.domain]}
    return grouped({name: (learning_rates[name], modules) for name, modules in parts.items()}, network, objective)


def network_parts(network: DIEN) -> dict[str, Sequence[nn.Module | None]]:
    """What of a network learns at one rate, by the rate's name; None for what it has not."""
    return {
        "backbone": [network.backbone],
        "embedding": [network.pooling, network.embedding, network.final_norm],
        "attention": [network.attention, network.fusion],
    }


def grouped(parts: Mapping[str, tuple[float, Sequence[nn.Module | None]]], *trained: nn.Module) -> list[dict[str, Any]]:
    """A group with "name", "lr" and "params" for each part that has parameters.

    Args:
        parts: learning rate and modules, by the group's name.
        *trained: whose parameters the parts have to hold, each once.

    Raises:
        ValueError: a parameter in no group or in two.
    """
    groups: list[dict[str, Any]] = []
    for name, (rate, modules) in parts.items():
        parameters = [p for module in modules if module is not None for p in module.parameters()]
        if parameters:
            groups.append({"name": name, "lr": rate, "params": parameters})
    held = [id(p) for group in groups for p in group["params"]]
    if len(held) != len(set(held)) or set(held) != {id(p) for module in trained for p in module.parameters()}:
        raise ValueError("each parameter must be in exactly one group; a new part of the network needs a group's name.")
    return groups
