"""Embedding crops from disk: ours beside torchreid's FeatureExtractor, the same ResNet-50, the same files.

python benchmarks/embedding.py torchreid=PYTHON [crops=data/pedestrians_night] [images=128] [rounds=2] [threads=1]
    [precisions=auto]

PYTHON is the interpreter of an environment with torch, torchvision, `pyppbox-torchreid` and `opencv-python-headless`,
which the package imports and does not ask for. Each contender runs in a process of its own, in turn, `rounds` times;
the fastest counts, by the processor's time, since other work may share the machine. No weights are loaded, for they
change no speed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dien_lightning.data.files import image_files
from dien_lightning.experiments.options import MISSING, take_all

START = """
import json, sys, time, torch
paths, threads, loops, precision = json.loads(sys.stdin.read())
torch.set_num_threads(threads)
torch.manual_seed(0)
"""
TORCHREID = """
import pyppbox_torchreid.models.resnet as resnet
from pyppbox_torchreid.utils.feature_extractor import FeatureExtractor
resnet.init_pretrained_weights_plus = lambda *_: None
extract = FeatureExtractor(base_model_name="resnet50", device="cpu", verbose=False)
"""
OURS = """
from dien_lightning import DIEN, Extractor
network = DIEN("resnet50", weights=None, embedding_dim=2048, attention_loops=loops).eval()
extract = Extractor(network, precision=precision, batch_size=32)
"""
END = """
extract(paths[:4])
wall, cpu = time.perf_counter(), time.process_time()
for start in range(0, len(paths), 32):
    extract(paths[start : start + 32])
print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall]))
"""


@dataclass
class Options:
    """As in the lines above."""

    torchreid: str = MISSING
    crops: str = "data/pedestrians_night"
    images: int = 128
    rounds: int = 2
    threads: int = 1
    precisions: str = "auto"


def main() -> None:
    """Run all in turn, and say what each took."""
    options = take_all(Options, sys.argv[1:])
    paths = image_files(Path(options.crops).absolute())[: options.images]
    contenders = {"torchreid FeatureExtractor, resnet50": (options.torchreid, TORCHREID, 0, "")}
    for precision in options.precisions.split(","):
        for loops in (0, 3):
            contenders[f"Extractor, resnet50, T = {loops}, {precision}"] = (sys.executable, OURS, loops, precision)
    taken: dict[str, list[list[float]]] = {name: [] for name in contenders}
    for _ in range(options.rounds):
        for name, (python, code, loops, precision) in contenders.items():
            given = json.dumps([paths, options.threads, loops, precision])
            command = [python, "-W", "ignore", "-c", START + code + END]
            done = subprocess.run(command, input=given, text=True, check=True, stdout=subprocess.PIPE)
            taken[name].append(json.loads(done.stdout.splitlines()[-1]))
    first = min(cpu for cpu, _ in next(iter(taken.values())))
    print(f"{len(paths)} crops, {options.threads} threads, the fastest of {options.rounds}:")
    for name, times in taken.items():
        cpu, wall = min(times)
        print(f"{name:<45} {cpu:6.1f} s of processor, {wall:6.1f} s by the clock, {first / cpu:.2f} times as fast")


if __name__ == "__main__":
    main()
