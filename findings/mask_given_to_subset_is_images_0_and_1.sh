#!/usr/bin/env bash
# Subset(dataset, mask) with a mask of booleans is as long as the dataset and holds images 0 and 1 alone.
#
# With:   torch 2.14.1, numpy 2.4.6
# Does:   Subset keeps what it is given and asks for dataset[True] and dataset[False]. A list takes them as 1 and 0. A
#         TensorDataset masks its tensors by them: all images with one dimension more, or none.
# Guess:  the images where the mask is true, as numpy, pandas and torch's tensors do; or an error.
# Seen:   six images, three of camera 1: Subset has 6, and gives b a b b a a for a, c and d. The same from a list of
#         booleans and from a tensor. Nothing is said, and a loader trains on it.
# Beside: a mask of numpy raises. Of a TensorDataset, True gives a tensor of 1 x 6 and False one of 0 x 6.
# Use:    Subset(dataset, mask.nonzero()[:, 0].tolist()).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

CAMERAS = torch.tensor([1, 2, 1, 1, 3, 2])


class Images(Dataset):
    names = list("abcdef")

    def __len__(self):
        return len(self.names)

    def __getitem__(self, number):
        return self.names[number]


def chosen(indices):
    """All that a loader gives of these images, in order."""
    try:
        return "".join("".join(batch) for batch in DataLoader(Subset(Images(), indices), batch_size=3))
    except (TypeError, IndexError) as error:
        return type(error).__name__


mask = CAMERAS == 1
seen = {
    "tensor": chosen(mask),
    "list": chosen(mask.tolist()),
    "numpy": chosen(mask.numpy()),
    "numbers": chosen(mask.nonzero()[:, 0].tolist()),
    "tensors": [tuple(image.shape) for (image,) in Subset(TensorDataset(torch.arange(6)), mask)][:2],
}
expected = {"tensor": "babbaa", "list": "babbaa", "numpy": "TypeError", "numbers": "acd", "tensors": [(1, 6), (0, 6)]}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
