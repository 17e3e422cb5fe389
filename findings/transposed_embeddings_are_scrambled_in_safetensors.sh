#!/usr/bin/env bash
# safetensors writes a transposed NumPy array in another order than it has, without a word.
#
# With:   safetensors 0.8.0, numpy 2.4.6, torch 2.14.1
# Does:   save_file writes the memory as it lies and the shape that the array says. A transposed array, every second
#         column, or what numpy.asfortranarray gives come back as other numbers in the right shape.
# Guess:  the array comes back equal, as from numpy.save, or is refused, as a torch tensor is.
# Seen:   equal after saving and loading: rows True, transposed False, every second column False, Fortran order False.
# Beside: numpy.save and savez give all four; safetensors.torch refuses the same tensors ("non contiguous tensor").
# Use:    numpy.ascontiguousarray before save_file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet safetensors==0.8.0 numpy==2.4.6 torch==2.14.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

embeddings = np.arange(24, dtype=np.float32).reshape(4, 6)
arrays = {
    "rows": embeddings[1:3],
    "transposed": embeddings.T,
    "every second column": embeddings[:, ::2],
    "fortran": np.asfortranarray(embeddings),
}


def comes_back(array):
    safetensors.numpy.save_file({"a": array}, "a.safetensors")
    return np.array_equal(safetensors.numpy.load_file("a.safetensors")["a"], array)


def torch_refuses(array):
    try:
        safetensors.torch.save({"a": torch.from_numpy(array)})
    except ValueError as error:
        return "non contiguous" in str(error)
    return False


np.savez("a.npz", **arrays)
seen = {
    "comes back": [comes_back(array) for array in arrays.values()],
    "contiguous": [comes_back(np.ascontiguousarray(array)) for array in arrays.values()],
    "npz": [np.array_equal(np.load("a.npz")[name], array) for name, array in arrays.items()],
    "torch refuses": [torch_refuses(array) for array in arrays.values()],
}
expected = {
    "comes back": [True, False, False, False],
    "contiguous": [True] * 4,
    "npz": [True] * 4,
    "torch refuses": [False, True, True, True],
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
