"""A map to one vector: average and maximum side by side, the generalised mean between them, or a maximum per stripe."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, adaptive_max_pool2d

POOLINGS = ("average_and_max", "generalized_mean", "local_max")
_LEAST = 1e-6  # powers of 0 have no gradient


class AverageAndMax(nn.Module):
    """Global average and global maximum (Pu et al., 2019, III-A): (B, C, h, w) -> (B, 2 C)."""

    times = 2

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([adaptive_avg_pool2d(features, 1), adaptive_max_pool2d(features, 1)], dim=1).flatten(1)


class GeneralizedMean(nn.Module):
    """(mean of x^p)^(1/p) of what is above 0, p learned (Radenovic et al., 2018): (B, C, h, w) -> (B, C).

    p = 1 is the average, a large p nearly the maximum.

    Args:
        power: p at the start.

    Example:
        >>> pool = GeneralizedMean(power=2.0)
        >>> pool(torch.tensor([[[[3.0, 4.0], [0.0, 0.0]]]])).item()  # the root of 25 / 4
        2.5
    """

    times = 1

    def __init__(self, power: float = 3.0) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.tensor(power))

    def forward(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            power = self.power.to(torch.promote_types(self.power.dtype, torch.float32))  # half has no room for powers
            powers = features.to(power.dtype).clamp(min=_LEAST).pow(power)
            means = adaptive_avg_pool2d(powers, 1).flatten(1)
            # From p = 7.5 on, powers of the least are 0, and 0^(1/p) has no gradient.
            return means.clamp(min=torch.finfo(means.dtype).tiny).pow(1 / power).to(self.power.dtype)


class LocalMax(nn.Module):
    """The maximum of each of P horizontal stripes, one after the other: (B, C, h, w) -> (B, P C).

    LMP of SPGAN (Deng et al., 2018): what a translation spoils at one place changes one stripe. The paper pools so when
    it tests, whose feature is the pooled map itself, and trains with an average. A `DIEN`'s feature is what its
    embedding layer makes of the pooled map, and that layer knows one width: it is trained with the stripes as well.

    Args:
        parts: P; a stripe for each row of the map is the finest that there is.

    Example:
        >>> LocalMax(parts=2)(torch.tensor([[[[1.0, 2.0], [4.0, 3.0]]]]))
        tensor([[2., 4.]])
    """

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.times = parts

    def forward(self, features: Tensor) -> Tensor:
        return adaptive_max_pool2d(features, (self.times, 1)).flatten(1)


def build_pooling(name: str, rows: int) -> AverageAndMax | GeneralizedMean | LocalMax:
    """One of `POOLINGS`.

    Args:
        name: which.
        rows: of the map that is pooled; "local_max" has a stripe for each.
    """
    if name == "local_max":
        return LocalMax(rows)
    return AverageAndMax() if name == "average_and_max" else GeneralizedMean()
