"""What training costs: whole `Trainer.fit` against loops written by hand, T = 3 against its operations, memory.

    python benchmarks/training.py                       # all parts, each in a process of its own
    python benchmarks/training.py only=steps            # Trainer.fit, loops by hand, T = 0, 1, 3, checkpoint_passes
    python benchmarks/training.py only=memory           # peak memory of T = 0 to 5, a fresh process for each
    python benchmarks/training.py only=embedding        # `embed` against a bare loop in inference mode
    python benchmarks/training.py only=processes        # a step of two processes against the share of one, and of two
                                                        # that work side by side and know nothing of one another
    python benchmarks/training.py only=small_maps backbone=resnet18 height=128 images=48  # convolutions as products
    python benchmarks/training.py only=compiled         # torch.compile: how long it takes, what a step takes then

Keys: images=8 (of each domain in a batch), backbone=resnet50, height=256, steps=2, rounds=2, threads=1, clock=cpu. The
clock "cpu" is this process's processor time, which holds on a busy machine where threads=1; "wall" is for an idle one.
All contestants of a part take turns in one process, and the ratios are medians over the rounds of ratios in a round.
`Trainer.fit` reads drawn people from files in the same process, with every callback and log of `dien train`; the loops
by hand have one batch in memory. Precision is what `precision=auto` means on the machine.
"""

from __future__ import annotations

import gc
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from contestants import CLOCKS, batch_of, by_hand, fit, fit_seconds, network_of
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities import rank_zero_only
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dien_lightning.network.small_maps import SmallMapConv2d
from dien_lightning.pedestrians import draw_pedestrians
from dien_lightning.training import embed, resolve_precision

DEFAULTS = {
    **{"only": None, "images": 8, "backbone": "resnet50", "height": 256, "steps": 2, "rounds": 2, "threads": 1},
    **{"clock": "cpu", "devices": 1, "attention_loops": 0, "checkpoint_passes": False, "data": None},
}


def take_turns(options: DictConfig, contestants: dict[str, Callable[[], float]], base: str) -> dict[str, float]:
    """Print seconds and the ratio to `base` of each; give the ratios."""
    rounds: list[dict[str, float]] = []
    for _ in range(options.rounds):
        rounds.append({})
        for name, contestant in contestants.items():
            rounds[-1][name] = contestant()
            gc.collect()
    ratios = {name: statistics.median(each[name] / each[base] for each in rounds) for name in contestants}
    for name, ratio in ratios.items():
        print(f"| {name} | {statistics.median(each[name] for each in rounds):.3f} s | {ratio:.3f} |", flush=True)
    return ratios


# ---- parts ----


def operations(options: DictConfig, attention_loops: int) -> float:
    """Floating-point operations of one step."""
    network, (images, _) = network_of(options, attention_loops), batch_of(options)
    with FlopCounterMode(display=False) as counter:
        network(images[:2], "source").embedding.square().mean().backward()
    return counter.get_total_flops()


def measure_steps(options: DictConfig) -> None:
    """Steps of Trainer.fit and of loops by hand."""
    contestants = {
        "plain loop, float32, T = 0": lambda: by_hand(options, lean=False),
        "lean loop, T = 0": lambda: by_hand(options),
        "Trainer.fit, T = 0": lambda: fit_seconds(options, 0),
        "Trainer.fit, T = 1": lambda: fit_seconds(options, 1),
        "Trainer.fit, T = 3": lambda: fit_seconds(options, 3),
        "Trainer.fit, T = 3, checkpoint_passes": lambda: fit_seconds(options, 3, checkpoint_passes=True),
    }
    ratios = take_turns(options, contestants, "Trainer.fit, T = 0")
    for loops in (1, 3):
        share = operations(options, loops) / operations(options, 0)
        found = ratios[f"Trainer.fit, T = {loops}"]
        print(f"T = {loops}: {found:.2f} times T = 0, operations {share:.2f} times: {found / share:.2f}")


