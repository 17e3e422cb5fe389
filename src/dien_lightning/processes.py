"""Who else trains, and what travels between the processes; one process alone sends nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

_RANKS = ("RANK", "SLURM_PROCID", "NODE_RANK", "LOCAL_RANK")


def is_first_process() -> bool:
    """Whether this process writes files; Lightning, torchrun and SLURM give the others a rank before a group forms."""
    return all(int(os.environ.get(name, "0")) == 0 for name in _RANKS)


class Processes:
    """The ranks of a process group, for tensors on any device; rank 0 of 1 outside of one.

    Args:
        group: a torch.distributed group; None is all processes.

    Attributes:
        world_size: W, how many processes there are.
        rank: which of them this is, in 0..W-1.
    """

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        self._group = group
        is_distributed = dist.is_available() and dist.is_initialized()
        self.world_size = dist.get_world_size(group) if is_distributed else 1
        self.rank = dist.get_rank(group) if is_distributed else 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum over the ranks, on every rank, with gradients; the same shape on each."""
        return values if self.world_size == 1 else _Sum.apply(values, self)

    def join(self, rows: Tensor) -> Tensor:  # (B, ...) -> (W * B, ...)
        """The rows of all ranks, rank after rank, with gradients; as many on each.

        Every process then computes the same loss on the whole batch. The backward pass sums the W equal gradients, and
        `DistributedDataParallel` divides by W again, so parameters move as if one process had seen the whole batch.
        """
        if self.world_size == 1:
            return rows
        # A sum of zero-padded parts: one collective, whose gradient is again a sum, for gloo and NCCL alike.
        padded = rows.new_zeros((self.world_size * len(rows), *rows.shape[1:]))
        start = self.rank * len(rows)
        return self.sum(torch.slice_scatter(padded, rows, 0, start, start + len(rows)))

    def join_each(self, parts: Sequence[Tensor]) -> list[Tensor]:  # (B_i, D) each -> (W * B_i, D) each
        """`join` of several tensors of one width, in one collective."""
        if self.world_size == 1:
            return list(parts)
        joined = self.join(torch.cat(list(parts))).unflatten(0, (self.world_size, -1))  # (W, sum of B_i, D)
        return [part.flatten(0, 1) for part in joined.split([len(part) for part in parts], dim=1)]

    def share(self, rows: Tensor, sender: int) -> Tensor:
        """The sender's rows, on every rank; the others give a tensor of the same shape and type."""
        if self.world_size == 1 or not rows.numel():
            return rows
        sent = self._sendable(rows)
        source = sender if self._group is None else dist.get_global_rank(self._group, sender)
        dist.broadcast(sent, src=source, group=self._group)
        return sent.to(rows.device)

    @contextmanager
    def failing_together(self) -> Iterator[None]:
        """What fails on one rank ends them all, for the others would wait for it in vain.

        Raises:
            ValueError: it failed on another rank, which raises its own error.
        """
        failure: Exception | None = None
        try:
            yield
        except Exception as error:  # told below, once the others know
            failure = error
        try:
            failures = int(self.sum(torch.tensor(int(failure is not None))))
        finally:  # also where the others are gone, which is not what went wrong first
            if failure is not None:
                raise failure
        if failures:
            raise ValueError("another process failed; its own message says why.")

    def _sendable(self, values: Tensor) -> Tensor:
        """A copy where the group can send from: NCCL knows GPUs only."""
        is_nccl = "nccl" in dist.get_backend(self._group)
        device = torch.device("cuda", torch.cuda.current_device()) if is_nccl else torch.device("cpu")
        return values.detach().clone(memory_format=torch.contiguous_format).to(device)


class _Sum(torch.autograd.Function):
    """Every process gets the sum of all tensors, and in the backward pass the sum of all gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, processes: Processes) -> Tensor:
        ctx.processes = processes
        total = processes._sendable(values)
        dist.all_reduce(total, group=processes._group)
        return total.to(values.device)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Sum.apply(gradient, ctx.processes), None
