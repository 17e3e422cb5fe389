#!/usr/bin/env bash
# A distributed checkpoint loads what a new optimizer asks for, and a new Adam asks for no moments.
#
# With:   torch 2.14.1
# Does:   dcp.load fills the state_dict that it is given and passes over what this one lacks. An optimizer that has not
#         stepped yet has rates and no moments; so the network and the rate go on, the moments begin at zero.
# Guess:  as torch.load: all that was saved comes back, or the difference raises.
# Seen:   Adam after 100 steps: 2 of 2 parameters have moments in the file, 0 of 2 after loading. The rate, halved
#         before saving, is the saved one. The next step moves a weight by 0.005, 0.0001 had it not been stopped.
# Beside: the same if the network and the optimizer themselves are given, which dcp accepts; SGD loses its momentum.
#         torch.save and torch.load bring all of it back.
# Use:    get_state_dict and set_state_dict of torch.distributed.checkpoint.state_dict: 2 of 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys

import torch
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict

OPTIMIZERS = {
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01),
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9),
}


def new(kind):
    torch.manual_seed(0)
    network = nn.Linear(4, 2)
    return network, OPTIMIZERS[kind](network.parameters())


def step(network, optimizer, index):
    """How far one step on its own images moves the first weight."""
    images = torch.randn(8, 4, generator=torch.Generator().manual_seed(index))
    before = network.weight[0, 0].item()
    optimizer.zero_grad()
    network(images).pow(2).mean().backward()
    optimizer.step()
    return abs(network.weight[0, 0].item() - before)


def both(network, optimizer):
    return {"network": network.state_dict(), "optimizer": optimizer.state_dict()}


def with_torch(saved, fresh):
    torch.save(both(*saved), "file.pt")
    state = torch.load("file.pt")
    for part, name in zip(fresh, ("network", "optimizer"), strict=True):
        part.load_state_dict(state[name])


def with_states(saved, fresh):
    dcp.save(both(*saved), checkpoint_id="states")
    state = both(*fresh)
    dcp.load(state, checkpoint_id="states")
    for part, name in zip(fresh, ("network", "optimizer"), strict=True):
        part.load_state_dict(state[name])


def with_objects(saved, fresh):
    dcp.save(dict(zip(("network", "optimizer"), saved, strict=True)), checkpoint_id="objects")
    dcp.load(dict(zip(("network", "optimizer"), fresh, strict=True)), checkpoint_id="objects")


def with_helpers(saved, fresh):
    dcp.save(dict(zip(("network", "optimizer"), get_state_dict(*saved), strict=True)), checkpoint_id="helpers")
    state = dict(zip(("network", "optimizer"), get_state_dict(*fresh), strict=True))
    dcp.load(state, checkpoint_id="helpers")
    set_state_dict(*fresh, model_state_dict=state["network"], optim_state_dict=state["optimizer"])


same = True
for kind in OPTIMIZERS:
    for way in (with_torch, with_states, with_objects, with_helpers):
        saved, fresh = new(kind), new(kind)
        for index in range(100):
            step(*saved, index)
        saved[1].param_groups[0]["lr"] /= 2
        way(saved, fresh)
        have = len(fresh[1].state)
        goes_on = torch.equal(saved[0].weight, fresh[0].weight) and fresh[1].param_groups[0]["lr"] == 0.005
        moved = step(*fresh, 100), step(*saved, 100)
        print(f"{kind}, {way.__name__}: {have} of 2 have moments, step {moved[0]:.6f}, else {moved[1]:.6f}")
        lost = way in (with_states, with_objects)
        same &= goes_on and have == (0 if lost else 2) and (abs(moved[0] - moved[1]) > 0.5 * max(moved)) == lost
sys.exit(0 if same else "changed; before: states and objects lost the moments, torch.save and the helpers kept them")
PYTHON
