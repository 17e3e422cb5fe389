#!/usr/bin/env bash
# A cross-batch memory comes back from its checkpoint with all its embeddings, and the loss does not look at them.
#
# With:   pytorch-metric-learning 2.9.0, torch 2.14.1, numpy 2.4.6
# Does:   CrossBatchMemory saves embeddings and labels as buffers, but not how many there are, nor where the next go.
#         Both begin at "empty" in a new object, so a resumed loss compares a batch with itself and overwrites what was
#         loaded.
# Guess:  <All keys matched successfully>: the same loss for the same batch.
# Seen:   a memory of 64, filled by five batches of 16. The next batch: 1.56 before, 1.55 after loading, which is what a
#         new, empty memory gives. Its buffers are equal to those that were saved.
# Beside: queue_idx and has_been_filled set by hand: 1.56, equal to the last digit.
# Use:    save the two beside state_dict(), and set them after loading.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-metric-learning==2.9.0 torch==2.14.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import copy
import sys

import torch
from pytorch_metric_learning.losses import ContrastiveLoss, CrossBatchMemory

WIDTH, BATCH, MEMORY = 8, 16, 64


def new():
    return CrossBatchMemory(ContrastiveLoss(), WIDTH, memory_size=MEMORY)


def batch(generator):
    return torch.randn(BATCH, WIDTH, generator=generator), torch.randint(0, 5, (BATCH,), generator=generator)


generator = torch.Generator().manual_seed(0)
saved = new()
for _ in range(5):
    saved(*batch(generator))
state = copy.deepcopy(saved.state_dict())
loaded, counted = new(), new()
for loss in (loaded, counted):
    loss.load_state_dict(state)
counted.queue_idx, counted.has_been_filled = saved.queue_idx, saved.has_been_filled
buffers = all(torch.equal(value, loaded.state_dict()[name]) for name, value in state.items())
images = batch(generator)
values = {name: loss(*images).item() for name, loss in [("saved", saved), ("loaded", loaded), ("empty", new())]}
seen = {
    "names": sorted(state),
    "buffers equal": buffers,
    "loaded is saved": values["loaded"] == values["saved"],
    "loaded is empty": values["loaded"] == values["empty"],
    "counters set": counted(*images).item() == values["saved"],
}
expected = {
    "names": ["embedding_memory", "label_memory"],
    "buffers equal": True,
    "loaded is saved": False,
    "loaded is empty": True,
    "counters set": True,
}
print(values, seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
