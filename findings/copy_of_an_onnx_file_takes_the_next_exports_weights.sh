#!/usr/bin/env bash
# best.onnx, a copy of network.onnx, gives other embeddings once another network is exported to network.onnx.
#
# With:   torch 2.14.1, onnxscript 0.7.2, onnx 1.23.2, onnxruntime 1.32.0
# Does:   torch.onnx.export writes larger weights into network.onnx.data, of a small network, too, and small ones into
#         network.onnx itself. The copy goes on naming network.onnx.data, whatever that holds by now: batch norm, biases
#         and graph are the old network's, the other weights the new one's. Nothing is said.
# Guess:  a network of 40 kB is one file, or the copy keeps its weights, or it fails to load.
# Seen:   two files; largest change of best.onnx by the second export above 0.5; it is neither network.
# Beside: with external_data=False the copy does not change.
# Use:    external_data=False below 2 GB, or a folder for each network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import logging
import shutil
import sys
from pathlib import Path

import onnxruntime
import torch

logging.disable(logging.WARNING)
images = torch.randn(4, 3, 64, 32, generator=torch.Generator().manual_seed(0))


def export(seed, **options):
    torch.manual_seed(seed)
    layers = torch.nn.Conv2d(3, 64, 3, stride=2), torch.nn.BatchNorm2d(64), torch.nn.AdaptiveAvgPool2d(1)
    network = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(64, 128)).eval()
    torch.nn.init.uniform_(network[1].bias)
    torch.onnx.export(network, (images,), "network.onnx", input_names=["images"], verbose=False, **options)


def embed(name):
    return onnxruntime.InferenceSession(name).run(None, {"images": images.numpy()})[0]


seen = {}
for options in ({}, {"external_data": False}):
    export(1, **options)
    files = sorted(path.name for path in Path().glob("*.onnx*"))
    shutil.copy("network.onnx", "best.onnx")
    before = embed("best.onnx")
    export(2, **options)
    after, second = embed("best.onnx"), embed("network.onnx")
    seen[str(options)] = files, float(abs(after - before).max()), float(abs(after - second).max())
    for name in ("network.onnx", "network.onnx.data", "best.onnx"):
        Path(name).unlink(missing_ok=True)
print(seen)
apart, alone = seen.values()
same = apart[0] == ["network.onnx", "network.onnx.data"] and apart[1] > 0.5 and apart[2] > 0.01
same = same and alone[0] == ["network.onnx"] and alone[1] == 0
sys.exit(0 if same else "changed; before: two files and a change above 0.5, one file and 0")
PYTHON
