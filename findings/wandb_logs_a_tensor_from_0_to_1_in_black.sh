#!/usr/bin/env bash
# A crop that went through ToTensor is black in Weights & Biases, and next to it the same crop as PIL image is not.
#
# With:   wandb 0.31.0, torch 2.14.1, torchvision 0.29.1
# Does:   wandb.Image casts arrays and tensors to bytes without a look at their type or range: all below 1 becomes 0.
#         torchvision scales floats from 0 to 1 wherever it makes an image of them, and so does matplotlib.
# Guess:  floats from 0 to 1 are scaled to 255, as by everyone, or refused.
# Seen:   random colors from 0 to 255. The image that is written: as ToTensor's floats 0 to 1 and 254 grey values off,
#         as numpy's floats the same.
# Beside: the same crop as PIL image, as uint8 tensor or by to_pil_image: 0 values off.
# Use:    to_pil_image(tensor), or wandb.Image((255 * tensor).round().to(torch.uint8)), after undoing the normalization.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet wandb==0.31.0 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
import torch
import wandb
from PIL import Image
from torchvision.transforms.functional import to_pil_image, to_tensor

crop = np.random.default_rng(0).integers(0, 256, size=(128, 64, 3), dtype=np.uint8)
tensor = to_tensor(Image.fromarray(crop))
forms = {
    "tensor": tensor,
    "numpy floats": crop / 255,
    "PIL image": Image.fromarray(crop),
    "uint8 tensor": (255 * tensor).round().to(torch.uint8),
    "to_pil_image": to_pil_image(tensor),
}
seen = {}
with wandb.init(project="crops", mode="offline", settings=wandb.Settings(silent=True)) as run:
    for name, form in forms.items():
        run.log({name.replace(" ", "_"): wandb.Image(form)})
        (path,) = Path(run.dir).rglob(f"{name.replace(' ', '_')}_*.png")
        written = np.asarray(Image.open(path)).astype(int)
        seen[name] = written.max().item(), np.abs(written - crop).max().item()
print(seen)
expected = {name: (1, 254) if name in ("tensor", "numpy floats") else (255, 0) for name in forms}
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
