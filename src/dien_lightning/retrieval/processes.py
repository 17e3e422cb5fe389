"""What travels between the processes of a group: one process alone sends nothing."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


class Processes:
    """The ranks of a process group; rank 0 of 1 where none is initialised.

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
