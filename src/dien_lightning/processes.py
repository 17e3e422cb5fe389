"""Sums and joins across processes that let gradients through; with one process they do nothing."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """How many processes train together; 1 outside distributed training."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


class _Sum(torch.autograd.Function):
    """Every process gets the sum of all tensors, and in the backward pass the sum of all gradients."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


def sum_over_processes(tensor: Tensor) -> Tensor:
    """Sum of `tensor` over all processes, with gradients.

    Args:
        tensor: the same shape on every process.

    Returns:
        The sum, on every process; `tensor` itself with one process.
    """
    return tensor if world_size() == 1 else _Sum.apply(tensor)


def join_processes(tensor: Tensor) -> Tensor:  # (B, ...) -> (W * B, ...)
    """The batches of all W processes, rank after rank, with gradients.

    Every process then computes the same loss on the whole batch. The backward pass sums the W equal gradients, and
    `DistributedDataParallel` divides by W again, so parameters move as if one process had seen the whole batch.

    Args:
        tensor: the same shape on every process.

    Shape:
        (B, ...) -> (W * B, ...).
    """
    processes = world_size()
    if processes == 1:
        return tensor
    rows = tensor.shape[0]
    # A sum of zero-padded parts: one collective, whose gradient is again a sum, for gloo and NCCL alike.
    padded = tensor.new_zeros((processes * rows, *tensor.shape[1:]))
    start = dist.get_rank() * rows
    return sum_over_processes(torch.slice_scatter(padded, tensor, 0, start, start + rows))
