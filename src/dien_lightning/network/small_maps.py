"""Convolutions of small maps as one matrix product: faster on a processor, and right where torch's are not."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

_POSITIONS = 8  # of the map that comes out, up to which the product trains faster (benchmarks/training.py)
_NARROW = 2  # columns


class SmallMapConv2d(nn.Conv2d):
    """A 3 x 3 convolution, padded by 1 and without bias, that takes one matrix product for small maps on a processor.

    Of images of 128 x 64 the last block of a ResNet makes 512 maps of 4 x 2: many weights, few positions. Training
    there, torch spends more time on laying out weights and their gradients than on multiplying; here the patches of all
    images are the rows of one matrix. With a stride, bfloat16 maps of one or two columns take the product in
    evaluation, too: torch 2.14.1 returns unrelated numbers for them on processors with AMX
    (`findings/bfloat16_convolution_of_a_narrow_map_is_noise.sh`). All else is `nn.Conv2d`.

    Shape:
        (B, in_channels, h, w) -> (B, out_channels, ceil(h / stride), ceil(w / stride)).
    """

    @classmethod
    def take_over(cls, block: nn.Module) -> None:
        """Let such convolutions inside `block` work so, with the weights that they have."""
        for layer in block.modules():
            if type(layer) is nn.Conv2d and layer.bias is None:
                shape = layer.kernel_size, layer.padding, layer.padding_mode, layer.dilation, layer.groups
                if shape == ((3, 3), (1, 1), "zeros", (1, 1), 1):
                    layer.__class__ = cls  # a new layer would draw random weights first

    def forward(self, features: Tensor) -> Tensor:
        height, width = features.shape[-2:]  # symbols where the network is exported
        down, right = self.stride
        trains_faster = self.training and -(-height // down) * -(-width // right) <= _POSITIONS
        takes = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else features.dtype
        is_doubtful = takes == torch.bfloat16 and width <= _NARROW and self.stride != (1, 1)
        if not features.is_cpu or not (trains_faster or is_doubtful):
            return super().forward(features)
        maps = features.permute(0, 2, 3, 1).contiguous()  # (B, h, w, C): one layout, one way of rounding
        padded = pad(maps, (0, 0, 1, 1, 1, 1))
        shifted = [padded[:, i : i + height : down, j : j + width : right] for i in range(3) for j in range(3)]
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)  # in channels_last the same memory
        return linear(torch.cat(shifted, dim=-1), weight).permute(0, 3, 1, 2)
