"""Who else trains, and what travels between the processes; one process alone sends nothing."""

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


def share_over_processes(tensor: Tensor, sender: int = 0) -> Tensor:
    """The sender's tensor, on every process, without gradients.

    Args:
        tensor: the same shape and type on every process.
        sender: rank.
    """
    if world_size() == 1:
        return tensor
    shared = tensor.clone()
    dist.broadcast(shared, sender)
    return shared


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


class Processes:
    """The ranks of a process group, for tensors on any device and without gradients; rank 0 of 1 outside of one.

    Args:
        group: a torch.distributed group; None is all processes.
    """

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        self._group = group
        is_distributed = dist.is_available() and dist.is_initialized()
        self.world_size = dist.get_world_size(group) if is_distributed else 1
        self.rank = dist.get_rank(group) if is_distributed else 0

    def gather_numbers(self, numbers: list[int]) -> list[list[int]]:
        """Every rank's numbers, as many on each."""
        if self.world_size == 1:
            return [numbers]
        sent = torch.tensor(numbers, device=self._device())
        received = [torch.zeros_like(sent) for _ in range(self.world_size)]
        dist.all_gather(received, sent, group=self._group)
        return [part.tolist() for part in received]

    def share(self, rows: Tensor, sender: int) -> Tensor:
        """The sender's rows, on every rank; the others give a tensor of the same shape and type to write to."""
        if self.world_size == 1 or not rows.numel():
            return rows
        sent = rows.to(self._device()).contiguous()
        source = sender if self._group is None else dist.get_global_rank(self._group, sender)
        dist.broadcast(sent, src=source, group=self._group)
        return sent.to(rows.device)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over the ranks, on every rank."""
        if self.world_size == 1:
            return values
        sent = values.to(self._device(), copy=True)
        dist.all_reduce(sent, group=self._group)
        return sent.to(values.device)

    def _device(self) -> torch.device:
        """Where the group can send from: NCCL knows GPUs only."""
        if "nccl" in dist.get_backend(self._group):
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("cpu")
