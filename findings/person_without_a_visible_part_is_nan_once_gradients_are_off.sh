#!/usr/bin/env bash
# Attention over the visible parts of a person who has none: a number in training, NaN when it is embedded.
#
# With:   torch 2.14.1
# Does:   attention over nothing is answered by whichever code runs. Asked for the weights it is NaN, without them 0,
#         and NaN again in eval mode without gradients, where a faster path takes over. Only the masked person is hit.
# Guess:  one answer for one mask, as numbers or as NaN, in each mode.
# Seen:   a TransformerEncoder with norm_first=True: numbers in training and in eval mode, NaN in eval mode under
#         no_grad: a network that trained without a NaN embeds such people as NaN. With norm_first=False: numbers,
#         numbers, 0.
# Beside: MultiheadAttention: NaN in each mode with need_weights=True, the default, and so are the gradients of all its
#         weights; with False 0, 0 and NaN, but 0, 0, 0 with bias=False. scaled_dot_product_attention: 0; a mask of -1e9
#         in the place of True: the mean of all parts.
# Use:    a part that is always visible, a token of its own or the whole body, so that no row of a mask is empty.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys

import torch
from torch import nn

PARTS, WIDTH = 5, 8
torch.manual_seed(0)
parts = torch.randn(2, PARTS, WIDTH)
hidden = torch.tensor([[True] * PARTS, [False] * 3 + [True] * 2])  # person 0 has none, person 1 has three


def kind(embedding):
    return "nan" if embedding.isnan().any() else "0" if not embedding.any() else "number"


def modes(network, embed):
    """The first person in training, in eval mode, and there without gradients; the second is a number throughout."""
    seen = []
    for training, gradients in ((True, True), (False, True), (False, False)):
        network.train(training)
        with torch.set_grad_enabled(gradients):
            both = embed(network)
        assert kind(both[1, :3]) == "number"
        seen.append(kind(both[0]))
    return seen


def encoder(norm_first):
    layer = nn.TransformerEncoderLayer(WIDTH, 2, 16, dropout=0.0, batch_first=True, norm_first=norm_first)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=not norm_first)


def attention(bias=True):
    return nn.MultiheadAttention(WIDTH, 2, batch_first=True, bias=bias)


def encoded(network):
    return network(parts, src_key_padding_mask=hidden)


def attended(weights):
    return lambda network: network(parts, parts, parts, key_padding_mask=hidden, need_weights=weights)[0]


def broken(weights):
    """Whether the loss of the other person alone gives NaN as gradients."""
    network = attention()
    attended(weights)(network)[1].sum().backward()
    return bool(network.in_proj_weight.grad.isnan().any())


def product(mask):
    heads = parts[:, None]
    return nn.functional.scaled_dot_product_attention(heads, heads, heads, attn_mask=mask)[0]


low = torch.zeros(2, 1, 1, PARTS).masked_fill(hidden[:, None, None], -1e9)
seen = {
    "encoder, norm first": modes(encoder(True), encoded),
    "encoder, norm last": modes(encoder(False), encoded),
    "attention and weights": modes(attention(), attended(True)),
    "attention": modes(attention(), attended(False)),
    "attention without bias": modes(attention(bias=False), attended(False)),
    "gradients": [broken(True), broken(False)],
    "product": kind(product(~hidden[:, None, None])),
    "product, -1e9": torch.allclose(product(low), parts[0].mean(dim=0), atol=1e-6),
}
expected = {
    "encoder, norm first": ["number", "number", "nan"],
    "encoder, norm last": ["number", "number", "0"],
    "attention and weights": ["nan", "nan", "nan"],
    "attention": ["0", "0", "nan"],
    "attention without bias": ["0", "0", "0"],
    "gradients": [True, False],
    "product": "0",
    "product, -1e9": True,
}
print(*seen.items(), sep="\n")
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
