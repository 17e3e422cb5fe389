#!/usr/bin/env bash
# Lightning's sync_batchnorm=True takes the activations out of a timm network, for the fit and for good.
#
# With:   pytorch-lightning 2.6.6, timm 1.0.31, torch 2.14.1
# Does:   the Trainer converts by torch's function, which puts a plain SyncBatchNorm in the place of whatever is derived
#         from BatchNorm. timm's BatchNormAct2d is, and holds the activation and dropout: they are never called again.
#         Names and shapes of the weights stay. After the fit Lightning puts back a plain batch norm, not timm's.
# Guess:  statistics are taken over all processes, and nothing else changes: in evaluation the embeddings are equal.
# Seen:   cosine with the embeddings before: mobilenetv3_small_100 0.07, efficientnet_b0 0.03, regnetx_002 0.95 (fresh
#         weights), and the same after the fit. A checkpoint of it is loaded without complaint into a network that has
#         the activations, which it was not trained with.
# Beside: timm's resnet18 and hrnet_w18_small have plain batch norm: 1.0.
# Use:    timm.layers.convert_sync_batchnorm(network) in the module, and leave the Trainer's option alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-lightning==2.6.6 timm==1.0.31 torch==2.14.1 torchvision==0.29.1 \
    numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import copy
import sys

import timm
import torch
from pytorch_lightning.plugins.layer_sync import TorchSyncBatchNorm


def cosine(first, second):
    return torch.nn.functional.cosine_similarity(first, second).min().item()


@torch.inference_mode()
def converted(name):
    """Cosines with a network's embeddings: as the Trainer converts it, as it reverts that, and as timm converts it."""
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=0).eval()
    crops = torch.rand(4, 3, 128, 64)
    before = network(crops)
    option = TorchSyncBatchNorm()  # the Trainer's, for sync_batchnorm=True
    synced = option.apply(copy.deepcopy(network))
    assert synced.state_dict().keys() == network.state_dict().keys()
    during = synced(crops)
    after = option.revert(synced).eval()(crops)
    by_timm = timm.layers.convert_sync_batchnorm(copy.deepcopy(network))(crops)
    return [cosine(before, embeddings) for embeddings in (during, after, by_timm)]


NAMES = "mobilenetv3_small_100", "efficientnet_b0", "regnetx_002", "resnet18", "hrnet_w18_small"
seen = {name: converted(name) for name in NAMES}
for name, cosines in seen.items():
    print(name, *(f"{value:.4f}" for value in cosines))
lost = [name for name, (during, after, _) in seen.items() if max(during, after) < 0.99]
same = lost == list(NAMES[:3]) and max(seen[lost[0]][:2]) < 0.6
same = same and all(value > 0.9999 for name in seen if name not in lost for value in seen[name])
same = same and all(by_timm > 0.9999 for _, _, by_timm in seen.values())
sys.exit(0 if same else "changed; before: the first three lose their activations, none by timm's conversion")
PYTHON
