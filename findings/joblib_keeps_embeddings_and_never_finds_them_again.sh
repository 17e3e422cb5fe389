#!/usr/bin/env bash
# joblib.Memory computes the embeddings of a tensor anew in every process, and of its equal in the same one.
#
# With:   joblib 1.6.0, torch 2.14.1, numpy 2.4.6
# Does:   it looks a call up by a hash of the pickled arguments. NumPy arrays it takes by their numbers; a tensor or a
#         network goes in by way of its storage, whose pickle is another for each storage and in each process.
# Guess:  equal arguments, one computation: 1 in all.
# Seen:   one function on equal pictures, twice in each of two processes: computed once as arrays; 4 times as tensors,
#         each kept on disk and never read.
# Beside: a network among the arguments does it, too: 2 times, once a process. The same tensor object hits.
# Use:    arrays as arguments, the network's file digest in its place, ignore=["network"] for the network itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet joblib==1.6.0 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
cat > embed.py <<'PYTHON'
import sys

import joblib
import numpy as np
import torch

memory = joblib.Memory("kept", verbose=0)
torch.manual_seed(0)
network = torch.nn.Linear(8, 4)


def computed(name):
    with open(name, "a") as file:
        file.write("once\n")


@memory.cache
def as_arrays(crops):
    computed("arrays")
    return crops.mean(1)


@memory.cache
def as_tensors(crops):
    computed("tensors")
    return crops.mean(1).numpy()


@memory.cache
def with_a_network(network, crops):
    computed("network")
    return network(torch.from_numpy(crops)).detach().numpy()


@memory.cache
def same_object(crops):
    computed("object")
    return crops.mean(1).numpy()


crops = np.arange(24, dtype=np.float32).reshape(3, 8)
for _ in range(2):
    as_arrays(crops.copy())
    as_tensors(torch.from_numpy(crops).clone())
    with_a_network(network, crops)
one = torch.from_numpy(crops)
same_object(one)
same_object(one)
PYTHON
for _ in 1 2; do OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore embed.py; done
seen="arrays $(wc -l < arrays), tensors $(wc -l < tensors), a network $(wc -l < network), one object $(wc -l < object)"
kept=$(find kept -path '*as_tensors*' -name output.pkl | wc -l)
echo "computed in two processes of two calls each: $seen; tensors' results on disk: $kept"
test "$seen" = "arrays 1, tensors 4, a network 2, one object 2" || { echo "changed; before, arrays alone were found"; exit 1; }
test "$kept" = 4 || { echo "changed; before, each was kept"; exit 1; }
