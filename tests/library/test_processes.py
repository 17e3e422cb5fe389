"""Two processes against one: sums, batch norm, the whole training step, and the control."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

import dien_lightning
from dien_lightning.network import Condition, DomainBatchNorm
from dien_lightning.processes import Processes
from processes import run_on_processes

# ---- one file, one process ----


def test_no_other_file_asks_who_else_trains():
    imports = r"^\s*(import torch\.distributed|from torch\.distributed|from torch import distributed)"
    asks = re.compile(rf"{imports}|[A-Z]+_RANK|_PROCID", re.MULTILINE)
    root = Path(dien_lightning.__file__).parent
    assert [path.name for path in root.rglob("*.py") if asks.search(path.read_text())] == ["processes.py"]


def test_alone_nothing_happens():
    alone, tensor = Processes(), torch.randn(3, 2)
    assert (alone.world_size, alone.rank) == (1, 0)
    assert alone.sum(tensor) is alone.join(tensor) is alone.share(tensor, 0) is tensor


# ---- sums and joins ----


def collect() -> dict[str, Tensor]:
    processes = Processes()
    rank = processes.rank
    x = torch.tensor([[1.0, 2.0]]) * 10**rank
    x.requires_grad_()
    total = processes.sum(x)
    (total * (rank + 1)).sum().backward()
    sum_gradient, x.grad = x.grad, None
    joined = processes.join(x)
    (joined * torch.tensor([[1.0], [5.0]]) * (rank + 1)).sum().backward()
    pids = processes.join(torch.tensor([rank, 7]))
    parts = processes.join_each([torch.tensor([[rank, 1]]), torch.tensor([[rank, 2], [rank, 3]])])
    shared = [processes.share(x.detach(), sender) for sender in (0, 1)]
    return {
        "world_size": torch.tensor(processes.world_size),
        "total": total.detach(),
        "sum_gradient": sum_gradient,
        "joined": joined.detach(),
        "join_gradient": x.grad,
        "pids": pids,
        "parts": torch.cat(parts),
        "shared": torch.cat(shared),
        "x": x.detach(),
    }


def test_sums_and_joins_by_hand():
    for rank, found in enumerate(run_on_processes(collect)):
        assert found["world_size"] == 2
        assert found["total"].tolist() == [[11, 22]]
        assert found["sum_gradient"].tolist() == [[3, 3]]  # 1 from rank 0's loss, 2 from rank 1's
        assert found["joined"].tolist() == [[1, 2], [10, 20]]
        assert found["join_gradient"].tolist() == [[[3, 3]], [[15, 15]]][rank]
        assert found["pids"].tolist() == [0, 7, 1, 7]
        assert found["pids"].dtype == torch.int64
        assert found["parts"].tolist() == [[0, 1], [1, 1], [0, 2], [0, 3], [1, 2], [1, 3]]
        assert found["shared"].tolist() == [[1, 2], [10, 20]]
        assert found["x"].tolist() == [[[1, 2]], [[10, 20]]][rank]  # nothing was changed in place


# ---- batch norm ----

PARTS = {"maps": [(3, 4, 3, 2), (5, 4, 3, 2)], "vectors": [(2, 4), (4, 4)]}  # ranks need not have equally many


def parts_of(kind: str) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(shape, dtype=torch.float64, generator=generator) * (rank + 1) + rank
        for rank, shape in enumerate(PARTS[kind])
    ]


SIZES = (2, 4, 5)  # of 12 images: parts within a process, one across both, parts that are not equal


def halves() -> list[Tensor]:
    return list(torch.cat(parts_of("maps") + parts_of("maps")[:1] + [torch.ones(1, 4, 3, 2)]).chunk(2))


def weighted(output: Tensor, start: int) -> Tensor:
    """A loss that treats every image differently."""
    weights = torch.arange(start, start + len(output), dtype=output.dtype) + 1
    return (output.flatten(1).pow(3).sum(1) * weights).sum()


def normalize(parts: list[Tensor], momentum: float | None, **options: Any) -> dict[str, Tensor]:
    rank = Processes().rank
    part = parts[rank].clone().requires_grad_()
    norm = DomainBatchNorm(4, Condition(), momentum=momentum, **options).double()
    with torch.no_grad():
        norm.weight.copy_(torch.arange(4) + 0.5)
        norm.bias.copy_(torch.arange(4) - 1.0)
    for _ in range(2):
        output = norm(part)
    weighted(output, start=sum(map(len, parts[:rank]))).backward()
    return {
        "output": output.detach(),
        "gradient": part.grad,
        "weight_gradient": norm.weight.grad,
        "bias_gradient": norm.bias.grad,
        "mean": norm.running_mean,
        "var": norm.running_var,
        "batches": norm.batches,
    }


def normalize_all() -> dict[str, dict[str, Tensor]]:
    found = {f"{kind} {momentum}": normalize(parts_of(kind), momentum) for kind in PARTS for momentum in (0.1, None)}
    found |= {f"of {size}": normalize(halves(), 0.1, size=size) for size in SIZES}
    return found | {"alone": normalize(parts_of("maps"), 0.1, synchronize=False)}


@pytest.fixture(scope="module")
def normalized():
    return run_on_processes(normalize_all)


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("kind", list(PARTS))
def test_batch_norm_sees_the_joined_batch(kind, momentum, normalized):
    first, second = (found[f"{kind} {momentum}"] for found in normalized)
    expected = normalize([torch.cat(parts_of(kind))], momentum)
    for name in ("output", "gradient"):
        torch.testing.assert_close(torch.cat([first[name], second[name]]), expected[name], rtol=1e-10, atol=1e-10)
    for name in ("weight_gradient", "bias_gradient"):
        torch.testing.assert_close(first[name] + second[name], expected[name], rtol=1e-10, atol=1e-10)
    for name in ("mean", "var", "batches"):
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], expected[name], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_parts_of_the_joined_batch_are_the_same_wherever_they_lie(size, normalized):
    first, second = (found[f"of {size}"] for found in normalized)
    expected = normalize([torch.cat(halves())], 0.1, size=size)
    for name in ("output", "gradient"):
        torch.testing.assert_close(torch.cat([first[name], second[name]]), expected[name], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(
        first["weight_gradient"] + second["weight_gradient"], expected["weight_gradient"], rtol=1e-10, atol=1e-10
    )
    for name in ("mean", "var", "batches"):
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], expected[name], rtol=1e-12, atol=1e-12)


def test_batch_norm_that_is_not_synchronized_sees_its_own(normalized):
    for rank, found in enumerate(normalized):
        expected = normalize([parts_of("maps")[rank]], 0.1)
        assert torch.equal(found["alone"]["mean"], expected["mean"])


# ---- the helper ----


def fail_on_rank_1() -> None:
    if dist.get_rank() == 1:
        raise RuntimeError("this rank fails")
    dist.barrier()


def hang() -> None:
    if dist.get_rank() == 1:
        dist.barrier()
    else:
        time.sleep(60)


def test_a_failing_process_is_reported():
    with pytest.raises(AssertionError, match=r"rank 1: (.|\n)*this rank fails"):
        run_on_processes(fail_on_rank_1)


def test_a_hanging_process_is_ended():
    with pytest.raises(AssertionError, match="not done in 3 seconds"):
        run_on_processes(hang, timeout=3)
