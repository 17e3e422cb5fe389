"""How many threads to compute with: beside other busy processes, threads that wait for one another cost many times.

Tables give each training one thread (`table_runs`, `table2`).
"""

from __future__ import annotations

import os

import psutil
import torch
from pytorch_lightning.utilities import rank_zero_info

from dien_lightning.checks import check_int


def free_cores(seconds: float = 0.5) -> int:
    """How many of this process's cores nobody uses now, at least 1; one that is busy for a quarter of the time is free.

    Args:
        seconds: how long to look; an average over minutes would count what has just ended.
    """
    busy = psutil.cpu_percent(seconds, percpu=True)
    own = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(busy))
    return max(1, int(0.25 + sum(1 - busy[core] / 100 for core in own if core < len(busy))))


def use_threads(wanted: int | None, share: int = 1) -> int:
    """Let torch compute with so many threads, and say so where it is fewer than there could be.

    Args:
        wanted: number; None takes what OMP_NUM_THREADS says, else the free cores.
        share: processes that train together on this machine's cores.

    Returns:
        The number.

    Raises:
        ValueError: `wanted` is no whole number of at least 1.
    """
    if wanted is not None:
        check_int("threads", wanted, 1, "null takes the cores that are free at the start")
        torch.set_num_threads(wanted)
    elif "OMP_NUM_THREADS" not in os.environ:
        most = torch.get_num_threads()
        torch.set_num_threads(max(1, min(most, free_cores() // share)))
        if torch.get_num_threads() < most // share:
            rank_zero_info(
                f"The cores are busy: computing with {torch.get_num_threads()} of {most} threads (threads=N decides)."
            )
    if share > 1 or wanted is not None:
        os.environ["OMP_NUM_THREADS"] = str(torch.get_num_threads())  # else Lightning deals all cores out anew
    return torch.get_num_threads()
