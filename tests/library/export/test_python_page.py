"""The lines of docs/python.md that calibrate and export, as they stand there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

import dien_lightning
from library.test_package import lines_of_python


def test_the_documented_lines_of_python_calibrate_and_export(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)  # of some random networks the distances tell nobody apart
    network = dien_lightning.DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=0, image_size=(64, 32))
    network.eval()
    people = torch.rand(24, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    crops = (people.repeat_interleave(2, dim=0) * 255).byte()
    crops[1::2] = 255 - (255 - crops[1::2]) // 2  # the other camera is brighter
    network.gather_statistics([crops / 255], "target")
    dien_lightning.save_network(network, "network.safetensors")
    names: dict[str, Any] = {"paths": list(crops), "pids": [i // 2 for i in range(48)], "camids": [0, 1] * 24}
    exec(lines_of_python("docs/python.md")[2], names)
    about = dien_lightning.load_network("calibrated.safetensors").calibration.about
    assert (about["people"], about["fingerprint"]) == (24, names["network"].calibration.about["fingerprint"])
    assert names["parity"].cosine > 0.9999
    assert Path("network.onnx").is_file()
    assert "strangers look" in capsys.readouterr().out
