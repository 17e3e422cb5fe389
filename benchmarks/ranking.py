"""What evaluation costs: against the bare matrix product and torchreid's compiled ranking, in memory, in the large.

    python benchmarks/ranking.py                    # everything
    python benchmarks/ranking.py only=speed rounds=9
    python benchmarks/ranking.py only=memory        # MSMT17's size, in a fresh process
    python benchmarks/ranking.py only=distractors   # Market-1501's size with 500,000 more gallery images

torchreid's ranking comes from a PyPI wheel that carries it compiled; only its `metrics` package is loaded:

    pip install --no-deps --target /tmp/torchreid pyppbox-torchreid
    python benchmarks/ranking.py only=speed torchreid=/tmp/torchreid

Each round measures all contestants one after the other; the ratios printed are medians over the rounds of ratios
within a round. Where others use the machine, waiting threads spoil the wall clock: `threads=1 clock=cpu` counts the
processor time of one thread instead.
"""

from __future__ import annotations

import importlib
import resource
import statistics
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import torch
from omegaconf import OmegaConf
from torch import Tensor

from dien_lightning.retrieval import EvaluationSets, evaluate_sets

WIDTH = 2048
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
SIZES = {  # queries, gallery images, identities, cameras
    "market1501": (3_368, 15_913, 751, 6),
    "msmt17": (11_659, 82_161, 3_060, 15),
    "distractors": (3_368, 515_913, 751, 6),
    "tiny": (50, 400, 20, 6),
}


def draw(size: str) -> EvaluationSets:
    """Normalised noise with as many matches per query as the real set has; made without temporary copies."""
    num_query, num_gallery, num_ids, num_cameras = SIZES[size]
    torch.manual_seed(0)
    query, gallery = torch.randn(num_query, WIDTH), torch.randn(num_gallery, WIDTH)
    for embedding in (query, gallery):
        for rows in embedding.split(4096):
            torch.nn.functional.normalize(rows, dim=1, out=rows)
    gallery_pids = torch.randint(0, num_ids, (num_gallery,))
    if size == "distractors":
        gallery_pids[SIZES["market1501"][1] :] = 0
    return EvaluationSets(
        query=query,
        query_pids=torch.randint(1, num_ids, (num_query,)),
        query_camids=torch.randint(0, num_cameras, (num_query,)),
        gallery=gallery,
        gallery_pids=gallery_pids,
        gallery_camids=torch.randint(0, num_cameras, (num_gallery,)),
    )


def seconds(function: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Time of one call."""
    begin = clock()
    function()
    return clock() - begin


def load_torchreid(folder: str) -> types.ModuleType:
    """Import the wheel's `metrics` alone: the package's own __init__ asks for OpenCV and more."""
    package = types.ModuleType("pyppbox_torchreid")
    package.__path__ = [str(Path(folder) / "pyppbox_torchreid")]
    sys.modules["pyppbox_torchreid"] = package
    return importlib.import_module("pyppbox_torchreid.metrics")


def measure_speed(rounds: int, torchreid: str | None, threads: int, clock: str) -> None:
    """Market-1501's size."""
    torch.set_num_threads(threads)
    sets = draw("market1501")
    contestants: dict[str, Callable[[], object]] = {
        "matrix product": lambda: sets.query @ sets.gallery.T,
        "evaluate_sets": lambda: evaluate_sets(sets),
    }
    if torchreid:
        metrics = load_torchreid(torchreid)
        labels = [p.numpy() for p in (sets.query_pids, sets.gallery_pids, sets.query_camids, sets.gallery_camids)]

        def rank_with_torchreid() -> tuple[object, float]:
            distances = metrics.compute_distance_matrix(sets.query, sets.gallery).numpy()
            return metrics.evaluate_rank(distances, *labels, use_cython=True)

        contestants["torchreid, distance and Cython"] = rank_with_torchreid
        theirs, ours = rank_with_torchreid(), evaluate_sets(sets)
        print(f"mAP {ours.mAP:.6f} against {theirs[1]:.6f}, rank-1 {ours.rank(1):.6f} against {theirs[0][0]:.6f}")
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds + 1):
        for name, function in contestants.items():
            times[name].append(seconds(function, CLOCKS[clock]))
    print(
        f"Market-1501's size, {SIZES['market1501'][0]:,} x {SIZES['market1501'][1]:,} x {WIDTH}; "
        f"{threads} threads, {clock} clock, {rounds} rounds:"
    )
    product = times["matrix product"][1:]  # the first round warms up
    for name, measured in times.items():
        ratio = statistics.median(mine / base for mine, base in zip(measured[1:], product, strict=True))
        print(f"| {name} | {statistics.median(measured[1:]):.2f} s | {ratio:.2f} |")


def measure_once(size: str, threads: int) -> None:
    """Time and memory beyond the inputs of one evaluation, in a process that has done nothing else."""
    torch.set_num_threads(threads)
    sets = draw(size)
    page = resource.getpagesize()
    before = int(Path("/proc/self/statm").read_text().split()[1]) * page
    took = seconds(lambda: evaluate_sets(sets))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    inputs = sum(part.nbytes for part in vars(sets).values() if isinstance(part, Tensor))
    print(f"{size}: {SIZES[size][0]:,} x {SIZES[size][1]:,} x {WIDTH}; {threads} threads")
    print(f"| {took:.1f} s | inputs {inputs / 1e6:,.0f} MB | beyond them {(peak - before) / 1e6:,.0f} MB |")


def main() -> None:
    """Run the parts that were asked for, each in its own process."""
    options = OmegaConf.from_cli()
    rounds, threads = int(options.get("rounds", 7)), int(options.get("threads", 2))
    parts = {
        "speed": lambda: measure_speed(rounds, options.get("torchreid"), threads, options.get("clock", "wall")),
        "memory": lambda: measure_once("msmt17", threads),
        "distractors": lambda: measure_once("distractors", threads),
    }
    if options.get("only"):
        parts[options.only]()
        return
    for part in parts:
        subprocess.run([sys.executable, __file__, f"only={part}", *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
