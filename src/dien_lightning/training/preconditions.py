"""What a training needs, checked before its first step, and whether a checkpoint fits the training that resumes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from dien_lightning.data import DomainPairDataModule
from dien_lightning.data.fingerprint import what_changed
from dien_lightning.losses import CrossDomainTripletLoss, DIENObjective, SelfTrainingObjective
from dien_lightning.network import DIEN
from dien_lightning.network.files import CHECKPOINT_HYPERPARAMETERS

CHECKPOINT_OPTIM = "optim"
"""The key of a training checkpoint that holds what `check_can_resume` compares, as plain values."""
CHECKPOINT_DATA = "data"
"""The key that holds the fingerprints of source and target."""
_RAMP = "reversal_steps"
_BATCHES = ("seed", "num_ids", "num_instances", "target_batch_size", "target_num_instances")


def total_steps(trainer: Any) -> float:
    """Optimizer steps of the whole training; infinite where it has no end."""
    steps = trainer.estimated_stepping_batches
    return steps if steps > 0 else math.inf  # Lightning gives -1 where a loader has no end, whatever max_epochs is


def settings_of(network: DIEN, objective: nn.Module | None, data: Any) -> dict[str, Any]:
    """Of network, losses and batches, by name, what a resumed training has to share and no tensor's shape tells.

    How the processes share batch norm is left out, and so is the attention's form where there is none.
    """
    shapes = {name: value for name, value in network.hyperparameters.items() if name != "synchronize"}
    if not network.attention_loops:
        shapes = {name: value for name, value in shapes.items() if not name.startswith("attention_")}
    found = {f"network.{name}": value for name, value in shapes.items()}
    for path, part in () if objective is None else objective.named_modules(prefix="objective"):
        numbers = {name: value for name, value in vars(part).items() if type(value) in (bool, int, float, str)}
        found |= {f"{path}.{name}": value for name, value in numbers.items() if name[0] != "_" and name != "training"}
        found[path] = type(part).__name__
    if isinstance(data, DomainPairDataModule):
        found |= {f"data.{name}": int(getattr(data, name)) for name in _BATCHES if hasattr(data, name)}
        found["data.image_size"] = list(data.image_size)
    return found


def trainer_settings(trainer: Any, objective: Any) -> dict[str, Any]:
    """What a checkpoint keeps of them: the precision, and over how many steps a reversal_schedule='dann' rises."""
    adversary = getattr(objective, "domain", None)
    is_fitting = trainer.state.fn == TrainerFn.FITTING
    ramp = {_RAMP: total_steps(trainer)} if is_fitting and adversary and adversary.schedule == "dann" else {}
    return {"trainer.precision": str(trainer.precision), **ramp}


def required_objective(objective: Callable[..., Any] | None) -> Callable[..., Any]:
    """What makes a module's objective, or a ValueError where none was named."""
    if objective is None:
        raise ValueError("objective=null is for a module with losses of its own (module=); name an objective.")
    return objective


def check_same_width(network: DIEN, objective: DIENObjective | SelfTrainingObjective) -> None:
    """Raise a ValueError unless the objective takes embeddings as wide as the network's."""
    if objective.embedding_dim != network.embedding_dim:
        raise ValueError(
            f"the network gives embeddings of {network.embedding_dim} numbers and the objective takes "
            f"{objective.embedding_dim}; give both the same embedding_dim."
        )


def check_same_image_size(network: DIEN, data: Any) -> None:
    """Raise a ValueError unless a data module gives a network images of the size that its file names.

    Args:
        network: to be trained.
        data: the data module; another library's may call something else its image size.
    """
    if not isinstance(data, DomainPairDataModule):
        return
    own, given = tuple(network.hyperparameters["image_size"]), tuple(data.image_size)
    if own != given:
        raise ValueError(
            f"the network embeds images at {own[0]} x {own[1]}, and so does its file wherever it is used, but "
            f"image_size={given[0]} x {given[1]} would train it on others; set data.image_size=[{own[0]},{own[1]}]."
        )


