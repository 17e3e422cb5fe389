"""Runs a function on several processes that form a gloo group, as distributed training does."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist


def forkserver() -> Any:
    """A context whose processes are forked from one that has imported what takes long, and never computed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch.distributed", "dien_lightning.search", "dien_lightning.experiments.train"])
    return context


def run_on_processes(function: Callable[..., Any], *arguments: Any, count: int = 2, timeout: float = 600) -> list[Any]:
    """What `function(*arguments)` returns on each rank, in the order of ranks.

    Args:
        function: a module's own function, so that the processes can import it; it may ask `torch.distributed` for its
            rank. What it returns goes through `torch.save`.
        arguments: what it is called with on every rank; through pickle.
        count: processes.
        timeout: seconds, for everything.

    Raises:
        AssertionError: a process failed (with its traceback), or none was done in time.
    """
    context = forkserver()
    with tempfile.TemporaryDirectory() as folder:
        processes = [
            context.Process(
                target=_work,
                args=(rank, count, timeout),
                kwargs={"folder": folder, "function": function, "arguments": arguments},
            )
            for rank in range(count)
        ]
        for process in processes:
            process.start()
        try:
            _wait(processes, timeout, Path(folder))
        finally:
            for process in processes:
                process.kill()
                process.join()
        return [torch.load(f"{folder}/{rank}.pt", weights_only=False) for rank in range(count)]


def _wait(processes: list[Any], timeout: float, folder: Path) -> None:
    end = time.monotonic() + timeout
    while any(process.exitcode is None for process in processes):
        failed = [rank for rank, process in enumerate(processes) if process.exitcode]
        assert not failed, _report(folder, failed)
        assert time.monotonic() < end, f"not done in {timeout} seconds"
        time.sleep(0.02)
    failed = [rank for rank, process in enumerate(processes) if process.exitcode]
    assert not failed, _report(folder, failed)


def _report(folder: Path, failed: list[int]) -> str:
    said = [folder / f"{rank}.txt" for rank in failed]
    return "\n".join(f"rank {path.stem}: {path.read_text() if path.exists() else 'died'}" for path in said)


def _work(
    rank: int, count: int, timeout: float, *, folder: str, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    torch.set_num_threads(1)
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # the machine's own name need not resolve
    try:
        dist.init_process_group(
            "gloo",
            init_method=f"file://{folder}/store",
            rank=rank,
            world_size=count,
            timeout=timedelta(seconds=timeout + 60),  # the parent's comes first, and says who hangs
        )
        torch.save(function(*arguments), f"{folder}/{rank}.pt")
        dist.barrier()
        dist.destroy_process_group()
    except BaseException:
        Path(f"{folder}/{rank}.txt").write_text(traceback.format_exc())
        os._exit(1)  # without waiting for the others
