#!/usr/bin/env bash
# precision="bf16-true" rounds the times and boxes of a batch, and whatever a step makes, to two or three digits.
#
# With:   pytorch-lightning 2.6.6, torch 2.14.1
# Does:   each floating-point tensor of a batch becomes bfloat16, float64 as well, and so do buffers. During a step
#         bfloat16 is also the default of torch.tensor, zeros, arange; in the hooks around it float32 is.
# Guess:  the weights and the images.
# Seen:   a time of 1700000000.25 seconds, as float64, arrives as 1702887424, 33 days later; a box that begins at 1001.5
#         begins at 1000. 400 ones that a step adds up are 256. Identities, which are integers, stay.
# Beside: "bf16-mixed": all as given, 400. A time as Python's float within a list of the batch stays too, until a step
#         makes a tensor of it. In on_validation_epoch_end zeros are float32: steps and hooks differ.
# Use:    times in int64 milliseconds, boxes as integers or beside the batch, and dtype=torch.float32 in a step.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 pytorch-lightning==2.6.6 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys

import pytorch_lightning
import torch
from torch import nn
from torch.utils.data import DataLoader

TIME, LEFT = 1_700_000_000.25, 1001.5


class Network(pytorch_lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.register_buffer("fps", torch.tensor(29.97))
        self.seen = {}

    def validation_step(self, batch, index):
        self.layer(batch["image"])
        count = torch.zeros(())
        for _ in range(400):
            count = count + torch.ones(())
        self.seen |= {
            "time": batch["time"].item(),
            "left": batch["box"][0, 0].item(),
            "person": batch["person"].item(),
            "milliseconds": batch["milliseconds"].item(),
            "float": batch["float"][0],
            "tensor of the float": torch.tensor(batch["float"][0]).item(),
            "count": count.item(),
            "rate": round(self.fps.item(), 2),
            "in a step": torch.zeros(()).dtype,
        }

    def on_validation_epoch_end(self):
        self.seen["in a hook"] = torch.zeros(()).dtype


def seen(precision):
    network = Network()
    batch = {
        "image": torch.ones(1, 3),
        "time": torch.tensor([TIME], dtype=torch.float64),
        "box": torch.tensor([[LEFT, 10.0, 1100.0, 400.0]]),
        "person": torch.tensor([12345]),
        "milliseconds": torch.tensor([int(TIME * 1000)]),
        "float": [TIME],
    }
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = pytorch_lightning.Trainer(accelerator="cpu", precision=precision, enable_checkpointing=False, **quiet)
    trainer.validate(network, DataLoader([batch], batch_size=None), verbose=False)
    return network.seen


kept = {"person": 12345, "milliseconds": int(TIME * 1000), "float": TIME, "in a hook": torch.float32}
rounded = {"time": 1702887424.0, "left": 1000.0, "tensor of the float": 1702887424.0, "count": 256.0, "rate": 30.0}
exact = {"time": TIME, "left": LEFT, "tensor of the float": 1700000000.0, "count": 400.0, "rate": 29.97}
expected = {
    "bf16-true": kept | rounded | {"in a step": torch.bfloat16},
    "bf16-mixed": kept | exact | {"in a step": torch.float32},
}
found = {precision: seen(precision) for precision in expected}
print(*found.items(), sep="\n")
sys.exit(0 if found == expected else f"changed; before: {expected}")
PYTHON
