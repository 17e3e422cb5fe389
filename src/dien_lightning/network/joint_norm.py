"""Batch norm over the batch of all processes: statistics travel once on each way, torch's kernels do the rest.

torch's SyncBatchNorm refuses CPU tensors, and knows no parts of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import batch_norm

from dien_lightning.processes import Processes


class JointBatch(NamedTuple):
    """How a batch lies on the processes that share it.

    Attributes:
        processes: those that train.
        edges: where the G parts of the joined batch begin, and where the last one ends.
        eps: added to the variance.
    """

    processes: Processes
    edges: Sequence[int]
    eps: float


class JointNorm(torch.autograd.Function):
    """Normalise this process's rows of a batch by the statistics of the parts that they belong to, wherever these lie.

    Args (of `apply`):
        features: (B, C, ...), this process's rows.
        weight, bias: (C,).
        batch: how it lies on the processes.

    Returns:
        features (B, C, ...); mean (G, C) and unbiased variance (G, C) of the parts, without gradients.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, batch: JointBatch
    ) -> tuple[Tensor, Tensor, Tensor]:
        processes, edges, eps = batch
        ctx.slices, ctx.processes = _own_slices(len(features), edges, processes.rank), processes
        channels = len(weight)
        own = weight.new_zeros(1, len(edges) - 1, 2 * channels + 1)  # mean, variance, number of values
        for part, rows in ctx.slices:
            values = features[rows]
            zeros = torch.zeros_like(weight)  # statistics are of this type, whatever that of the features
            mean, variance = torch.batch_norm_update_stats(values, zeros, zeros, 0.0)
            number = own.new_full((1,), values.numel() // channels)
            own[0, part] = torch.cat([mean, variance, number])
        means, variances, counts = processes.join(own).split([channels, channels, 1], dim=2)  # (W, G, C or 1)
        total = counts.sum(0)
        mean = (means * counts).sum(0) / total  # (G, C)
        # The parts' variances and those of their means: squares less a squared mean would lose digits.
        variance = ((variances + (means - mean).square()) * counts).sum(0) / total
        output = [batch_norm(features[r], mean[p], variance[p], weight, bias, eps=eps) for p, r in ctx.slices]
        ctx.save_for_backward(features, weight, mean, (variance + eps).rsqrt(), total)
        unbiased = variance * total / (total - 1)
        ctx.mark_non_differentiable(mean, unbiased)
        return (output[0] if len(output) == 1 else torch.cat(output)), mean, unbiased

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        features, weight, mean, invstd, total = ctx.saved_tensors
        sums = weight.new_zeros(len(mean), 2, len(weight))  # of dL/dy times the normalised value, and of dL/dy
        for part, rows in ctx.slices:
            given = (gradient[rows], features[rows], weight, None, None, mean[part], invstd[part], True, 0.0)
            sums[part, 0], sums[part, 1] = torch.ops.aten.native_batch_norm_backward(*given, [False, True, True])[1:]
        along, constant = (ctx.processes.sum(sums) / total[:, None]).unbind(1)  # (G, C) each, means of the whole part
        scale = weight * invstd
        slope = -scale * along * invstd
        offset = -scale * constant - slope * mean
        shape = (1, -1, *[1] * (features.dim() - 2))
        found = []
        for part, rows in ctx.slices:
            by_value = torch.addcmul(offset[part].view(shape), features[rows], slope[part].view(shape))
            found.append(by_value.addcmul_(gradient[rows], scale[part].view(shape)).to(features.dtype))
        own = sums.sum(0)
        return (found[0] if len(found) == 1 else torch.cat(found)), own[0], own[1], None


def _own_slices(number: int, edges: Sequence[int], rank: int) -> list[tuple[int, slice]]:
    """Which rows of this process's belong to which part, for the parts that it has any of."""
    if len(edges) == 2:
        return [(0, slice(0, number))]
    start = rank * number
    cuts = [(max(low - start, 0), min(high - start, number)) for low, high in pairwise(edges)]
    return [(part, slice(low, high)) for part, (low, high) in enumerate(cuts) if low < high]
