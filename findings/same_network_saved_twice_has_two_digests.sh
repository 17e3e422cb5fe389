#!/usr/bin/env bash
# The same weights with the same two entries of metadata become files that differ, in one process.
#
# With:   safetensors 0.8.0, numpy 2.4.6
# Does:   the metadata go through a hash map whose order is drawn anew each time; the file holds them in that order.
#         Digests, caches and comparisons of files find another network.
# Guess:  the same bytes: the format sorts the tensors, so that a file can be compared.
# Seen:   of 40 files 2 differ with two entries, and about 20 of the 24 orders are met with four.
# Beside: 1 digest with one entry, or with none; turning the tensors round changes nothing.
# Use:    one entry that holds JSON, or a digest of the tensors.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet safetensors==0.8.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import hashlib
import sys

import numpy as np
from safetensors.numpy import save

weights = {"b": np.ones(3, np.float32), "a": np.zeros(2, np.float32)}
METADATA = {"data": "market1501", "loops": "3", "seed": "0", "width": "512"}


def digests(weights, entries, times=40):
    metadata = dict(list(METADATA.items())[:entries]) or None
    return {hashlib.sha256(save(weights, metadata)).hexdigest() for _ in range(times)}


seen = {entries: len(digests(weights, entries)) for entries in (0, 1, 2, 4)}
seen["tensors turned round"] = len(digests(weights, 1) | digests(dict(reversed(weights.items())), 1))
print(seen)
same = seen[0] == seen[1] == seen["tensors turned round"] == 1 and seen[2] == 2 and seen[4] > 5
sys.exit(0 if same else "changed; before: 1, 1, 2 and more than 5 digests")
PYTHON
