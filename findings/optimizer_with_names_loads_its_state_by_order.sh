#!/usr/bin/env bash
# An optimizer that is given names saves them, and loads by order: two heads get each other's moments, and names.
#
# With:   torch 2.14.1
# Does:   Adam(network.named_parameters()) keeps the names in its groups and its state_dict. load_state_dict pairs the
#         n-th parameter with the n-th saved one, never compares names, and then writes the saved names over its own.
#         Code that declares source and target head the other way round resumes without an error if their shapes agree.
# Guess:  names are there to match by: the state finds its parameter, or a difference is refused.
# Seen:   first moments 0.1 (source) and 5.0 (target) saved, loaded by an optimizer of target, source: 5.0 for source
#         and 0.1 for target. Its param_names say source, target: the opposite of what it holds. No warning.
# Beside: in the same order, all is right.
# Use:    a comparison of param_names before loading; or a hook (register_load_state_dict_pre_hook) that sorts by name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys
import warnings

import torch
from torch import nn

warnings.simplefilter("error")


def heads():
    return {"source": nn.Parameter(torch.zeros(2)), "target": nn.Parameter(torch.zeros(2))}


def optimizer(parameters, order):
    return torch.optim.Adam([(name, parameters[name]) for name in order], lr=0.1)


trained = heads()
first = optimizer(trained, ["source", "target"])
trained["source"].grad, trained["target"].grad = torch.ones(2), torch.full((2,), 50.0)
first.step()


def resumed(order):
    """Each head's mean gradient after loading, and the names that the optimizer then gives its parameters."""
    parameters = heads()
    second = optimizer(parameters, order)
    second.load_state_dict(first.state_dict())
    moments = {name: round(second.state[parameters[name]]["exp_avg"][0].item(), 2) for name in ("source", "target")}
    return moments, second.param_groups[0]["param_names"]


seen = {"same order": resumed(["source", "target"]), "other order": resumed(["target", "source"])}
print(seen)
expected = {
    "same order": ({"source": 0.1, "target": 5.0}, ["source", "target"]),
    "other order": ({"source": 5.0, "target": 0.1}, ["source", "target"]),
}
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
