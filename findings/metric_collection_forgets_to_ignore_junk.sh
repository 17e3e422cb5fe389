#!/usr/bin/env bash
# In a MetricCollection the accuracy that ignores junk counts it, if the first batch holds none.
#
# With:   torchmetrics 1.9.0, torch 2.14.1
# Does:   after the first update metrics with equal states become one compute group, and only its first member is
#         updated from then on. Arguments that act in update(), such as ignore_index or top_k, are not compared.
# Guess:  a collection gives what its metrics give one by one.
# Seen:   one by one all 0.5 and people 0.667, in a collection 0.5 and 0.5; with the junk in the first batch as one by
#         one.
# Beside: the first member is the first by alphabet: the metric that ignores, named "a", gives both 0.667. top_k=1 and
#         top_k=2: one by one 0.812 and 1.0, in a collection 0.812 twice.
# Use:    compute_groups=False, or the groups by name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 torchmetrics==1.9.0 numpy==2.4.6
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy

CLEAN = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 1, 1, 0])
JUNK = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 1, 2, 2])
FIRST = torch.eye(4), torch.arange(4)
SECOND = torch.tensor([[0.5, 0.4, 0.1, 0.0]]).repeat(4, 1), torch.tensor([0, 1, 1, 1])


def accuracy(**options):
    return MulticlassAccuracy(num_classes=4, **{"average": "micro", **options})


def together(metrics, batches, **options):
    collection = MetricCollection({name: metric.clone() for name, metric in metrics.items()}, **options)
    for batch in batches:
        collection.update(*batch)
    values = collection.compute()
    return {name: round(float(values[name]), 3) for name in metrics}


def one_by_one(metrics, batches):
    return {name: together({name: metric}, batches)[name] for name, metric in metrics.items()}


junk = {"all": accuracy(), "people": accuracy(ignore_index=2)}
renamed = {"b": junk["all"], "a": junk["people"]}
top = {"top1": accuracy(average="macro", top_k=1), "top2": accuracy(average="macro", top_k=2)}
seen = {
    "one by one": one_by_one(junk, [CLEAN, JUNK]),
    "collection": together(junk, [CLEAN, JUNK]),
    "junk first": together(junk, [JUNK, CLEAN]),
    "other names": together(renamed, [CLEAN, JUNK]),
    "no groups": together(junk, [CLEAN, JUNK], compute_groups=False),
    "top_k, one by one": one_by_one(top, [FIRST, SECOND]),
    "top_k, collection": together(top, [FIRST, SECOND]),
}
right = {"all": 0.5, "people": 0.667}
expected = {
    "one by one": right,
    "collection": {"all": 0.5, "people": 0.5},
    "junk first": right,
    "other names": {"b": 0.667, "a": 0.667},
    "no groups": right,
    "top_k, one by one": {"top1": 0.812, "top2": 1.0},
    "top_k, collection": {"top1": 0.812, "top2": 0.812},
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
