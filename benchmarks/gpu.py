"""One GPU in six minutes: what it trains and ranks in a second, and whether it computes what the CPU does.

    python benchmarks/gpu.py [output=benchmarks/gpu.json] [images=64] [steps=20] [peak=989]
    python benchmarks/gpu.py device=cpu    # the same parts at tiny sizes, to try them where there is no GPU

Prints a table and writes JSON. Each part runs in a process of its own; one that fails says why, and one that comes too
late is left out. peak is what the GPU multiplies in bfloat16 in a second without sparsity, in 1e12 operations; it is
known for the names in PEAKS. Training reads drawn people from files by worker processes, in bfloat16, 256 x 128.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch.utils.flop_counter import FlopCounterMode

DEFAULTS = {
    **{"device": "cuda", "output": "benchmarks/gpu.json", "only": None, "data": None, "peak": None, "steps": 20},
    **{"images": 64, "backbone": "resnet50", "height": 256, "clock": "wall", "devices": 1, "seconds": 350},
}
TINY = {"images": 4, "backbone": "resnet18", "height": 64, "steps": 1}
PEAKS = {"H200": 989, "H100": 989, "A100": 312, "L40S": 362, "L4": 121, "A10": 125, "RTX 4090": 165}
Figures = dict[str, Any]


def train(options: DictConfig, loops: int, **changes: Any) -> Figures:
    """Images in a second, share of the peak, and memory of `Trainer.fit`."""
    from contestants import fit, network_of

    begin = time.perf_counter()
    ends = fit(options, loops, **changes).ends
    took = time.perf_counter() - begin
    step = (ends[-1] - ends[0]) / options.steps
    network = network_of(options, loops)
    with FlopCounterMode(display=False) as counter:
        network(torch.randn(2, 3, options.height, options.height // 2), "source").embedding.sum().backward()
    figures: Figures = {"images_per_second": 2 * options.images / step, "seconds_a_step": step, "seconds_in_all": took}
    figures["teraflops"] = counter.get_total_flops() * options.images / step / 1e12
    if options.device == "cuda":
        figures["peak_gigabytes"] = torch.cuda.max_memory_allocated() / 1e9
        name = torch.cuda.get_device_name()
        peak = options.peak or next((peak for known, peak in PEAKS.items() if known in name), None)
        figures |= {"share_of_peak": figures["teraflops"] / peak} if peak else {}
    return figures


def rank(options: DictConfig, size: str, *, reranked: bool = False) -> Figures:
    """Seconds of ranking noise as large as a data set; those of the bare product beside them."""
    from contestants import wall
    from ranking import SIZES, draw

    from dien_lightning.retrieval import EvaluationSets, evaluate_sets, k_reciprocal_blocks

    drawn = vars(draw(size if options.device == "cuda" else "tiny"))
    here = {name: part.to(options.device) if name in ("query", "gallery") else part for name, part in drawn.items()}
    sets = EvaluationSets(**here)
    figures: Figures = {"queries": len(sets.query), "gallery": len(sets.gallery)}
    runs: dict[str, Callable[[], object]] = {"seconds": lambda: evaluate_sets(sets)}
    if reranked:
        runs = {"seconds": lambda: evaluate_sets(sets, k_reciprocal_blocks(sets))}
    elif SIZES[size][1] < 20_000:  # else the product's result would fill the memory
        runs["product_seconds"] = lambda: sets.query @ sets.gallery.T
    for name, function in runs.items():
        for _ in range(1 if reranked else 2):  # the first one chooses kernels
            begin = wall()
            function()
            figures[name] = wall() - begin
    if options.device == "cuda":
        figures["peak_gigabytes"] = torch.cuda.max_memory_allocated() / 1e9
    return figures


def agree(options: DictConfig) -> Figures:
    """The tests marked gpu: losses, gradients, batch norm and ranking against the CPU's."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests"]
    environment = os.environ | {"DIEN_DEVICE": options.device}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return {"passed": done.returncode == 0, "said": (done.stdout.strip().splitlines() or [done.stderr[-300:]])[-1]}


