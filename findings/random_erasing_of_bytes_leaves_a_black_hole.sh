#!/usr/bin/env bash
# Random erasing with "random" pixels, given a uint8 crop, draws a nearly black rectangle with white specks.
#
# With:   torchvision 0.29.1, torch 2.14.1
# Does:   transforms.v2.RandomErasing(value="random") draws numbers of mean 0 and variance 1 whatever the image is, and
#         writes them as they are. In bytes that is 0 for most, 1 to 3 for some, and below -1 they wrap to 253 to 255. The
#         v2 transforms are meant to run on bytes, and no warning is given.
# Guess:  colors from 0 to 255, about as many of each; mean 127.
# Seen:   on a crop of grey 100: nine values and none from 5 to 251, two thirds of the pixels 0, a sixth above 250, mean 41.
# Beside: on a float crop in [0, 1] a third is above 1 or below -1, and half is negative; after Normalize, where the paper
#         has it, the numbers suit.
# Use:    erase after ToDtype(scale=True) and Normalize.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6 pillow
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
from torchvision.transforms import v2


def erased(crop):
    """The new pixels of a hundred draws."""
    erase = v2.RandomErasing(p=1, value="random")
    parts = []
    for _ in range(100):
        hole = erase(torch.full_like(crop, -7 if crop.is_floating_point() else 100))
        parts.append(hole[hole != (-7 if crop.is_floating_point() else 100)])
    return torch.cat(parts)


torch.manual_seed(0)
of_bytes = erased(torch.zeros(3, 256, 128, dtype=torch.uint8))
of_floats = erased(torch.zeros(3, 256, 128))
values = of_bytes.unique().tolist()
black, white = (of_bytes == 0).double().mean().item(), (of_bytes > 250).double().mean().item()
outside, negative = (of_floats.abs() > 1).double().mean().item(), (of_floats < 0).double().mean().item()
print(f"bytes: values {values}; {black:.2f} are 0, {white:.2f} above 250, mean {of_bytes.double().mean():.0f}")
print(f"floats: {outside:.2f} beyond -1 to 1, {negative:.2f} negative")
same = all(value < 10 or value > 245 for value in values) and black > 0.6 and 0.1 < white < 0.2
same = same and 0.3 < outside < 0.34 and 0.48 < negative < 0.52
sys.exit(0 if same else "changed; before: nothing between 10 and 245, two thirds 0; a third of the floats beyond 1")
PYTHON