def check_can_train(trainer: Any, network: DIEN, objective: DIENObjective | SelfTrainingObjective) -> None:
    """Raise a ValueError where this training would break down, or lose its batches without a word.

    Args:
        trainer: Lightning's, about to fit.
        network: what is to be trained.
        objective: by which losses.
    """
    if str(trainer.precision) in ("bf16-true", "16-true"):
        raise ValueError(
            f"precision={trainer.precision} (trainer.precision) makes the losses' weights half precision, where "
            f"distances have too few digits; choose bf16-mixed."
        )
    if trainer.overfit_batches:
        raise ValueError(
            f"overfit_batches={trainer.overfit_batches} takes the sampler of P x K batches away; for a quick look give "
            f"the data module steps_per_epoch=2."
        )
    adversary = objective.domain
    if adversary and adversary.schedule == "dann" and math.isinf(total_steps(trainer)):
        raise ValueError("reversal_schedule='dann' needs to know its end: set max_epochs or max_steps, or constant.")
    data = getattr(trainer, "datamodule", None)
    check_same_image_size(network, data)
    sizes = {"num_ids x num_instances": getattr(data, "num_ids", 0) * getattr(data, "num_instances", 0)}
    sizes["target_batch_size"] = getattr(data, "target_batch_size", 0)
    if single := [name for name, size in sizes.items() if size == 1]:
        raise ValueError(f"{single[0]} is 1, and a batch of one image has no variance for batch norm; take more.")
    if objective.needs_target and getattr(data, "target_batch_size", None) == 0:
        raise ValueError(
            "target_batch_size=0 (data.target_batch_size) leaves out the target, and the objective has terms that "
            "need it; give it a batch, or set triplet_weight=0 and domain_weight=0."
        )
    if not isinstance(objective, DIENObjective):
        return  # no other tells the source's identities apart
    if isinstance(objective.triplet, CrossDomainTripletLoss) and getattr(data, "num_instances", 2) == 1:
        raise ValueError(
            "num_instances=1 (data.num_instances) gives the triplet loss no second image of a person; take more, "
            "or set triplet_weight=0."
        )
    classes, identities = objective.identity.classifier.out_features, getattr(data, "num_classes", 0)
    if classes < identities:
        raise ValueError(
            f"the objective tells {classes} identities apart (num_classes) and the source has {identities}; build it "
            f"with num_classes=data.num_classes."
        )


def check_same_data(checkpoint: Mapping[str, Any], data: Any) -> None:
    """Raise a ValueError where a checkpoint's training had another source: its class labels would be other people's.

    A changed target is said.

    Args:
        checkpoint: of Lightning, by `DIENModule`; those of version 0.1 do not say their data.
        data: the data module, which may be another library's.
    """
    had, now = checkpoint.get(CHECKPOINT_DATA, {}), getattr(data, "fingerprints", {})
    changes = {role: what_changed(had[role], now[role]) for role in had if role in now}
    if changes.get("source"):
        raise ValueError(
            f"the source differs from the one that this training began with: {changes['source']}. Put it back as it "
            f"was, or start anew."
        )
    if changes.get("target"):
        rank_zero_info(f"The target differs from the one that this training began with: {changes['target']}.")


def check_can_resume(
    checkpoint: Mapping[str, Any], state: Mapping[str, Tensor], optim: Mapping[str, Any], scheduler: LRScheduler
) -> None:
    """Raise a ValueError unless a checkpoint's training leads on to this one: the same, or longer by milestones.

    One that is laid out over all of its steps, as one_cycle and reversal_schedule='dann' are, cannot become longer.

    Args:
        checkpoint: of Lightning, by `DIENModule`; those of version 0.1 do not say their recipe.
        state: this training's parameters.
        optim: its recipe, what the losses see, and what else it has to share.
        scheduler: its learning rates' course, at the first step.
    """
    saved = checkpoint["state_dict"]
    for name in dict.fromkeys([*state, *saved]):
        shapes = [tuple(each[name].shape) if name in each else "not there" for each in (saved, state)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"the checkpoint does not fit: {name} is {shapes[0]} in it and {shapes[1]} here; resume with the same "
                f"network and objective, or start anew."
            )
    network = checkpoint.get(CHECKPOINT_HYPERPARAMETERS, {})
    had = {f"network.{name}": value for name, value in network.items()} | checkpoint.get(CHECKPOINT_OPTIM, {})
    rises = [settings.get(_RAMP) for settings in (had, optim)]
    if None not in rises and rises[0] != rises[1]:
        raise ValueError(
            f"the checkpoint's reversal rises over {rises[0]} steps, and this run's over {rises[1]}: "
            f"reversal_schedule='dann' is laid out once; resume with the same trainer.max_epochs and "
            f"data.steps_per_epoch, or start anew."
        )
    other = [f"{name}={had[name]} (not {optim[name]})" for name in had if name in optim and had[name] != optim[name]]
    if other:
        raise ValueError(
            f"the checkpoint was trained with {', '.join(other)}; resume with the same recipe (optim), "
            f"precision, network, objective and batches, or start anew."
        )
    plan, planned = checkpoint["lr_schedulers"][0], scheduler.state_dict()
    ends = [course.get("total_steps") for course in (plan, planned)]
    if ends[0] != ends[1]:
        raise ValueError(
            f"the checkpoint's learning rates end after {ends[0]} steps, and this run's after {ends[1]}: one_cycle is "
            f"laid out once; resume with the same optim.schedule, trainer.max_epochs and data.steps_per_epoch, or "
            f"start anew."
        )
    falls = [sorted(course.get("milestones", ())) for course in (plan, planned)]
    if falls[0] != falls[1]:
        raise ValueError(
            f"the checkpoint's learning rates fall after steps {falls[0]}, and this run's after {falls[1]}; resume "
            f"with the same data.steps_per_epoch and optim.milestones, or start anew."
        )