def measure_memory(options: DictConfig) -> None:
    """Peak memory of two steps (gradients and momentum are there in the second), in a process of its own."""
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    fit(options, options.attention_loops, checkpoint_passes=options.checkpoint_passes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    kept = ", checkpoint_passes" if options.checkpoint_passes else ""
    print(f"| T = {options.attention_loops}{kept} | {peak / 1e9:.2f} GB |", flush=True)


def measure_embedding(options: DictConfig) -> None:
    """Batches through `embed`, and through the bare network."""
    network = network_of(options, 0).to(memory_format=torch.channels_last)
    with torch.no_grad():
        network(batch_of(options)[0], "target")  # statistics
    network.eval()
    batches = [batch_of(options)[0].contiguous(memory_format=torch.channels_last) for _ in range(4)]

    def timed(run: Callable[[], object]) -> float:
        begin = CLOCKS[options.clock]()
        run()
        return (CLOCKS[options.clock]() - begin) / len(batches)

    half = resolve_precision("auto", "cpu") == "bf16-mixed"

    def bare() -> object:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
            return torch.cat([network(images, "target").embedding for images in batches])

    contestants = {"bare loop": lambda: timed(bare), "embed": lambda: timed(lambda: embed(network, batches))}
    take_turns(options, contestants, "bare loop")


def measure_compiled(options: DictConfig) -> None:
    """Steps with and without torch.compile, and after how many it has paid for itself."""
    begin = time.perf_counter()
    ends = fit(options, options.attention_loops, compiled=True).ends
    compiled = (ends[-1] - ends[0]) / options.steps
    first = time.perf_counter() - begin - compiled * options.steps
    eager = fit_seconds(options, options.attention_loops)
    after = f"pays after {first / (eager - compiled):.0f} steps" if compiled < eager else "never pays"
    ratio = compiled / eager
    print(f"| eager {eager:.3f} s | compiled {compiled:.3f} s, {ratio:.2f} | first step {first:.0f} s | {after} |")


def measure_small_maps(options: DictConfig) -> None:
    """Steps of T = 0 by hand, with torch's convolutions in the last block and with products."""

    products = SmallMapConv2d.forward

    def seconds(forward: Callable[..., torch.Tensor]) -> float:
        SmallMapConv2d.forward = forward  # type: ignore[method-assign]
        return by_hand(options)

    contestants = {"convolutions": lambda: seconds(nn.Conv2d.forward), "products": lambda: seconds(products)}
    take_turns(options, contestants, "convolutions")


def measure_share(options: DictConfig) -> None:
    """A step by each pass's own embedding, too, of this process or of two that train as one."""
    seconds = fit_seconds(options, options.attention_loops)
    if not getattr(rank_zero_only, "rank", 0):
        print(f"| {options.devices} processes, {options.images} images of each domain | {seconds:.3f} s |", flush=True)


def main() -> None:
    """Run the part that is asked for, or all of them."""
    options: Any = OmegaConf.merge(DEFAULTS, OmegaConf.from_cli())
    torch.set_num_threads(options.threads)
    parts: dict[str, Callable[[DictConfig], None]] = {
        "steps": measure_steps,
        "embedding": measure_embedding,
        "compiled": measure_compiled,
        "one": measure_memory,
        "share": measure_share,
        "small_maps": measure_small_maps,
    }
    if options.data is None:
        with tempfile.TemporaryDirectory() as folder:
            for domain in ("day", "night"):
                people = {"num_train_ids": 16, "num_test_ids": 2, "num_cameras": 2, "images_per_camera": 2}
                root = Path(folder) / f"pedestrians_{domain}"
                draw_pedestrians(root, domain, **people, image_size=(128, 64), workers=1, progress=False)
            options.data = folder
            run(options, parts)
    else:
        run(options, parts)


def run(options: DictConfig, parts: dict[str, Callable[[DictConfig], None]]) -> None:
    """One part, in this process or in fresh ones."""
    children = {
        None: [
            *(f"only={part}" for part in ("steps", "memory", "embedding", "processes", "compiled")),
            "only=small_maps backbone=resnet18 height=128 images=48",
        ],
        "memory": [
            *(f"only=one steps=1 attention_loops={loops}" for loops in range(6)),
            "only=one steps=1 attention_loops=3 checkpoint_passes=true",
        ],
        "processes": [
            f"only=share images={options.images // 2}",
            f"twice only=share images={options.images // 2}",
            "only=share devices=2",
        ],
    }
    if options.only not in children:
        parts[options.only](options)
        return
    for child in children[options.only]:
        given = [word for word in sys.argv[1:] if not word.startswith("only=")]
        words = [word for word in child.split() if word != "twice"]
        command = [sys.executable, __file__, *given, *words, f"data={options.data}"]
        running = [subprocess.Popen(command) for _ in range(2 if "twice" in child else 1)]
        if [process for process in running if process.wait()]:
            sys.exit(1)


if __name__ == "__main__":
    main()
