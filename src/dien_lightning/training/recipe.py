"""Named parameter groups, each parameter in exactly one, and the schedule over the training steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain, product
from typing import Any, Literal

from torch import nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, OneCycleLR

from dien_lightning.checks import check_bool, check_choice, check_int, check_range
from dien_lightning.losses.objective import DIENObjective
from dien_lightning.network.dien import DIEN

LEARNING_RATES: dict[str, float] = {
    "backbone": 1e-4,
    "embedding": 1e-1,
    "attention": 1e-2,
    "identity": 1e-1,
    "domain": 1e-1,
}
"""The paper's learning rates (Pu et al., 2019, III-E); CCCDTL's rate is the embedding layer's, which feeds it."""

_RATES = ("lr", "initial_lr", "max_lr", "min_lr")  # torch's names for a group's rate now, at the start, top and end


def parameter_groups(
    network: DIEN, objective: DIENObjective, learning_rates: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """One group per part that exists: `backbone`, `embedding`, `attention` (with the fusion), `identity`, `domain`.

    Args:
        network: whose backbone, embedding layer and attention to train.
        objective: whose classifiers to train.
        learning_rates: by group name; what is left out keeps its value in `LEARNING_RATES`.

    Returns:
        Groups for a torch optimiser, with "name", "lr" and "params".

    Raises:
        ValueError: an unknown group name, a rate that is not positive, or a parameter in no group or in two.
    """
    rates = all_rates(learning_rates)
    parts: dict[str, Sequence[nn.Module | None]] = {
        "backbone": [network.backbone],
        "embedding": [network.embedding],
        "attention": [network.attention, network.fusion],
        "identity": [objective.identity],
        "domain": [objective.domain],
    }
    groups: list[dict[str, Any]] = []
    for name, modules in parts.items():
        parameters = [p for module in modules if module is not None for p in module.parameters()]
        if parameters:
            groups.append({"name": name, "lr": rates[name], "params": parameters})
    grouped = [id(p) for group in groups for p in group["params"]]
    trained = {id(p) for p in chain(network.parameters(), objective.parameters())}
    if len(grouped) != len(set(grouped)) or set(grouped) != trained:
        raise ValueError("each parameter must be in exactly one group; a new part of the network needs a group's name.")
    return groups


def all_rates(learning_rates: Mapping[str, float] | None = None) -> dict[str, float]:
    """The rate of each group: as given, or its own of `LEARNING_RATES`.

    Raises:
        ValueError: an unknown group name, or a rate that is not positive.
    """
    if not isinstance(learning_rates or {}, Mapping):
        raise ValueError(f"learning_rates={learning_rates!r} must name groups, such as {{'backbone': 1e-4}}.")
    rates = {**LEARNING_RATES, **(learning_rates or {})}
    unknown = set(rates) - set(LEARNING_RATES)
    if unknown:
        raise ValueError(
            f"learning_rates names {', '.join(sorted(unknown))}; the groups are {', '.join(LEARNING_RATES)}."
        )
    for name, rate in rates.items():
        check_range(f"learning_rates.{name}", rate, 0, include_low=False)
    return {name: float(rate) for name, rate in rates.items()}  # a checkpoint with numpy's numbers is not read again


def sgd(groups: list[dict[str, Any]], momentum: float = 0.9, nesterov: bool = True, weight_decay: float = 5e-4) -> SGD:
    """Stochastic gradient descent with HHL's momentum and decay (Zhong et al., 2018), which the paper follows.

    Args:
        groups: from `parameter_groups`.
        momentum: in [0, 1).
        nesterov: Nesterov's momentum.
        weight_decay: of every parameter.

    Raises:
        ValueError: momentum outside [0, 1), a negative decay, Nesterov's momentum without momentum.
    """
    check_sgd(momentum, nesterov, weight_decay)
    return SGD(groups, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)


def check_sgd(momentum: float, nesterov: bool, weight_decay: float) -> None:
    """Raise a ValueError unless `sgd` takes these."""
    check_range("momentum", momentum, 0, 1)
    check_bool("nesterov", nesterov)
    check_range("weight_decay", weight_decay, 0)
    if nesterov and not momentum:
        raise ValueError("nesterov=True needs a momentum above 0; set nesterov=False (optim.nesterov=false).")


def schedule(
    optimizer: Optimizer,
    kind: Literal["milestones", "one_cycle"],
    *,
    total_steps: float,
    steps_per_epoch: float,
    milestones: Sequence[int] = (40,),
    gamma: float = 0.1,
    warmup: float = 0.3,
) -> LRScheduler:
    """The learning rates' course, stepped after every batch.

    Args:
        optimizer: whose rates are the peak values.
        kind: "milestones" multiplies by gamma after given epochs (HHL: after 40 of 60); "one_cycle" warms up and
            anneals to zero (Smith & Topin, 2018), for short runs from random weights.
        total_steps: steps of the whole training; infinite where it has no end.
        steps_per_epoch: steps of an epoch; infinite where an epoch has no end, and so no milestone is reached.
        milestones: epochs, for "milestones".
        gamma: factor, for "milestones".
        warmup: share of the steps until the peak, for "one_cycle".

    Raises:
        ValueError: an unknown kind, a gamma that is not positive, a warmup outside [0, 1], one_cycle without an end.
    """
    check_schedule(kind, milestones, gamma, warmup)
    if kind == "milestones":
        reached = milestones if math.isfinite(steps_per_epoch) else []
        return MultiStepLR(optimizer, [epoch * int(steps_per_epoch) for epoch in reached], gamma)
    if math.isinf(total_steps):
        raise ValueError("schedule='one_cycle' needs to know its end: set max_epochs or max_steps, or milestones.")
    if warmup * total_steps == 1 or warmup == 1:  # the peak is the first or last step, and torch divides by the rest
        warmup *= 1 - 1e-9
    return OneCycleLR(
        optimizer,
        [group["lr"] for group in optimizer.param_groups],
        int(total_steps),
        pct_start=float(warmup),  # torch wants a float, a config may hold 0 or 1
        cycle_momentum=False,
    )


def check_schedule(kind: str, milestones: Sequence[int], gamma: float, warmup: float) -> None:
    """Raise a ValueError unless `schedule` takes these."""
    check_choice("schedule", kind, ("milestones", "one_cycle"))
    if not isinstance(milestones, Sequence) or isinstance(milestones, str):
        raise ValueError(f"milestones={milestones!r} must be a list of epochs, such as [40].")
    for epoch in milestones:
        check_int("milestones", epoch, 1, "it is the number of epochs after which the rates fall")
    check_range("gamma", gamma, 0, include_low=False)
    check_range("warmup", warmup, 0, 1, include_high=True)


def check_goes_on(saved: Mapping[str, Any], planned: LRScheduler) -> None:
    """Raise a ValueError unless a schedule that was saved leads on to where the planned one goes.

    Args:
        saved: state of a schedule from `schedule`.
        planned: the new run's, at its first step.
    """
    if ("total_steps" in saved) != isinstance(planned, OneCycleLR):
        kind = "one_cycle" if isinstance(planned, OneCycleLR) else "milestones"
        raise ValueError(
            f"the checkpoint was made with another schedule than {kind} (optim.schedule); resume with the same one, "
            f"or start anew."
        )
    if isinstance(planned, OneCycleLR) and saved["total_steps"] != planned.total_steps:
        raise ValueError(
            f"the checkpoint's one_cycle schedule was laid out for {saved['total_steps']} steps, and this run has "
            f"{planned.total_steps}; resume with the same trainer.max_epochs and data.steps_per_epoch, or start anew."
        )
    if isinstance(planned, MultiStepLR):
        at = saved["last_epoch"]
        before, now = (sorted(filter(at.__ge__, course)) for course in (saved["milestones"], planned.milestones))
        if before != now:
            raise ValueError(
                f"up to its step {at} the checkpoint's rates fell after steps {before}, and this run's fall after "
                f"{now}; resume with the same milestones and steps of an epoch up to there, or start anew."
            )


def use_new_settings(checkpoint: dict[str, Any], groups: Sequence[Mapping[str, Any]], **sgd_arguments: Any) -> None:
    """Change a checkpoint so that its optimiser and schedule go on with these settings instead of those it was made by.

    A restored optimiser brings its own rates back. Where nothing was changed, nothing is changed here, to the last bit.

    Args:
        checkpoint: of Lightning, with one optimiser and one schedule; changed in place.
        groups: from `parameter_groups`; their rates are the peak values.
        **sgd_arguments: of `sgd`.
    """
    schedules = checkpoint["lr_schedulers"]
    had = [group.get("name") for group in checkpoint["optimizer_states"][0]["param_groups"]]
    if had != (now := [group.get("name") for group in groups]):
        raise ValueError(
            f"the checkpoint was trained with the parts {', '.join(map(str, had))}, and this run has "
            f"{', '.join(map(str, now))}; resume with the same terms and T, or start anew."
        )
    for place, (saved, group) in enumerate(zip(checkpoint["optimizer_states"][0]["param_groups"], groups, strict=True)):
        saved.update(sgd_arguments)
        peak = saved.get("max_lr", saved.get("initial_lr", saved["lr"]))
        if peak == group["lr"]:
            continue
        factor = group["lr"] / peak
        saved.update({name: saved[name] * factor for name in _RATES if name in saved})
        for state, name in product(schedules, ("base_lrs", "_last_lr")):
            state[name] = [rate * factor if i == place else rate for i, rate in enumerate(state[name])]
    for state in schedules:
        for name in ("milestones", "gamma", "_schedule_phases"):  # what is left out keeps its new value
            state.pop(name, None)
