"""Batch norm that keeps running statistics per domain and per pass, with shared weights."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from dien_lightning.network.joint_norm import JointBatch, JointNorm
from dien_lightning.processes import Processes

Domain = Literal["source", "target"]
DOMAINS: tuple[Domain, ...] = ("source", "target")


@dataclass
class Condition:
    """Whose images go through the network just now; all normalisation layers of a network share one.

    Attributes:
        domain: which domain's statistics to use.
        step: which pass t = 0..T is running.
        recomputing: whether it runs a second time for its gradients (activation checkpointing); running statistics have
            seen its batch.
    """

    domain: Domain = "target"
    step: int = 0
    recomputing: bool = False


class DomainBatchNorm(nn.Module):
    """Batch norm (Ioffe & Szegedy, 2015) for maps (B, C, H, W) or vectors (B, C), told apart by domain and pass.

    Source and target differ in brightness, tint and contrast, and a masked map differs from the first one; one set of
    running statistics would fit none of them. The affine weights are shared. The paper leaves this open.

    Args:
        features: C.
        condition: shared with the network, which sets it before each pass.
        domains: 2 keeps statistics per domain, 1 one set for both; whose batches it has seen is known in any
            case, and a batch of both is given as the target's.
        passes: how many passes keep statistics of their own; later ones use the last.
        first_step: the pass that uses the first set.
        eps: added to the variance.
        momentum: share of a new batch in the running statistics; None averages all batches equally.
        synchronize: use the batch of all processes.
        size: images that are normalised together: a batch of B is cut in its order into B // size parts as equal as can
            be, whichever processes they lie on, which then hold equally many; running statistics get the mean of the
            parts'. None takes the whole batch.

    Shape:
        (B, C, ...) -> the same.
    """

    running_mean: Tensor
    running_var: Tensor
    batches: Tensor

    def __init__(
        self,
        features: int,
        condition: Condition,
        *,
        domains: int = 2,
        passes: int = 1,
        first_step: int = 0,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        synchronize: bool = True,
        size: int | None = None,
    ) -> None:
        super().__init__()
        self.condition = condition
        self.size = size
        self.first_step = first_step
        self.eps = eps
        self.momentum = momentum
        self.synchronize = synchronize
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(domains, passes, features))
        self.register_buffer("running_var", torch.ones(domains, passes, features))
        self.register_buffer("batches", torch.zeros(len(DOMAINS), passes, dtype=torch.long))

    def forward(self, features: Tensor) -> Tensor:
        domain = self._domain_slot(self.condition.domain)
        step = min(self.condition.step - self.first_step, self.running_mean.shape[1] - 1)
        mean, var = self.running_mean[domain, step], self.running_var[domain, step]
        if not self.training:
            return batch_norm(features, mean, var, self.weight, self.bias, eps=self.eps)
        seen = self._seen(self.condition.domain)[step]
        if self.condition.recomputing:
            mean, var = mean.clone(), var.clone()
        else:
            seen.add_(1)
        # 1 / seen stays a tensor: a float would make a GPU wait, and a compiler stop.
        momentum = self.momentum if self.momentum is not None else 1 / seen.to(mean.dtype)
        if self.synchronize and (processes := Processes()).world_size > 1:
            batch = JointBatch(processes, self._edges(len(features) * processes.world_size), self.eps)
            joint = JointNorm.apply(features, self.weight, self.bias, batch)
            mean.lerp_(joint[1].mean(0), momentum)
            var.lerp_(joint[2].mean(0), momentum)
            return joint[0]
        if self.size is None and not isinstance(momentum, Tensor):
            return batch_norm(features, mean, var, self.weight, self.bias, True, momentum, self.eps)
        edges = self._edges(len(features))
        sizes = [end - start for start, end in pairwise(edges)]
        means, variances = mean.new_zeros(len(sizes), len(mean)), var.new_zeros(len(sizes), len(var))
        normalized = [  # a momentum of 1 leaves the part's own statistics
            batch_norm(part, means[place], variances[place], self.weight, self.bias, True, 1.0, self.eps)
            for place, part in enumerate(features.split(sizes))
        ]
        mean.lerp_(means.mean(0), momentum)
        var.lerp_(variances.mean(0), momentum)
        return torch.cat(normalized)

    def _edges(self, batch_size: int) -> list[int]:
        """Where the parts of a batch begin, and where the last one ends."""
        number = 1 if self.size is None else max(1, batch_size // self.size)
        return [-(-part * batch_size // number) for part in range(number + 1)]

    def forget(self, domain: Domain) -> None:
        """Set `domain`'s statistics back to those of a new layer."""
        slot = self._domain_slot(domain)
        self.running_mean[slot].zero_()
        self.running_var[slot].fill_(1)
        # The other domain's statistics go with them, where both share one set.
        (self._seen(domain) if self.running_mean.shape[0] > 1 else self.batches).zero_()

    def gathered(self, domain: Domain) -> bool:
        """Whether training batches of `domain` have been seen."""
        return bool((self._seen(domain) > 0).all())

    def _domain_slot(self, domain: Domain) -> int:
        return DOMAINS.index(domain) if self.running_mean.shape[0] > 1 else 0

    def _seen(self, domain: Domain) -> Tensor:  # (passes,), a view
        return self.batches[DOMAINS.index(domain)]

    def extra_repr(self) -> str:
        domains, passes, features = self.running_mean.shape
        return f"{features}, domains={domains}, passes={passes}, momentum={self.momentum}"


def normalizations(network: nn.Module) -> list[DomainBatchNorm]:
    """The layers of a network that keep statistics, in its order."""
    return [module for module in network.modules() if isinstance(module, DomainBatchNorm)]


def keep_statistics_apart(module: nn.Module, condition: Condition, **options: Any) -> None:
    """Replace each batch-norm layer inside `module` by a `DomainBatchNorm` with its weights and statistics.

    Args:
        module: changed in place.
        condition: shared by all new layers.
        **options: `DomainBatchNorm`'s domains, passes, first_step, synchronize and size.
    """
    for name, child in module.named_children():
        if not isinstance(child, (nn.BatchNorm1d, nn.BatchNorm2d)):
            keep_statistics_apart(child, condition, **options)
            continue
        layer = DomainBatchNorm(child.num_features, condition, eps=child.eps, momentum=child.momentum, **options)
        layer.load_state_dict(
            {
                "weight": child.weight,
                "bias": child.bias,
                "running_mean": child.get_buffer("running_mean").expand_as(layer.running_mean),
                "running_var": child.get_buffer("running_var").expand_as(layer.running_var),
                "batches": layer.batches,
            }
        )
        setattr(module, name, layer)
