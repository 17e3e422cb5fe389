"""What onnxruntime makes of an exported network's speed, beside torch on the same cores.

    python benchmarks/export.py [backbone=resnet50] [loops=0,3] [batch=8] [rounds=5] [threads=1] [clock=cpu]

Random weights, images of 256 x 128, float32; torch in channels_last as `embed` has it, and both in turns. With
`clock=cpu` and one thread, processor time is taken, which holds on a busy machine, too; `clock=wall` otherwise.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import onnxruntime
import torch
from omegaconf import OmegaConf

from dien_lightning import DIEN
from dien_lightning.export import Deployed, export_graph


def main() -> None:
    """Export, then alternate."""
    defaults = {"backbone": "resnet50", "loops": "0,3", "batch": 8, "rounds": 5, "threads": 1, "clock": "cpu"}
    options = OmegaConf.merge(defaults, OmegaConf.from_cli(sys.argv[1:]))
    torch.set_num_threads(options.threads)
    now = time.process_time if options.clock == "cpu" else time.perf_counter
    print(f"{options.backbone}, batches of {options.batch}, {options.threads} threads, {options.clock} time:")
    for loops in map(int, str(options.loops).split(",")):
        torch.manual_seed(0)
        network = DIEN(options.backbone, weights=None, attention_loops=loops).eval()
        deployed = Deployed(network)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "network.onnx")
            parity = export_graph(deployed, file)
            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = options.threads
            session = onnxruntime.InferenceSession(file, settings, providers=["CPUExecutionProvider"])
        images = torch.rand(options.batch, 3, 256, 128)
        deployed = deployed.to(memory_format=torch.channels_last)
        laid = images.contiguous(memory_format=torch.channels_last)
        ways = {
            "torch": lambda: deployed(laid),  # noqa: B023  (called in this turn of the loop alone)
            "onnxruntime": lambda: session.run(None, {"images": images.numpy()}),  # noqa: B023
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        with torch.no_grad():
            for turn in range(options.rounds + 1):
                for way, run in ways.items():
                    start = now()
                    run()
                    seconds[way] += [now() - start] if turn else []  # the first chooses kernels
        speed = {way: options.batch / statistics.median(each) for way, each in seconds.items()}
        ratio = speed["onnxruntime"] / speed["torch"]
        told = ", ".join(f"{way} {images_per_second:.1f} images/s" for way, images_per_second in speed.items())
        print(f"T = {loops}: {told}, ratio {ratio:.2f}; {parity}", flush=True)


if __name__ == "__main__":
    main()