def resume(options: DictConfig) -> Figures:
    """`dien train`, killed at its first checkpoint and resumed: are its weights those of a run that was left alone?"""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "dien_lightning", "train", "experiment=demo", f"data_root={options.data}"]
        command += ["trainer.max_epochs=3", "trainer.check_val_every_n_epoch=3", "data.steps_per_epoch=2"]
        command += ["data.image_size=[64,32]", "data.num_ids=4", "data.target_batch_size=8", "threads=1"]
        command += [f"trainer.accelerator={'gpu' if options.device == 'cuda' else 'cpu'}"]
        command += ["trainer.deterministic=true", "trainer.enable_progress_bar=false"]
        runs = {name: Path(folder) / name for name in ("whole", "killed")}
        environment = os.environ | {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}  # else CUDA's products are not deterministic
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "env": environment}
        killed = subprocess.Popen([*command, f"run_dir={runs['killed']}"], start_new_session=True, **quiet)
        while not (runs["killed"] / "checkpoints/last.ckpt").exists() and killed.poll() is None:
            time.sleep(0.05)
        was_killed = killed.poll() is None
        if was_killed:
            os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        for name, more in (("killed", ["resume=true"]), ("whole", [])):
            subprocess.run([*command, f"run_dir={runs[name]}", *more], check=True, **quiet)
        weights = [(run / "network.safetensors").read_bytes() for run in runs.values()]
        return {"was_killed": was_killed, "equal_to_the_bit": weights[0] == weights[1]}


PARTS: dict[str, Callable[[DictConfig], Figures]] = {  # the most wanted first
    "agreement with the CPU": agree,
    "training, T = 0": lambda options: train(options, 0),
    "training, T = 3": lambda options: train(options, 3),
    "training, T = 3, checkpoint_passes": lambda options: train(options, 3, checkpoint_passes=True),
    "ranking, Market-1501's size": lambda options: rank(options, "market1501"),
    "ranking, MSMT17's size": lambda options: rank(options, "msmt17"),
    "ddp of one process": lambda options: train(OmegaConf.merge(options, {"strategy": "ddp"}), 0),  # type: ignore[arg-type]
    "resumed after a kill": resume,
    "training, T = 0, compiled": lambda options: train(options, 0, compiled=True),
    "re-ranking, Market-1501's size": lambda options: rank(options, "market1501", reranked=True),
    "training, T = 3, compiled": lambda options: train(options, 3, compiled=True),
}


def in_a_process(part: str, options: DictConfig, deadline: float) -> Figures:
    """A part's figures, or why there are none."""
    given = [f"{name}={value}" for name, value in options.items() if name != "only" and value is not None]
    command = [sys.executable, __file__, *given, f"only={list(PARTS).index(part)}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=max(1.0, deadline - time.monotonic())
        )
        return json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"left_out": "the time was over"}
    except (subprocess.CalledProcessError, json.JSONDecodeError, IndexError) as error:
        return {"failed": (getattr(error, "stderr", "").strip() or str(error)).splitlines()[-1]}


def main() -> None:
    """All parts, or one of them by its number."""
    given: Any = OmegaConf.from_cli()
    options: Any = OmegaConf.merge(DEFAULTS, TINY if given.get("device") == "cpu" else {}, given)
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("No CUDA device is here, so there is nothing to measure; device=cpu tries the parts at tiny sizes.")
    options.accelerator = "gpu" if options.device == "cuda" else "cpu"
    options.workers = min(8, (os.cpu_count() or 1) - 1) if options.device == "cuda" else 0
    if options.only is not None:
        print(json.dumps(PARTS[list(PARTS)[int(options.only)]](options)))
        return
    from dien_lightning.pedestrians import draw_pedestrians

    deadline = time.monotonic() + options.seconds
    where = torch.cuda.get_device_name() if options.device == "cuda" else "CPU, tiny sizes"
    found: dict[str, Any] = {"device": where, "torch": torch.__version__, "images_of_each_domain": options.images}
    with tempfile.TemporaryDirectory() as folder:
        options.data = folder
        people = {"num_train_ids": 40, "num_test_ids": 2, "num_cameras": 2, "images_per_camera": 2}
        for domain in ("day", "night"):
            draw_pedestrians(Path(folder) / f"pedestrians_{domain}", domain, **people, image_size=(128, 64))
        for part in PARTS:
            found[part] = in_a_process(part, options, deadline)
            figures = ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in found[part].items())
            print(f"| {part} | {figures} |", flush=True)
            Path(options.output).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
