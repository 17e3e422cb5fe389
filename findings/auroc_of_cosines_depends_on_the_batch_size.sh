#!/usr/bin/env bash
# torchmetrics' AUROC and equal error rate of cosines change with the size of the batches that they come in.
#
# With:   torchmetrics 1.9.0, torch 2.14.1
# Does:   each update whose scores lie within [0, 1] is taken as probabilities; one with any number outside goes through
#         a sigmoid as a whole. Cosines of strangers are negative now and then, so some batches are squeezed into 0.27
#         to 0.73 and others are not, and ranks across batches mean nothing.
# Guess:  a figure of ranks is the same however the pairs are dealt out.
# Seen:   2,000 pairs at once AUROC 0.968 and equal error rate 0.092, in batches of 10 0.914 and 0.205, one by one 0.96
#         and 0.12; nothing is said.
# Beside: (1 + cosine) / 2 gives 0.968 in batches of any size; minus the distance, of pairs one by one, 0.955, since a
#         copy's 0 is within [0, 1] and all others are not.
# Use:    (1 + cosine) / 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchmetrics==1.9.0 numpy==2.4.6
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import torch
from torchmetrics.classification import BinaryAUROC, BinaryEER

generator = torch.Generator().manual_seed(0)
same = torch.rand(2000, generator=generator) < 0.2
cosines = (0.25 + 0.4 * same + 0.16 * torch.randn(2000, generator=generator)).clamp(-1, 1)


def figure(metric, scores, size):
    for batch, labels in zip(scores.split(size), same.long().split(size)):
        metric.update(batch, labels)
    return round(float(metric.compute()), 3)


def in_batches(metric, scores):
    return [figure(metric(), scores, size) for size in (2000, 10, 1)]


seen = {
    "auroc": in_batches(BinaryAUROC, cosines),
    "equal error rate": in_batches(BinaryEER, cosines),
    "auroc of (1 + cosine) / 2": in_batches(BinaryAUROC, (1 + cosines) / 2),
    "auroc of minus the distance": in_batches(BinaryAUROC, -(2 - 2 * cosines).sqrt()),
}
expected = {
    "auroc": [0.968, 0.914, 0.96],
    "equal error rate": [0.092, 0.205, 0.12],
    "auroc of (1 + cosine) / 2": [0.968, 0.968, 0.968],
    "auroc of minus the distance": [0.968, 0.968, 0.955],
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
