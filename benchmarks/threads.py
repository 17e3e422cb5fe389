"""What a busy neighbour costs a training, by the number of threads, as ratios to the training alone with all cores.

    python benchmarks/threads.py [steps=20] [rounds=3] [nice=0]

The step is that of the demo's Base (ResNet-18, 48 images of 128 x 64, in the machine's own precision), each time in a
process of its own. The neighbour is one process that counts, at `nice`; `ours` is what `threads=null` chooses. Run it
on an idle machine: what else works there is a neighbour, too.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

import torch
from omegaconf import OmegaConf
from torch.nn.functional import cross_entropy

from dien_lightning import DIEN
from dien_lightning.experiments.threads import use_threads
from dien_lightning.training import resolve_precision


def step_seconds(threads: str, steps: int) -> str:
    """Train for a few steps in this process; the threads that were taken, and the median seconds of a step."""
    taken = use_threads(None if threads == "ours" else int(threads))
    torch.manual_seed(0)
    network = DIEN("resnet18", weights=None, embedding_dim=512, attention_loops=0, image_size=(128, 64)).train()
    network = network.to(memory_format=torch.channels_last)
    head = torch.nn.Linear(512, 210)
    optimizer = torch.optim.SGD([*network.parameters(), *head.parameters()], lr=0.01, momentum=0.9)
    images = torch.randn(48, 3, 128, 64).to(memory_format=torch.channels_last)
    pids = torch.randint(210, (48,))
    seconds = []
    for _ in range(steps + 3):  # the first ones choose kernels
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=resolve_precision("auto", "cpu") == "bf16-mixed"):
            embedding = network(images, "source").embedding
        loss = cross_entropy(head(embedding.float()), pids)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    return f"{taken} {statistics.median(seconds[3:])}"


def measure(threads: str, steps: int, nice: int | None) -> tuple[int, float]:
    """The same in a process of its own, beside a neighbour unless `nice` is None."""
    count = [sys.executable, "-c", f"import os\nos.nice({nice})\nwhile True: pass"]
    neighbour = None if nice is None else subprocess.Popen(count)
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [sys.executable, __file__, "child", threads, str(steps)]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    finally:
        if neighbour is not None:
            neighbour.kill()
            neighbour.wait()
    taken, seconds = done.stdout.splitlines()[-1].split()
    return int(taken), float(seconds)


def main() -> None:
    """Alternate between the cases, and print their medians and ratios."""
    options = OmegaConf.merge({"steps": 20, "rounds": 3, "nice": 0}, OmegaConf.from_cli(sys.argv[1:]))
    cases = [(threads, nice) for threads in ("1", str(os.cpu_count()), "ours") for nice in (None, options.nice)]
    found: dict[tuple[str, int | None], list[tuple[int, float]]] = {case: [] for case in cases}
    for _ in range(options.rounds):
        for threads, nice in cases:
            found[threads, nice].append(measure(threads, options.steps, nice))
    alone = statistics.median(seconds for _, seconds in found[str(os.cpu_count()), None])
    print(f"{os.cpu_count()} cores, {options.rounds} rounds of {options.steps} steps, seconds of a step:")
    for (threads, nice), runs in found.items():
        seconds = statistics.median(each for _, each in runs)
        where = "alone" if nice is None else f"beside one busy process (nice {nice})"
        print(
            f"threads {threads:>4} {[taken for taken, _ in runs]} {where}: {seconds:.3f}, ratio {seconds / alone:.2f}"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        print(step_seconds(sys.argv[2], int(sys.argv[3])))
    else:
        main()
