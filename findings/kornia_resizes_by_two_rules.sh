#!/usr/bin/env bash
# kornia's augmentation Resize and kornia's function resize differ by up to 20 of 255 grey values on a crop.
#
# With:   kornia 0.9.0, torchvision 0.29.1, torch 2.14.1, pillow 13.0.0
# Does:   the augmentation puts corner on corner (align_corners=True), the function does not; neither smooths when it
#         shrinks (antialias=False), as torchvision and Pillow do.
# Guess:  one library, one rule: equal, and within 1 of torchvision when enlarging.
# Seen:   64 x 128 to 128 x 256, largest difference from torchvision: function 0, augmentation 20.
# Beside: to 32 x 64 the function is off by 16, and by 9 with antialias=True, which blurs by a Gaussian first.
# Use:    align_corners=False in the augmentation to enlarge; another library to shrink.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet kornia==0.9.0 torch==2.14.1 torchvision==0.29.1 pillow==13.0.0 numpy==2.4.6
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import kornia
import numpy as np
import torch
from PIL import Image
from torchvision.transforms.v2 import functional

small = np.random.default_rng(0).integers(0, 256, (32, 16, 3), dtype=np.uint8)
crop = np.array(Image.fromarray(small).resize((64, 128), Image.Resampling.BICUBIC))
image = torch.from_numpy(crop).permute(2, 0, 1)[None] / 255


def difference(ours, size):
    return round(255 * (ours - functional.resize(image, list(size), antialias=True)).abs().max().item())


resize, Resize = kornia.geometry.transform.resize, kornia.augmentation.Resize
large, small = (256, 128), (64, 32)
seen = {
    "function, larger": difference(resize(image, large), large),
    "augmentation, larger": difference(Resize(large)(image), large),
    "augmentation as above": difference(Resize(large, align_corners=False, antialias=True)(image), large),
    "function, smaller": difference(resize(image, small), small),
    "function, smaller, antialias": difference(resize(image, small, antialias=True), small),
}
expected = {
    "function, larger": 0,
    "augmentation, larger": 20,
    "augmentation as above": 0,
    "function, smaller": 16,
    "function, smaller, antialias": 9,
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
