#!/usr/bin/env bash
# F.normalize of a zero vector is 0 in float32 and bfloat16, and NaN in float16, in spite of its eps.
#
# With:   torch 2.14.1
# Does:   the length is clamped from below to eps = 1e-12, which float16 rounds to 0: 0 / 0. cosine_similarity has one
#         of 1e-8, with the same end. bfloat16, the coarser type, has float32's exponents and keeps both.
# Guess:  zeros in each type: that is what eps is for.
# Seen:   float32 0, bfloat16 0, float16 nan; cosine_similarity with it nan in float16 and 0 in the others.
# Beside: eps=1e-4 gives 0; a vector of 1e-5 throughout is normalized well in float16, so that tests with small numbers
#         do not find it.
# Use:    .float() before normalizing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
import torch.nn.functional as F

TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def of_each(function, value):
    largest = {name: function(torch.full((1, 4), value, dtype=dtype)).max() for name, dtype in TYPES.items()}
    return {name: str(round(number.item(), 2)) for name, number in largest.items()}


seen = {
    "normalize": of_each(F.normalize, 0.0),
    "normalize, eps=1e-4": of_each(lambda vector: F.normalize(vector, eps=1e-4), 0.0),
    "normalize 1e-5": of_each(F.normalize, 1e-5),
    "cosine_similarity": of_each(lambda vector: F.cosine_similarity(vector, torch.ones_like(vector)), 0.0),
}
zero, broken = dict.fromkeys(TYPES, "0.0"), {"float32": "0.0", "bfloat16": "0.0", "float16": "nan"}
expected = {
    "normalize": broken,
    "normalize, eps=1e-4": zero,
    "normalize 1e-5": dict.fromkeys(TYPES, "0.5"),
    "cosine_similarity": broken,
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
