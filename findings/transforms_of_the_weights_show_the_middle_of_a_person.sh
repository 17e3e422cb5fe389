#!/usr/bin/env bash
# The transforms that come with ImageNet's and CLIP's weights cut head and feet off an upright crop.
#
# With:   torchvision 0.29.1, torch 2.14.1, transformers 5.24.0
# Does:   ResNet50_Weights.*.transforms() and CLIPImageProcessor() resize the shorter side and take a square from the
#         middle. A crop of one person is twice as high as wide, so the square shows less than half of its height, and the
#         embedding is one of belt and hands. Nothing warns: shapes and ranges are as they should be.
# Guess:  the whole crop, squeezed into 224 x 224.
# Seen:   of a 256 x 128 crop that darkens from head to feet, the rows from 28 to 72 % remain (torchvision, first
#         weights), 26 to 74 % (second weights), 25 to 75 % (CLIP).
# Beside: SiglipImageProcessor and ViTImageProcessor squeeze the whole of it: 0 to 100 %.
# Use:    a resize to (height, width) of your own, with the mean and deviation of the weights.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 transformers==5.24.0 numpy==2.4.6 pillow
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
from PIL import Image
from torchvision.models import ResNet50_Weights
from transformers import CLIPImageProcessor, SiglipImageProcessor, ViTImageProcessor

shades = np.linspace(0, 255, 256).round().astype(np.uint8)
crop = Image.fromarray(np.repeat(np.repeat(shades[:, None, None], 128, 1), 3, 2))  # a row's shade says how far down it is


def remaining(pixels, mean, deviation):
    """The first and the last row that are left, in percent of the height."""
    shade = np.asarray(pixels) * np.array(deviation)[:, None, None] + np.array(mean)[:, None, None]
    return round(100 * shade.min()), round(100 * shade.max())


found = {}
for weights in ResNet50_Weights:
    transform = weights.transforms()
    found[weights.name] = remaining(transform(crop), transform.mean, transform.std)
for processor in (CLIPImageProcessor(), SiglipImageProcessor(), ViTImageProcessor()):
    pixels = processor(crop, return_tensors="np")["pixel_values"][0]
    found[type(processor).__name__] = remaining(pixels, processor.image_mean, processor.image_std)
print(found)
expected = {
    "IMAGENET1K_V1": (28, 72),
    "IMAGENET1K_V2": (26, 74),
    "CLIPImageProcessor": (25, 75),
    "SiglipImageProcessor": (0, 100),
    "ViTImageProcessor": (0, 100),
}
sys.exit(0 if found == expected else f"changed; before: {expected}")
PYTHON
