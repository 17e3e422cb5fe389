"""Weights that cannot be read, or are no backbone, are told, and no code of them runs."""

from __future__ import annotations

import pytest
import torch

from dien_lightning.network import DIEN, Backbone, save_network
from library.network.networks import Trap


def test_a_network_of_ours_is_told_from_a_backbone(tmp_path):
    save_network(DIEN("resnet18", None, 4, 0), tmp_path / "network.safetensors")
    with pytest.raises(ValueError, match="it is a network of this library, which load_network reads"):
        Backbone("resnet18", tmp_path / "network.safetensors")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("model.pth", b"", "EOFError"),
        ("model.pth", b"not a state dict", ""),
        ("model.safetensors", b"not safetensors", ""),
        (
            "model.pth",
            Trap(),
            r"it holds more than tensors and numbers, and its code is not run; save model\.state_dict",
        ),
        ("model.pth", torch.nn.Linear(2, 2), "it holds more than tensors and numbers"),
    ],
)
def test_what_cannot_be_read_is_told_and_no_code_of_it_runs(name, content, reason, tmp_path):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(
        ValueError, match=rf"weights=.*{name} cannot be read \(.*{reason}.*\)\. Give another file, 'imagen"
    ):
        Backbone("resnet18", path)
    assert not Trap.sprung
