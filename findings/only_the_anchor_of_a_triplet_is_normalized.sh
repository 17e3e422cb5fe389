#!/usr/bin/env bash
# torchvision's transforms take a triplet of pictures, and scale and normalize the first of them alone.
#
# With:   torchvision 0.29.1, torch 2.14.1, pillow 13.0.0
# Does:   the transforms of v2 work on a whole sample, a tuple or dictionary. Plain tensors count as pictures only if
#         the sample holds no other picture, and then only the first one: the rest may be labels. PILToTensor, in the
#         middle of a Compose, turns three pictures into three plain tensors; what comes after it sees one.
# Guess:  anchor, positive and negative get the same treatment, as they do before PILToTensor, or an error.
# Seen:   PILToTensor, ToDtype(scale=True), Normalize on three equal grey pictures: the anchor is float32 and -0.43, the
#         others uint8 and 100; with ToTensor in place of the first two, -0.43 and 0.39. Normalize on a batch
#         {"source": ..., "target": ...} leaves the target as it was; the keys the other way round, the source.
# Beside: ToImage in place of PILToTensor: -0.43 three times. RandomHorizontalFlip(p=1) on tensors flips the first.
# Use:    ToImage, never PILToTensor or ToTensor; on batches of plain tensors, one call for each.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6 pillow==13.0.0
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from PIL import Image
from torchvision.transforms import v2

SCALE = v2.ToDtype(torch.float32, scale=True)
NORMALIZE = v2.Normalize([0.5] * 3, [0.25] * 3)
triplet = [Image.new("RGB", (64, 128), (100, 100, 100)) for _ in range(3)]
ramp = torch.arange(4.0).expand(3, 2, 4)


def values(*steps):
    """The value of the first pixel of anchor, positive and negative."""
    return [round(picture.flatten()[0].item(), 2) for picture in v2.Compose(steps)(*triplet)]


def batch(*names):
    """The value after (1 - 0.5) / 0.25 of each batch of ones."""
    batches = NORMALIZE({name: torch.ones(2, 3, 8, 4) for name in names})
    return {name: images.max().item() for name, images in batches.items()}


seen = {
    "PILToTensor": values(v2.PILToTensor(), SCALE, NORMALIZE),
    "ToTensor": values(v2.ToTensor(), NORMALIZE),
    "ToImage": values(v2.ToImage(), SCALE, NORMALIZE),
    "source first": batch("source", "target"),
    "target first": batch("target", "source"),
    "flipped": [not torch.equal(image, ramp) for image in v2.RandomHorizontalFlip(p=1)(ramp, ramp, ramp)],
}
expected = {
    "PILToTensor": [-0.43, 100, 100],
    "ToTensor": [-0.43, 0.39, 0.39],
    "ToImage": [-0.43, -0.43, -0.43],
    "source first": {"source": 2.0, "target": 1.0},
    "target first": {"target": 2.0, "source": 1.0},
    "flipped": [True, False, False],
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
