#!/usr/bin/env bash
# Albumentations in a loader with two workers draws everything twice, and the same again in each epoch, unseeded or
# not.
#
# With:   albumentations 2.0.8, torch 2.14.1
# Does:   a transform keeps generators of its own, made in the main process; each worker gets a copy, and the next
#         epoch's workers get copies of the same untouched state. The global seeds are not asked, so seeding changes
#         nothing.
# Guess:  workers and epochs differ, as they do with torchvision; torch.manual_seed and np.random.seed make it repeat.
# Seen:   two workers, 8 images, 3 epochs: 4 values instead of 24, in two unlike runs with one seed.
# Beside: without workers 24 values; with persistent workers 12 (epochs differ, workers do not); `seed=0` given to
#         Compose: again 4.
# Use:    worker_init_fn that calls dataset.transform.set_random_seed(torch.initial_seed() % 2**31): 24 values.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet albumentations==2.0.8 opencv-python-headless==5.0.0.93 \
    torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
cat > check.py <<'PYTHON'
import random
import sys

import albumentations
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

CROP = np.full((64, 32, 3), 120, dtype=np.uint8)


class Crops(Dataset):
    def __init__(self, **options):
        noise = albumentations.GaussNoise(p=1)
        self.transform = albumentations.Compose([noise], **options)

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return int(self.transform(image=CROP)["image"].astype(np.int64).sum())


def three_epochs(crops, **options):
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(0)
    loader = DataLoader(crops, batch_size=1, **options)
    return {int(value) for _ in range(3) for value in loader}


def seed_worker(worker):
    get_worker_info().dataset.transform.set_random_seed(torch.initial_seed() % 2**31)


once = three_epochs(Crops(), num_workers=2)
seen = {
    "two workers": len(once),
    "repeats with one seed": once == three_epochs(Crops(), num_workers=2),
    "no workers": len(three_epochs(Crops())),
    "persistent workers": len(three_epochs(Crops(), num_workers=2, persistent_workers=True)),
    "seed=0": len(three_epochs(Crops(seed=0), num_workers=2)),
    "worker_init_fn": len(three_epochs(Crops(), num_workers=2, worker_init_fn=seed_worker)),
}
expected = {
    "two workers": 4,
    "repeats with one seed": False,
    "no workers": 24,
    "persistent workers": 12,
    "seed=0": 4,
    "worker_init_fn": 24,
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
NO_ALBUMENTATIONS_UPDATE=1 OMP_NUM_THREADS=1 "$folder/venv/bin/python" check.py
